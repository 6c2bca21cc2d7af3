"""The candidates of a search, measured, and the files that have the best ones: two statements in one round trip.

The first statement brings the chunks that any retriever finds and measures each in every way. The second one locates
the best of them, which the first hands over in a setting of the transaction: the program need not see them in between.
It gets them early, and works with them while the second one is executed. What is best here is rough, so more candidates
are located than are wanted. `magicfs.db.search.candidate_statements` has both. Used by `magicfs.search.ranking`. Ends
the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from psycopg import Cursor

from magicfs.db.connection import accept_vectors, plan_statements, set_locally
from magicfs.db.early_answers import fetch_early, request_early
from magicfs.db.pool import Connection
from magicfs.db.search.candidate_query import CandidateQuery, Limits
from magicfs.db.search.candidate_statements import measure_statement, places_statement, settings_for
from magicfs.db.search.found_files import COLUMNS, found_file
from magicfs.db.search.scope import Parameters, Scope
from magicfs.domain.chunks import CopyRules, Cosines, Documents, FoundFile, NameMatch
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.results import Copy


class Candidate(NamedTuple):
    """A chunk, measured by its words and by its vectors. A tuple: a search makes hundreds."""

    chunk_id: ChunkId
    bm25: float
    words: frozenset[str]
    """The words of the question that it has."""
    has_phrase: bool
    documents: Documents
    cosines: Cosines


class Place(NamedTuple):
    """A file that has a candidate, or that its name brings."""

    found: FoundFile
    is_by_name: bool
    """Whether its name brings it, and not a candidate."""
    name: NameMatch | None
    """The words of the question that its path has; None without any."""
    copies: tuple[tuple[FileId, Copy], ...]
    """The files in scope with the same content, this one among them, the preferred ones first; empty if it is alone."""
    text: str | None
    """The text of the chunk, if the name of the file brings it."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the two statements return."""

    candidates: Sequence[Candidate] = ()
    texts: Mapping[ChunkId, str] = field(default_factory=dict)
    """The texts of the candidates that are located, in their rough order."""
    places: list[Place] = field(default_factory=list)
    """Those of the best candidates in a rough order, and then those by name; empty until the block of `gather` ends."""


@contextmanager
def gather(
    connection: Connection, scope: Scope, query: CandidateQuery, *, rules: CopyRules, limits: Limits
) -> Iterator[Gathered]:
    """The candidates in scope for the block, in which they are located, and their places at its end.

    Commits the transaction, which has settings for these statements. The rows are binary: writing hundreds of numbers
    and paths as text and reading them takes a while.
    """
    measure = measure_statement(scope, query, limits)
    places = places_statement(scope, query, rules, limits)
    with _executed(connection, scope, limits, [measure, places]) as (measured, located):
        fetch_early(connection, measured)
        gathered = Gathered(*_candidates(measured.fetchall(), query))
        yield gathered
    gathered.places.extend(map(_place, located.fetchall()))


def measure_chunks(connection: Connection, scope: Scope, query: CandidateQuery, *, limits: Limits) -> list[Candidate]:
    """The candidates alone."""
    with _executed(connection, scope, limits, [measure_statement(scope, query, limits)]) as (measured,):
        pass
    candidates, _ = _candidates(measured.fetchall(), query)
    return candidates


@contextmanager
def _executed(
    connection: Connection, scope: Scope, limits: Limits, statements: Sequence[tuple[bytes, Parameters]]
) -> Iterator[list[Cursor[Any]]]:
    """Execute statements in one round trip, with their settings. All have been executed when the block ends.

    The rows come as Postgres has them: see `gather`.
    """
    may_prepare = scope.may_be_planned_once
    accept_vectors(connection)
    with connection.pipeline():
        plan_statements(connection, once=may_prepare)
        set_locally(connection, settings_for(scope, limits))
        cursors: list[Cursor[Any]] = []
        for text, parameters in statements:
            if cursors:
                request_early(connection)
            cursors.append(connection.execute(text, parameters, prepare=may_prepare, binary=True))
        yield cursors
        # Ends the transaction of the settings. Without one, statements that are sent together are a transaction.
        if not connection.autocommit:
            connection.commit()


def _candidates(rows: Iterable[tuple[Any, ...]], query: CandidateQuery) -> tuple[list[Candidate], dict[ChunkId, str]]:
    """The candidates in the rows of the statement that measures, and the texts of some.

    Many candidates have the same words, and the same documents.
    """
    terms = [(1 << number, term.word) for number, term in enumerate(query.weights)]
    words = cache(lambda had: frozenset(word for bit, word in terms if had & bit))
    documents = cache(lambda stored: tuple(map(tuple, json.loads(stored))) if stored else ())
    candidates, texts = [], {}
    for row in rows:
        chunk, bm25, had, has_phrase, stored, text, *cosines = row
        if text is not None:
            texts[chunk] = text
        elif chunk is not None:
            candidates.append(Candidate(chunk, bm25, words(had), has_phrase, documents(stored), tuple(cosines)))
    return candidates, texts


def _place(row: Sequence[Any]) -> Place:
    is_by_name, in_path, in_name, copies, text = row[len(COLUMNS) :]
    found = found_file(row)
    name = NameMatch(found.file_id, frozenset(in_path), frozenset(in_name)) if in_path else None
    return Place(found, is_by_name, name, tuple(map(_copy, copies)) if copies else (), text)


def _copy(packed: bytes) -> tuple[FileId, Copy]:
    """The file that `packed_copy` has written."""
    host, _, path = packed[8:].partition(b"\0")
    return FileId(int.from_bytes(packed[:8], "big")), Copy(path, host.decode())
