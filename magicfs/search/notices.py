"""Notices: the lines that tell a person how a query was read, and what the index lacks.

Used by the search service; `question_vectors` has those about models, `compared_file` those about the file of
`magicfs similar`. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from magicfs.domain.query import Query
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.normalisation import normalized_query
from magicfs.search.typed_filters import expected_form

_MAX_PIECES: Final = 3
"""Of a pasted text, no more pieces are said to be no filters, and no more to be no regular expressions."""
_REGULAR_EXPRESSION: Final = re.compile(
    r"""(?: (?:(?i:regex|regexp)|re):\S*[*+?|\[\\^$]\S*     # as other tools mark one
          | /\S*(?:[.\])][*+?]|\\[dswbDSW]|\|)\S*/[a-z]* # as scripts write one
          | [\w^(]*(?:\.[*+](?=\w)|\\[dswDSW][*+{])\S* )""",
    re.VERBOSE,
)
"""Names of files and paths are none, with a star in them too."""
_NEAR: Final = re.compile(r"(\w+) NEAR (\w+)")
"""In a text in capitals alone it is a word as any other."""


def notices_of_query(query: Query, compiled: CompiledQuery, *, literal: Collection[str]) -> tuple[str, ...]:
    """What is said of a query that was read with the filters in `literal` as text."""
    return (*_of_literal(literal), *_of_misread(query), *_of_operators(query), *_of_words_not_found(query, compiled))


def notices_of_index(statistics: CorpusStatistics) -> tuple[str, ...]:
    """What is said of chunks with the words of an older version, and of roots that are not as they should be."""
    if statistics.words is None:
        return statistics.troubled_roots
    words = f"{statistics.words.percent} % of the chunks have the words of this version"
    return (f"{words}, the others are found by fewer words", *statistics.troubled_roots)


def unmet_notice(filters: Collection[str]) -> str:
    """What is said of filters, as they were typed, that no file meets and no text has to the letter."""
    return f"no file meets the filter {' '.join(sorted(filters))}"


def _of_literal(literal: Collection[str]) -> list[str]:
    return [f"{unmet_notice(literal)}: searched for as text"] if literal else []


def _of_misread(query: Query) -> list[str]:
    """What is said of filters with a value that they do not take, of a few in a pasted text."""
    return [
        f"{typed} does not name {expected_form(typed.lstrip('-').partition(':')[0])}: "
        + ("left out as text" if typed.startswith("-") else "searched for as text")
        for typed in list(dict.fromkeys(query.misread))[:_MAX_PIECES]
    ]


def _of_operators(query: Query) -> list[str]:
    """What is said of what other tools understand and MagicFS reads as text."""
    text = normalized_query(query.text)
    expressions = filter(_REGULAR_EXPRESSION.fullmatch, text.split())
    notices = [
        f"{expression} is searched for as text: there are no regular expressions"
        for expression in list(dict.fromkeys(expressions))[:_MAX_PIECES]
    ]
    if not text.isupper() and (near := _NEAR.search(text)):
        words = f'"{near[1]} {near[2]}"~5'
        notices.append(f"NEAR is searched for as a word: {words} finds words that need not stand side by side")
    return notices


def _of_words_not_found(query: Query, compiled: CompiledQuery) -> list[str]:
    """What is said of words that nothing has, and of a question without any word."""
    notices = [f"nothing has the word {word}: searched for {other} too" for word, other in compiled.respelt.items()]
    if query.question and not compiled.terms:
        notices.append(f"no word to look for in {query.question:.200}: the index has no such signs")
    return notices
