"""The candidates of a search, measured, and the files that have the best ones: two statements in one round trip.

The first statement brings the chunks that any retriever finds and measures each in every way. The second one locates
the best of them, which the first hands over in a setting of the transaction: the program need not see them in between.
What is best here is rough, so more candidates are located than are wanted. `magicfs.db.candidate_statements` has both.
Used by `magicfs.search.ranking`. Ends the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from magicfs.db.candidate_statements import measure_statement, places_statement, settings_for
from magicfs.db.connection import accept_vectors, plan_statements, set_locally
from magicfs.db.found_files import found_file
from magicfs.db.pool import Connection
from magicfs.db.scope import Scope
from magicfs.db.wanted import Limits, Wanted
from magicfs.domain.chunks import CopyRules, FoundFile, MeasuredChunk, NameMatch
from magicfs.domain.ids import ChunkId, FileId, ModelId
from magicfs.domain.results import Copy


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk, measured by its words and by its vectors."""

    chunk: MeasuredChunk
    bm25: float
    words: frozenset[str]
    """The words of the question that it has."""
    has_phrase: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A file that has a candidate, or that its name brings."""

    found: FoundFile
    is_by_name: bool
    """Whether its name brings it, and not a candidate."""
    name: NameMatch | None
    """The words of the question that its path has; None without any."""
    copies: tuple[tuple[FileId, Copy], ...]
    """The files in scope with the same content, this one among them, the preferred ones first."""
    text: str | None
    """Of the chunk."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the two statements return."""

    candidates: Sequence[Candidate] = ()
    places: Sequence[Place] = ()
    """Those of the best candidates in a rough order, and then those by name."""


def gather(connection: Connection, scope: Scope, wanted: Wanted, *, rules: CopyRules, limits: Limits) -> Gathered:
    """The candidates in scope and their places. Commits the transaction, which has settings for these statements."""
    measure, parameters = measure_statement(scope, wanted, limits)
    places, place_parameters = places_statement(scope, wanted, rules, limits)
    may_prepare = _may_prepare(scope)
    accept_vectors(connection)
    plan_statements(connection, once=may_prepare)
    with connection.pipeline():
        set_locally(connection, settings_for(limits))
        measured = connection.execute(measure, parameters, prepare=may_prepare)
        located = connection.execute(places, place_parameters, prepare=may_prepare)
        _end_settings(connection)
    return Gathered(
        [_candidate(row, wanted) for row in measured if row[0] is not None], [_place(row) for row in located]
    )


def measure_chunks(connection: Connection, scope: Scope, wanted: Wanted, *, limits: Limits) -> list[Candidate]:
    """The candidates alone."""
    measure, parameters = measure_statement(scope, wanted, limits)
    may_prepare = _may_prepare(scope)
    accept_vectors(connection)
    plan_statements(connection, once=may_prepare)
    with connection.pipeline():
        set_locally(connection, settings_for(limits))
        measured = connection.execute(measure, parameters, prepare=may_prepare)
        _end_settings(connection)
    return [_candidate(row, wanted) for row in measured if row[0] is not None]


def _end_settings(connection: Connection) -> None:
    """End the transaction of the settings. Without one, statements that are sent together are a transaction."""
    if not connection.autocommit:
        connection.commit()


def _may_prepare(scope: Scope) -> bool:
    """False where the best plan depends on the values: on how many files the filters leave."""
    return not scope.is_restricted


def _candidate(row: Sequence[Any], wanted: Wanted) -> Candidate:
    chunk, bm25, had, has_phrase, documents, *cosines = row
    return Candidate(
        chunk=MeasuredChunk(
            ChunkId(chunk),
            tuple((language, mime_type) for language, mime_type in documents or ()),
            {
                ModelId(one.model.id): cosine
                for one, cosine in zip(wanted.vectors, cosines, strict=True)
                if cosine is not None
            },
        ),
        bm25=float(bm25),
        words=frozenset(term.word for number, term in enumerate(wanted.weights) if had >> number & 1),
        has_phrase=has_phrase,
    )


def _place(row: Sequence[Any]) -> Place:
    *columns, is_by_name, in_path, in_name, ids, paths, hosts, text = row
    found = found_file(columns)
    copies = zip(ids or (), paths or (), hosts or (), strict=True)
    return Place(
        found=found,
        is_by_name=is_by_name,
        name=NameMatch(found.file_id, frozenset(in_path), frozenset(in_name or ())) if in_path else None,
        copies=tuple((FileId(file), Copy(path, host)) for file, path, host in copies),
        text=text,
    )
