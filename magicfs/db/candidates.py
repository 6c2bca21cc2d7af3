"""The candidates of a search, measured, and the files that have the best ones: two statements in one round trip.

The first statement brings the chunks that any retriever finds and measures each in every way. The second one locates
the best of them, which the first hands over in a setting of the transaction: the program need not see them in between.
What is best here is rough, so more candidates are located than are wanted. Every list has a limit, because a common
word is in most chunks. Where the scope's chunks are enumerated, they are compared one by one; otherwise an index brings
candidates. Used by `magicfs.search.ranking`. Ends the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import sql

from magicfs.db.connection import accept_vectors, plan_statements, set_locally
from magicfs.db.found_files import COLUMNS, copy_parameters, found_file
from magicfs.db.models import partition
from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.db.scope import Parameters, Scope
from magicfs.domain.chunks import CopyRules, FoundFile, MeasuredChunk, NameMatch
from magicfs.domain.ids import ChunkId, FileId, ModelId
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Lexeme, Term
from magicfs.domain.results import Copy
from magicfs.domain.term_weights import question_weights, word_weights

_SQL = load_queries("search")

MAX_EF_SEARCH = 1000
"""Candidates, the most that pgvector allows."""
EF_SEARCH_PER_RESULT = 2
"""Candidates that an index scan keeps for each result: with one, the scan misses twice as many results."""
MAX_BROUGHT = 4000
"""Vectors that an index brings at most, in and out of scope: as many take as long as comparing 80,000."""
COMPARED_PER_BROUGHT = 20
"""How many vectors are compared in the time in which an index brings one."""
ENOUGH_CHUNKS_COMPARED = 1000
"""So few chunks in scope are all measured by their words."""

CHUNKS_OF_CONTENT = 2
"""So many chunks of a content are located before the others: the best one, and one that says the same."""

_ROW_BY_ROW = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""Only plans that look rows up one by one through an index. During a bulk import, Postgres's statistics are old: it
takes a table of thousands of rows for empty, and would read the whole table for each chunk."""

_WORDS_OF_STATEMENTS = (1, 2, 3, 4, 6, 8, 16, 48)
"""The numbers of words that statements are made for: those of most questions, and more."""
_NO_WORD = question_weights({})
"""The weights of a word that no chunk has."""

WordCondition = Sequence[Sequence[Term]]
"""A condition on the words of a chunk: alternatives, each a list of words that the chunk must all have. A chunk with
`tax`, or with both `invoice` and `paid`, meets `[[tax], [invoice, paid]]`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of everything that a search looks at."""

    chunks: int
    """That each retriever brings."""
    chunks_each: int
    """That one condition on words brings."""
    names_each: int
    """Files that one condition on names brings."""
    enough_names: int
    """When conditions on names have brought so many files, the ones that follow are not looked up."""
    located: int
    """Candidates that are located, in their rough order."""
    of_each_retriever: int
    """Candidates that are located besides: the best ones of each retriever."""
    contents_each: int
    """Contents of one candidate."""
    copies: int
    """Copies of one content."""


@dataclass(frozen=True, slots=True)
class ModelVector:
    """The vector of a question under one model, and how much that model's nearness weighs in the rough order."""

    model: IndexedModel
    vector: NDArray[np.float32]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What candidates are looked for by."""

    weights: Mapping[Term, float] = field(default_factory=dict)
    """The weight of each word of the question, the rarest first."""
    known: str = ""
    """The ids of chunks that are known to have a rare word, divided by commas, wherever they are."""
    conditions: Sequence[WordCondition] = ()
    """The conditions that bring the others. With the known ones, they are for a search of all chunks."""
    all_conditions: Sequence[WordCondition] = ()
    """The same, with those that bring the known ones."""
    name_conditions: Sequence[WordCondition] = ()
    """In the order in which they are looked up."""
    phrase: str | None = None
    """The whole question as a phrase, the text of a `tsquery`."""
    vectors: Sequence[ModelVector] = ()
    with_documents: bool = False
    """Whether the languages of a chunk's documents are wanted."""


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


@dataclass(slots=True)
class _Statement:
    """The parts of a statement that is being put together."""

    parameters: Parameters = field(default_factory=dict)
    parts: list[sql.Composable] = field(default_factory=list)
    """The sources of candidates."""
    sources: list[tuple[str, str | None]] = field(default_factory=list)
    """Their names, each with the column that it has measured."""


def gather(connection: Connection, scope: Scope, wanted: Wanted, *, rules: CopyRules, limits: Limits) -> Gathered:
    """The candidates in scope and their places. Commits the transaction, which has settings for these statements."""
    measure, parameters = _measure(scope, wanted, limits)
    places, place_parameters = _places(scope, wanted, rules, limits)
    accept_vectors(connection)
    plan_statements(connection, once=_may_prepare(scope))
    with connection.pipeline():
        set_locally(connection, _settings(limits))
        measured = connection.execute(measure, parameters, prepare=_may_prepare(scope))
        located = connection.execute(places, place_parameters, prepare=_may_prepare(scope))
        _end_settings(connection)
    return Gathered(
        [_candidate(row, wanted) for row in measured if row[0] is not None], [_place(row) for row in located]
    )


def measure_chunks(connection: Connection, scope: Scope, wanted: Wanted, *, limits: Limits) -> list[Candidate]:
    """The candidates alone."""
    measure, parameters = _measure(scope, wanted, limits)
    accept_vectors(connection)
    plan_statements(connection, once=_may_prepare(scope))
    with connection.pipeline():
        set_locally(connection, _settings(limits))
        measured = connection.execute(measure, parameters, prepare=_may_prepare(scope))
        _end_settings(connection)
    return [_candidate(row, wanted) for row in measured if row[0] is not None]


def _end_settings(connection: Connection) -> None:
    """End the transaction of the settings. Without one, statements that are sent together are a transaction."""
    if not connection.autocommit:
        connection.commit()


def _may_prepare(scope: Scope) -> bool:
    """False where the best plan depends on the values: on how many files the filters leave."""
    return not scope.is_restricted


def _settings(limits: Limits) -> dict[str, str]:
    # In strict order, an iterative index scan drops chunks that are nearer than those it has returned already.
    settings = {
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": str(MAX_BROUGHT),
        "hnsw.ef_search": str(max(1, min(EF_SEARCH_PER_RESULT * limits.chunks, MAX_EF_SEARCH))),
    }
    return settings | _ROW_BY_ROW


def _measure(scope: Scope, wanted: Wanted, limits: Limits) -> tuple[sql.Composed, Parameters]:
    statement = _Statement(dict(scope.parameters))
    if scope.chunks is not None:
        statement.parameters["chunks"] = list(scope.chunks)
    _add_names(statement, wanted, limits)
    bm25, had = _words_measured(statement, wanted)
    if wanted.weights:
        _add_words(statement, scope, wanted, limits, bm25)
    cosines, names = _add_vectors(statement, scope, wanted, limits)
    rough, ranks, located = _rough_order(wanted, limits)
    query = sql.SQL(_SQL["measure"]).format(
        parts=sql.SQL(",\n").join(statement.parts),
        **_sources(statement, wanted),
        bm25=bm25,
        had=had,
        cosines=cosines,
        cosine_names=sql.SQL("").join(sql.SQL(", {}").format(name) for name in names),
        rough=rough,
        ranks=ranks,
        located=located,
        of_content=sql.Literal(CHUNKS_OF_CONTENT),
        phrase=_phrase(statement, wanted),
        documents=sql.SQL(_SQL["documents"]) if wanted.with_documents else sql.SQL("NULL"),
    )
    return query, statement.parameters


def _sources(statement: _Statement, wanted: Wanted) -> dict[str, sql.Composable]:
    """What brings candidates, with what each source has measured already: no chunk is measured twice."""
    measures = ["bm25", *(f"distance_{one.model.id}" for one in wanted.vectors)]
    union = sql.SQL("").join(
        sql.SQL(" UNION ALL SELECT id, {} FROM {}").format(
            sql.SQL(", ").join(sql.Identifier(name) if name == measured else sql.NULL for name in measures),
            sql.Identifier(source),
        )
        for source, measured in statement.sources
    )
    return {
        "none": sql.SQL(", ").join(sql.SQL("NULL::float8 AS {}").format(sql.Identifier(name)) for name in measures),
        "measures": sql.SQL(", ").join(sql.SQL("max({0}) AS {0}").format(sql.Identifier(name)) for name in measures),
        "union": union,
    }


def _add_names(statement: _Statement, wanted: Wanted, limits: Limits) -> None:
    statement.parts.append(sql.SQL(_SQL["named" if wanted.name_conditions else "none_named"]))
    statement.parameters |= {
        "name_conditions": [_tsquery(condition) for condition in wanted.name_conditions],
        "names_each": limits.names_each,
        "enough_names": limits.enough_names,
    }


def _add_words(statement: _Statement, scope: Scope, wanted: Wanted, limits: Limits, bm25: sql.Composable) -> None:
    part = _words_part(scope)
    statement.parameters |= {
        "known": f"{{{wanted.known}}}",
        # That part alone takes known chunks.
        "conditions": list(map(_tsquery, wanted.conditions if part == "found_by_words" else wanted.all_conditions)),
        "chunks_each": limits.chunks_each,
    }
    statement.parts.append(sql.SQL(_SQL[part]).format(bm25=bm25))
    statement.parts.append(sql.SQL(_SQL["ranked"]).format(limit=sql.Literal(limits.chunks)))
    statement.sources.append(("ranked", "bm25"))


def _words_part(scope: Scope) -> str:
    if scope.chunks is not None:
        return "found_given" if len(scope.chunks) <= ENOUGH_CHUNKS_COMPARED else "found_by_words_in_chunks"
    return _in_scope("found_by_words", scope)


def _in_scope(name: str, scope: Scope) -> str:
    """The name of the form of a query for a scope whose chunks are not enumerated.

    Conditions on contents are several times quicker than conditions on files.
    """
    if not scope.is_restricted:
        return name
    return f"{name}_in_files" if scope.contents is None else f"{name}_in_contents"


def _words_measured(statement: _Statement, wanted: Wanted) -> tuple[sql.Composable, sql.Composable]:
    """The expressions for the BM25 of a chunk, and for the words that it has, as bits in the order of the words."""
    if not wanted.weights:
        return sql.SQL("0.0"), sql.SQL("0")
    beginnings = {term: weight for term, weight in wanted.weights.items() if _is_beginning(term)}
    statement.parameters |= {
        "question": question_weights(wanted.weights),
        "in_text": [term.tsquery for term in wanted.weights],
        "weights": list(wanted.weights.values()),
        "beginnings": [term.tsquery for term in beginnings],
        "weights_of_beginnings": list(beginnings.values()),
    }
    bits: list[sql.Composable] = []
    for number in range(_padded(len(wanted.weights))):
        term = next(islice(wanted.weights, number, None), None)
        if term is not None and _is_beginning(term):
            statement.parameters[f"word_{number}"] = term.tsquery
            has_word = "(chunks.words @@ {}::tsquery)"
        else:
            statement.parameters[f"word_{number}"] = _NO_WORD if term is None else word_weights(term)
            has_word = "(chunks.terms <#> {}::sparsevec < 0)"
        bits.append(
            sql.SQL("({}::integer::bigint << {})").format(
                sql.SQL(has_word).format(sql.Placeholder(f"word_{number}")), sql.Literal(number)
            )
        )
    had = sql.SQL("CASE WHEN chunks.terms IS NULL THEN {} ELSE {} END").format(
        sql.SQL(_SQL["words_had"]), sql.SQL(" | ").join(bits)
    )
    bm25: sql.Composable = sql.SQL(_SQL["bm25"])
    if beginnings:
        bm25 = sql.SQL("{} + {}").format(bm25, sql.SQL(_SQL["bm25_of_beginnings"]))
    return bm25, had


def _padded(words: int) -> int:
    """So many words as the statement has for a question of `words` words: few different texts are planned."""
    return next(size for size in _WORDS_OF_STATEMENTS if size >= words)


def _is_beginning(term: Term) -> bool:
    return all(lexeme.is_prefix for lexeme in term.lexemes)


def _phrase(statement: _Statement, wanted: Wanted) -> sql.Composable:
    """The expression for whether a candidate has the phrase: one with none of the words has not."""
    if wanted.phrase is None or not wanted.weights:
        return sql.SQL("false")
    statement.parameters["phrase"] = wanted.phrase
    return sql.SQL("had > 0 AND chunks.words @@ {}::tsquery").format(sql.Placeholder("phrase"))


def _add_vectors(
    statement: _Statement, scope: Scope, wanted: Wanted, limits: Limits
) -> tuple[sql.Composable, list[sql.Identifier]]:
    """Add the nearest chunks under each model. Returns the columns of cosines, and their names."""
    columns, names = sql.Composed([]), []
    name = "near_in_chunks" if scope.chunks is not None else _in_scope("near", scope)
    for one in wanted.vectors:
        model = one.model.id
        statement.parameters[f"vector_{model}"] = HalfVector(one.vector)
        vector, near = sql.Placeholder(f"vector_{model}"), f"near_{model}"
        distance, cosine = f"distance_{model}", sql.Identifier(f"cosine_{model}")
        names.append(cosine)
        columns += sql.SQL(", ") + sql.SQL(_SQL["cosine"]).format(
            distance=sql.Identifier(distance),
            partition=partition(model),
            model=sql.Literal(model),
            vector=vector,
            cosine=cosine,
        )
        statement.parts.append(
            sql.SQL(_SQL[name]).format(
                near=sql.Identifier(near),
                found=sql.Identifier(f"found_{model}"),
                distance=sql.Identifier(distance),
                partition=partition(model),
                model=sql.Literal(model),
                vector=vector,
                dimension=sql.Literal(one.vector.size),
                limit=sql.Literal(limits.chunks),
                compared=sql.Literal(COMPARED_PER_BROUGHT * limits.chunks),
            )
        )
        statement.sources.append((near, distance if name == "near" else None))
    return columns, names


def _rough_order(wanted: Wanted, limits: Limits) -> tuple[sql.Composable, sql.Composable, sql.Composable]:
    """The expression that orders candidates roughly, their ranks by each retriever, and which of them are located."""
    relative: sql.Composable = sql.SQL("coalesce(bm25 / nullif(max(bm25) OVER (), 0), 0)")
    ranks: list[sql.Composable] = [sql.SQL("row_number() OVER (ORDER BY bm25 DESC, id) AS rank_by_words")]
    located: list[sql.Composable] = [sql.SQL("rank_by_words")]
    sums, weights = [], []
    for one in wanted.vectors:
        cosine, spec = sql.Identifier(f"cosine_{one.model.id}"), one.model.spec
        rank = sql.Identifier(f"rank_{one.model.id}")
        scaled = sql.SQL("{} * ({} - {}) / {}").format(
            sql.Literal(one.weight), cosine, sql.Literal(spec.floor), sql.Literal(spec.ceiling - spec.floor)
        )
        sums.append(sql.SQL("coalesce({}, 0)").format(scaled))
        weights.append(sql.SQL("CASE WHEN {} IS NULL THEN 0 ELSE {} END").format(cosine, sql.Literal(one.weight)))
        ranks.append(sql.SQL("row_number() OVER (ORDER BY {} DESC NULLS LAST, id) AS {}").format(cosine, rank))
        located.append(rank)
    nearness = (
        sql.SQL("coalesce(({}) / nullif({}, 0), {})").format(
            sql.SQL(" + ").join(sums), sql.SQL(" + ").join(weights), relative
        )
        if sums
        else relative
    )
    rough = sql.SQL("{} + {}").format(relative, nearness)
    best = sql.SQL("least({}) <= {}").format(sql.SQL(", ").join(located), sql.Literal(limits.of_each_retriever))
    return rough, sql.SQL(", ").join(ranks), sql.SQL("place <= {} OR {}").format(sql.Literal(limits.located), best)


def _places(scope: Scope, wanted: Wanted, rules: CopyRules, limits: Limits) -> tuple[sql.Composed, Parameters]:
    names = list(map(sql.Identifier, COLUMNS))
    query = sql.SQL(_SQL["places"]).format(
        place=sql.SQL(", ").join(sql.SQL("place.{}").format(name) for name in names),
        place_names=sql.SQL(", ").join(names),
    )
    parameters = scope.parameters | copy_parameters(rules) | name_parameters(list(wanted.weights))
    return query, parameters | {"contents_each": limits.contents_each, "copies_each": limits.copies}


def name_parameters(terms: Sequence[Term]) -> Parameters:
    """The parameters by which the words of paths are compared with those of a question."""
    return {
        "words": [term.word for term in terms],
        "in_path": [term.tsquery for term in terms],
        "in_name": [" | ".join(_in_own_name(lexeme) for lexeme in term.lexemes) for term in terms],
        "any_word": _tsquery([[term] for term in terms]),
    }


def _in_own_name(lexeme: Lexeme) -> str:
    """The condition that the last part of a path has a lexeme: its words have the weight A."""
    return f"{lexeme.tsquery}A" if lexeme.is_prefix else f"{lexeme.tsquery}:A"


def _tsquery(alternatives: WordCondition) -> str:
    return " | ".join("(" + " & ".join(f"({term.tsquery})" for term in terms) + ")" for terms in alternatives)


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
