"""Compiles a parsed query into what Postgres looks for: terms with their lexemes, phrases and exclusions as conditions.

Used by the search service; `magicfs.text.analysis` has the words, `magicfs.db.search.scope` the filters. Runs in the
caller's transaction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from magicfs.db.pool import Connection
from magicfs.db.search.scope import Scope, restrict
from magicfs.db.search.search_facts import SearchFacts, WordChunks, read_search_facts
from magicfs.domain.query import NO_FILTERS, STEM_MARK, Filters, Lexeme, Query, Term, Within
from magicfs.search.respelling import respell
from magicfs.text.analysis import (
    fold,
    forms_in_one_piece,
    phrase_query,
    phrase_words,
    question_terms,
    umlaut_forms,
)
from magicfs.text.analysis.dates import whole_date
from magicfs.text.analysis.stems import DEFAULT_LANGUAGE, SNOWBALL_LANGUAGES
from magicfs.text.analysis.variants import with_two_letters, with_umlauts
from magicfs.text.everyday_words import everyday_words
from magicfs.text.names import fold_path

_WORD = re.compile(r"\w+")
_OF_SHORT_WORDS = re.compile(r"\w+(?:(?P<hyphen>(?:-\w+)+)|(?:&\w+)+|\+\+|#)")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_STEMMERS = {code: f"{algorithm}_stem" for code, algorithm in SNOWBALL_LANGUAGES.items()}
"""Postgres's dictionary with the stop words of each language."""


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
    words_of_phrase: frozenset[str] = frozenset()
    """Words of each of which a text with that phrase has a form."""
    chunks_of_words: Mapping[str, WordChunks] = field(default_factory=dict)
    """How many chunks have each word."""
    respelt: Mapping[str, str] = field(default_factory=dict)
    """Words that neither a text nor a name has, each with the one that it is taken for."""
    uncertain: frozenset[str] = frozenset()
    """The words of the terms that may not be what was meant."""


def prepare_query(
    connection: Connection,
    query: Query,
    *,
    languages: Sequence[str] = (DEFAULT_LANGUAGE,),
    conditions: Sequence[str] = (),
    counted: bool = False,
) -> tuple[CompiledQuery, SearchFacts]:
    """Translate a query into terms and conditions, and return what else a search must know. No scope is enumerated yet.

    `languages` are those that the index is likely to have, English first: if it has others, a second statement follows.
    `conditions` and `counted` are those of `read_search_facts`.
    """
    while True:
        forms = _Forms(query.question, languages)
        facts = read_search_facts(
            connection,
            forms.looked_for,
            spellings=list(forms.spellings),
            stemmers=_STEMMERS,
            conditions=conditions,
            counted=counted,
        )
        found = list(facts.stop_words)
        if not query.question or found == list(languages):
            compiled = _compiled(query, forms, facts, found)
            # A phrase is meant to the letter.
            return compiled if query.phrases else _respelt(connection, compiled), facts
        languages = found


class _Forms:
    """The words of a question in their forms by the languages of an index."""

    def __init__(self, question: str, languages: Sequence[str]) -> None:
        self.terms = question_terms(question, languages=languages)
        self.spellings = _spellings(question)
        self._umlauts = {
            term.word: forms
            for term in self.terms
            if not term.is_whole and (forms := umlaut_forms(term.word, languages=languages))
        }
        self._is_german = "de" in languages
        self._pairs = [
            (pair, forms)
            for pair, forms in forms_in_one_piece(question, languages=languages)
            if not any(word in everyday_words(language) for language in languages for word in pair)
        ]
        self._keys = list(map(_key, _merged(self.terms)))
        completed = self._completed(self.terms)
        respelt = () if self._is_german else filter(None, map(self._respelt, completed))
        compounds = [whole for term in self.terms if (whole := _of_short_words(term, self.terms)) != term]
        self.looked_for: list[Term] = [*completed, *respelt, *compounds]
        """What Postgres is asked for: each word, after them those that may be typed with two letters an umlaut, and
        compounds as they are where all of their words are left out."""

    def known(self, terms: Sequence[Term], words: Sequence[WordChunks]) -> dict[Term, WordChunks]:
        """Some of the terms with the chunks that have them, and with forms for umlauts: `muller` for `mueller`.

        Where the index has no German, only words that no chunk has get those: `guest` is no `Güst` there.
        """
        chunks = dict(zip(self.looked_for, words, strict=True))
        by_key = dict(zip(self._keys, words, strict=False))  # without those for umlauts, which come after them
        known = {}
        for merged, term in zip(_merged(terms), self._completed(terms), strict=True):
            found = chunks.get(term) or by_key[_key(merged)]
            respelt = None if self._is_german or found.size != 0 else self._respelt(term)
            known[respelt or term] = chunks.get(respelt, found) if respelt else found
        return known

    def _completed(self, terms: Sequence[Term]) -> list[Term]:
        """The terms, merged, with what neighbours among them are in one piece, and in German with forms for umlauts."""
        keys = {term.word: _key(term) for term in terms} if self._pairs else {}
        in_one_piece: dict[object, tuple[Lexeme, ...]] = {}
        for pair, forms in self._pairs:
            for key in [keys[word] for word in pair] if keys.keys() >= set(pair) else ():
                in_one_piece[key] = in_one_piece.get(key, ()) + forms
        completed = []
        for merged in _merged(terms):
            own = {lexeme.text for lexeme in merged.lexemes}
            added = {form.text: form for form in in_one_piece.get(_key(merged), ()) if form.text not in own}
            term = replace(merged, lexemes=(*merged.lexemes, *added.values()))
            completed.append((self._respelt(term) or term) if self._is_german else term)
        return completed

    def _respelt(self, term: Term) -> Term | None:
        forms = self._umlauts.get(term.word)
        return replace(term, lexemes=term.lexemes + forms) if forms else None


def _compiled(query: Query, forms: _Forms, facts: SearchFacts, languages: Sequence[str]) -> CompiledQuery:
    terms = _without_stop_words(forms.terms, forms.spellings, facts.stop_words.values())
    known = forms.known(terms, facts.words)
    return CompiledQuery(
        terms=tuple(known),
        chunks_of_words={term.word: chunks for term, chunks in known.items()},
        languages=tuple(languages),
        question_phrase=phrase_query(query.question, languages=languages),
        words_of_phrase=phrase_words(query.question),
        scope=scope_of(
            query.filters,
            excluded_filters=query.excluded_filters,
            phrases=_all_of(any_spelling(phrase, languages) for phrase in query.phrases),
            excluded=_any_of(
                [any_form(word, languages) for word in query.excluded]
                + [any_spelling(phrase, languages) for phrase in query.excluded_phrases]
            ),
            within=query.within,
        ),
    )


def _respelt(connection: Connection, compiled: CompiledQuery) -> CompiledQuery:
    """The query with another spelling of words that the index has in that one alone."""
    known = {term: compiled.chunks_of_words[term.word] for term in compiled.terms}
    terms, respelt, uncertain = respell(connection, known, compiled.languages)
    chunks = {term.word: found for term, found in terms.items()}
    return replace(compiled, terms=tuple(terms), chunks_of_words=chunks, respelt=respelt, uncertain=uncertain)


def scope_of(
    filters: Filters,
    *,
    excluded_filters: Filters = NO_FILTERS,
    phrases: str | None = None,
    excluded: str | None = None,
    within: Within | None = None,
) -> Scope:
    """The scope of filters as they are typed, with conditions on words as for `restrict`."""
    return restrict(
        _folded(filters),
        excluded_filters=_folded(excluded_filters),
        phrases=phrases,
        excluded=excluded,
        name_words=_name_words(filters),
        excluded_name_words=_name_words(excluded_filters),
        within=within,
    )


def _name_words(filters: Filters) -> str | None:
    return _any_of(condition for name in filters.names for condition in _words_of_name(name))


def _words_of_name(name: str) -> Iterator[str | None]:
    """The conditions on the words of a name that meet a filter too, if it has no `*` and `?`.

    A blank stands for any sign between words, and for none before a capital; a date for the same day in another form.
    """
    if any(wildcard in name for wildcard in "*?"):
        return
    if " " in name.strip():
        yield phrase_query(f"{name.strip()}*")
    yield from (phrase_query(day) for day in whole_date(name.strip()))


def _folded(filters: Filters) -> Filters:
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
    kept = tuple(
        _of_short_words(term, terms) if dropped.issuperset(_WORD.findall(term.word)) else term
        for term in terms
        if term.word not in dropped
    )
    return kept if any(not term.is_whole for term in kept) else tuple(terms)


def _of_short_words(term: Term, terms: Sequence[Term]) -> Term:
    """A compound whose words say nothing, such as `AT&T` and `C++`, as a word of its own; any other term as it is.

    One with hyphens may be written apart, such as `how-to`: it stays a compound, and keeps its form in one piece, such
    as `todo`. Other signs join what is written in other ways too: `he/she`.
    """
    match = _OF_SHORT_WORDS.fullmatch(term.word)
    if match is None:
        return term
    words = _WORD.findall(term.word)
    whole = "".join(words)
    forms = {form.text: form for part in terms if part.word in words for form in part.lexemes if form.text == whole}
    parts = term.parts if match["hyphen"] else frozenset[str]()
    return replace(term, parts=parts, lexemes=(*term.lexemes, *forms.values()))


def _merged(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms with one for all forms of a word: `network` and `networks` are one word that the question has twice."""
    merged: dict[object, Term] = {}
    for term in terms:
        key = _key(term)
        merged[key] = _both(merged[key], term) if key in merged else term
    return tuple(merged.values())


def _key(term: Term) -> object:
    """What the forms of one word have in common."""
    stems = frozenset(lexeme.text for lexeme in term.lexemes if lexeme.text.startswith(STEM_MARK))
    return (stems, term.is_whole) if stems else term.word


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


def any_spelling(phrase: str, languages: Sequence[str]) -> str | None:
    """The condition that a text has a phrase, its words in any spelling that people use for one.

    Such as `Mueller` for `Müller`, and `well known` for `well-known`; `wellknown` is what a text has that divides it at
    its hyphen.
    """
    lower = phrase.lower()
    umlauts = with_umlauts(lower, languages) if "de" in languages else None
    spellings = (phrase, _HYPHEN.sub("", phrase), _HYPHEN.sub(" ", phrase), with_two_letters(lower), umlauts)
    return _any_of(dict.fromkeys(phrase_query(spelling) for spelling in spellings if spelling))


def _all_of(conditions: Iterable[str | None]) -> str | None:
    return " & ".join(f"({condition})" for condition in conditions if condition) or None


def _any_of(conditions: Iterable[str | None]) -> str | None:
    return " | ".join(f"({condition})" for condition in conditions if condition) or None
