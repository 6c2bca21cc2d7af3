"""Compiles a parsed query into what Postgres looks for: terms with their lexemes, phrases and exclusions as conditions.

Used by the search service; `magicfs.text.analysis` has the words, `magicfs.db.scope` the filters. Runs in the caller's
transaction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from magicfs.db import search as search_db
from magicfs.db.pool import Connection
from magicfs.db.scope import Scope, restrict
from magicfs.domain.query import Filters, Query, Term
from magicfs.text.analysis import fold, phrase_query, question_terms, umlaut_forms
from magicfs.text.analysis.lexemes import STEM_MARK
from magicfs.text.analysis.stems import SNOWBALL_LANGUAGES
from magicfs.text.names import fold_path

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query in Postgres's terms."""

    terms: tuple[Term, ...]
    """The words of the question, without stop words."""
    languages: tuple[str, ...]
    """The languages of the index, by ISO 639-1 code."""
    question_phrase: str | None
    """The whole question as a phrase in any form of its words, the text of a `tsquery`; None without words."""
    scope: Scope


def compile_query(connection: Connection, query: Query) -> CompiledQuery:
    """Translate a query into terms and conditions. The scope is not enumerated yet."""
    spellings = _spellings(query.question)
    stemmers = {code: f"{algorithm}_stem" for code, algorithm in SNOWBALL_LANGUAGES.items()}
    stop_words = search_db.stop_words_by_language(connection, list(spellings), stemmers=stemmers)
    languages = list(stop_words)
    terms = question_terms(query.question, languages=languages)
    return CompiledQuery(
        terms=_with_umlauts(
            connection, _merged(_without_stop_words(terms, spellings, stop_words.values())), languages=languages
        ),
        languages=tuple(languages),
        question_phrase=phrase_query(query.question, languages=languages),
        scope=restrict(
            fold_filters(query.filters),
            phrases=_all_of(phrase_query(phrase) for phrase in query.phrases),
            excluded=_any_of(
                [any_form(word, languages) for word in query.excluded] + list(map(phrase_query, query.excluded_phrases))
            ),
        ),
    )


def fold_filters(filters: Filters) -> Filters:
    """The filters in the form in which names and paths are compared. An absolute path is compared to the letter."""
    return replace(
        filters,
        extensions=tuple(map(fold, filters.extensions)),
        folders=tuple(folder if folder.startswith("/") else fold_path(folder) for folder in filters.folders),
        names=tuple(map(fold_path, filters.names)),
        roots=tuple(map(fold_path, filters.roots)),
    )


def _spellings(question: str) -> Mapping[str, str]:
    """The words of a question as they are typed, but in lower case, each with its folded form.

    Lists of stop words have accents.
    """
    words = _WORD.findall(unicodedata.normalize("NFC", question).lower())
    return {spelling: fold(word) for word in words for spelling in (word, fold(word))}


def _without_stop_words(
    terms: Sequence[Term], spellings: Mapping[str, str], stop_words: Iterable[Sequence[str]]
) -> tuple[Term, ...]:
    """The terms without the stop words of one language, the one with the most of them; all terms if no other is left.

    A word that one language is full of may be the rare word of a question in another: `die` in English.
    """
    dropped = {spellings[word] for word in max(stop_words, key=len, default=())}
    kept = tuple(term for term in terms if term.word not in dropped)
    return kept if any(not term.is_whole for term in kept) else tuple(terms)


def _merged(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms with one for all forms of a word: `network` and `networks` are one word that the question has twice."""
    merged: dict[object, Term] = {}
    for term in terms:
        stems = frozenset(lexeme.text for lexeme in term.lexemes if lexeme.text.startswith(STEM_MARK))
        key = (stems, term.is_whole) if stems else term.word
        merged[key] = _both(merged[key], term) if key in merged else term
    return tuple(merged.values())


def _with_umlauts(connection: Connection, terms: Sequence[Term], *, languages: Sequence[str]) -> tuple[Term, ...]:
    """The terms with forms for umlauts that are typed as two letters: `muller` for `mueller`.

    Where the index has no German, only words that no chunk has get them: `guest` is no `Güst` there.
    """
    respelt = {term.word: umlaut_forms(term.word, languages=languages) for term in terms if not term.is_whole}
    if "de" not in languages:
        exact = {term.word: term.tsquery for term in terms if respelt.get(term.word)}
        met = search_db.met_conditions(connection, list(exact.values()))
        respelt = {word: respelt[word] for word, condition in exact.items() if condition not in met}
    return tuple(replace(term, lexemes=term.lexemes + respelt.get(term.word, ())) for term in terms)


def _both(first: Term, second: Term) -> Term:
    lexemes = {lexeme.text: lexeme for lexeme in first.lexemes}
    for lexeme in second.lexemes:
        if lexeme.text not in lexemes or lexeme.factor > lexemes[lexeme.text].factor:
            lexemes[lexeme.text] = lexeme
    return replace(first, lexemes=tuple(lexemes.values()), count=first.count + second.count)


def any_form(word: str, languages: Sequence[str]) -> str | None:
    """The condition that a text has a word in any form, or a compound to the letter."""
    terms = question_terms(word, languages=languages)
    return terms[0].tsquery if len(terms) == 1 else phrase_query(word)


def _all_of(conditions: Iterable[str | None]) -> str | None:
    return " & ".join(f"({condition})" for condition in conditions if condition) or None


def _any_of(conditions: Iterable[str | None]) -> str | None:
    return " | ".join(f"({condition})" for condition in conditions if condition) or None
