"""The two statements that measure the candidates of a search and locate the best ones, and their settings.

Their parts are in `search.sql`; here they are put together for a scope and for what is wanted. Every list has a limit,
because a common word is in most chunks. Where the scope's chunks are enumerated, they are compared one by one;
otherwise an index brings candidates. Used by `magicfs.db.candidates`. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from pgvector import HalfVector
from psycopg import sql

from magicfs.db.found_files import COLUMNS, copy_parameters
from magicfs.db.models import partition
from magicfs.db.queries import load_queries
from magicfs.db.scope import Parameters, Scope
from magicfs.db.wanted import Limits, Wanted, WordCondition
from magicfs.domain.chunks import CopyRules
from magicfs.domain.query import Lexeme, Term
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


@dataclass(slots=True)
class _Statement:
    """The parts of a statement that is being put together."""

    parameters: Parameters = field(default_factory=dict)
    parts: list[sql.Composable] = field(default_factory=list)
    """The sources of candidates."""
    sources: list[tuple[str, str | None]] = field(default_factory=list)
    """Their names, each with the column that it has measured."""


def settings_for(limits: Limits) -> dict[str, str]:
    """The settings of the transaction of both statements."""
    # In strict order, an iterative index scan drops chunks that are nearer than those it has returned already.
    settings = {
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": str(MAX_BROUGHT),
        "hnsw.ef_search": str(max(1, min(EF_SEARCH_PER_RESULT * limits.chunks, MAX_EF_SEARCH))),
    }
    return settings | _ROW_BY_ROW


def measure_statement(scope: Scope, wanted: Wanted, limits: Limits) -> tuple[sql.Composed, Parameters]:
    """The statement that brings candidates and measures each in every way, and its parameters."""
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


def places_statement(scope: Scope, wanted: Wanted, rules: CopyRules, limits: Limits) -> tuple[sql.Composed, Parameters]:
    """The statement that locates the best candidates, and its parameters. It follows the other in its transaction."""
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
