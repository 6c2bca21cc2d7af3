"""The two statements that measure the candidates of a search and locate the best ones, with their values and settings.

Where the scope's chunks are enumerated, they are compared one by one; otherwise an index brings candidates. Used by
`magicfs.db.search.candidates`; `magicfs.db.search.candidate_sql` composes their SQL. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from pgvector import HalfVector

from magicfs.db.pool import WHOLE_TABLE_PLANS
from magicfs.db.queries import array_text
from magicfs.db.search.candidate_query import CandidateQuery, Limits, ModelVector, WordCondition
from magicfs.db.search.candidate_sql import SearchedModel, Shape, measure_sql, places_sql
from magicfs.db.search.found_files import copy_parameters
from magicfs.db.search.scope import MEMORY_OF_WORDS, Parameters, Scope
from magicfs.domain.chunks import CopyRules
from magicfs.domain.query import Lexeme, Term
from magicfs.domain.term_weights import question_weights, word_weights

MAX_EF_SEARCH = 1000
"""Candidates, the most that pgvector allows."""
EF_SEARCH_PER_RESULT = 1.5
"""Vectors that an index scan considers for each result (docs/adr/0026): with two, it takes a quarter longer."""
MAX_BROUGHT = 4000
"""Vectors that an index brings at most, in and out of scope: as many take as long as comparing 80,000."""
COMPARED_PER_BROUGHT = 20
"""How many vectors are compared in the time in which an index brings one."""
ENOUGH_CHUNKS_COMPARED = 1000
"""The size of a scope up to which all chunks in it are measured by their words."""

_WORDS_OF_STATEMENTS = (1, 2, 3, 4, 6, 8, 16, 48)
"""The numbers of words that statements are made for: those of most questions, and more."""
_NO_WORD = question_weights({})
"""The weights of a word that no chunk has."""


def settings_for(scope: Scope, limits: Limits) -> dict[str, str]:
    """The settings of the transaction of both statements."""
    # What is out of scope is considered too, and may be all that is near, however little of the index it is.
    considered = MAX_EF_SEARCH if scope.is_restricted else ceil(EF_SEARCH_PER_RESULT * limits.chunks)
    # In strict order, an iterative index scan drops chunks that are nearer than those it has returned already.
    settings = {
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": str(MAX_BROUGHT),
        "hnsw.ef_search": str(max(1, min(considered, MAX_EF_SEARCH))),
    }
    return settings | MEMORY_OF_WORDS | dict.fromkeys(WHOLE_TABLE_PLANS, "off")


def measure_statement(scope: Scope, query: CandidateQuery, limits: Limits) -> tuple[bytes, Parameters]:
    """The statement that brings candidates and measures each in every way, and its parameters."""
    words = _words_part(scope) if query.weights else None
    shape = Shape(
        has_names=bool(query.name_conditions),
        words=words,
        near="near_in_chunks" if scope.chunks is not None else _in_scope("near", scope),
        are_beginnings=_are_beginnings(query),
        has_phrase=query.phrase is not None and bool(query.weights),
        models=tuple(map(_searched, query.vectors)),
        compared=COMPARED_PER_BROUGHT * limits.chunks,
        brought=MAX_BROUGHT,
        at_once=MAX_EF_SEARCH,
        with_documents=query.with_documents,
        is_restricted=scope.is_restricted,
        limits=limits,
    )
    parameters = scope.parameters | {
        "name_conditions": array_text(map(_tsquery, query.name_conditions)),
        "names_each": limits.names_each,
        "enough_names": limits.enough_names,
        "phrase": query.phrase,
        # As text: the type of a number would depend on its size, and each type makes another statement.
        "words_of_phrase": str(_words_of_phrase(query)),
    }
    parameters |= {f"vector_{one.model.id}": HalfVector(one.vector) for one in query.vectors}
    if scope.chunks is not None:
        parameters["chunks"] = scope.chunks.array
    if words is not None:
        parameters |= _of_words(query) | {
            "conditions": array_text(map(_tsquery, query.conditions)),
            "chunks_each": limits.chunks_each,
            "enough_chunks": limits.enough_chunks,
        }
    return measure_sql(shape), parameters


def _searched(one: ModelVector) -> SearchedModel:
    spec = one.model.spec
    return SearchedModel(one.model.id, one.vector.size, spec.floor, spec.ceiling - spec.floor, one.weight)


def _words_part(scope: Scope) -> str:
    if scope.chunks is not None:
        return "found_given" if scope.chunks.size <= ENOUGH_CHUNKS_COMPARED else "found_by_words_in_chunks"
    return _in_scope("found_by_words", scope)


def _in_scope(name: str, scope: Scope) -> str:
    """The name of the form of a query for a scope whose chunks are not enumerated.

    Conditions on contents are several times quicker than conditions on files.
    """
    if not scope.is_restricted:
        return name
    return f"{name}_in_files" if scope.contents is None else f"{name}_in_contents"


def _are_beginnings(query: CandidateQuery) -> tuple[bool, ...]:
    """Whether each word is a beginning, and places for more words: few different texts are planned."""
    if not query.weights:
        return ()
    size = next(size for size in _WORDS_OF_STATEMENTS if size >= len(query.weights))
    return (*map(_is_beginning, query.weights), *[False] * (size - len(query.weights)))


def _is_beginning(term: Term) -> bool:
    return all(lexeme.is_prefix for lexeme in term.lexemes)


def _of_words(query: CandidateQuery) -> Parameters:
    """The parameters by which chunks are measured."""
    beginnings = {term: weight for term, weight in query.weights.items() if _is_beginning(term)}
    values = [term.tsquery if _is_beginning(term) else word_weights(term) for term in query.weights]
    values += [_NO_WORD] * (len(_are_beginnings(query)) - len(values))
    return {f"word_{number}": value for number, value in enumerate(values)} | {
        "question": question_weights(query.weights),
        "in_text": array_text(term.tsquery for term in query.weights),
        "weights": array_text(query.weights.values()),
        "beginnings": array_text(term.tsquery for term in beginnings),
        "weights_of_beginnings": array_text(beginnings.values()),
    }


def _words_of_phrase(query: CandidateQuery) -> int:
    """The words that every text with the phrase has, as bits in the order of the words."""
    return sum(
        1 << number
        for number, term in enumerate(query.weights)
        if any(lexeme.is_exact and lexeme.text in query.words_of_phrase for lexeme in term.lexemes)
        and not _is_beginning(term)
    )


def places_statement(scope: Scope, query: CandidateQuery, rules: CopyRules, limits: Limits) -> tuple[bytes, Parameters]:
    """The statement that locates the best candidates, and its parameters. It follows the other in its transaction."""
    parameters = scope.parameters | copy_parameters(rules) | name_parameters(list(query.weights))
    parameters |= {
        "contents_each": limits.contents_each,
        "places": limits.places,
        "copies_each": limits.copies,
    }
    text = places_sql(is_restricted=scope.is_restricted, are_contents_listed=scope.contents is not None)
    return text, parameters


def name_parameters(terms: Sequence[Term]) -> Parameters:
    """The parameters by which the words of paths are compared with those of a question."""
    return {
        "words": array_text(term.word for term in terms),
        "in_path": array_text(term.tsquery for term in terms),
        "in_name": array_text(" | ".join(map(_in_own_name, term.lexemes)) for term in terms),
        "any_word": _tsquery([[term] for term in terms]),
    }


def _in_own_name(lexeme: Lexeme) -> str:
    """The condition that the last part of a path has a lexeme: its words have the weight A."""
    return f"{lexeme.tsquery}A" if lexeme.is_prefix else f"{lexeme.tsquery}:A"


def _tsquery(alternatives: WordCondition) -> str:
    return " | ".join("(" + " & ".join(f"({term.tsquery})" for term in terms) + ")" for terms in alternatives)
