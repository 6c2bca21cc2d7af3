"""The words of a question in their forms by the languages of an index, without the stop words of the most likely one.

Used by `compiled_query`; `magicfs.text.analysis` has the forms of single words. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain

from magicfs.db.search.search_facts import WordChunks
from magicfs.domain.query import STEM_MARK, Lexeme, Term
from magicfs.text.analysis import fold, forms_in_one_piece, question_terms, umlaut_forms
from magicfs.text.everyday_words import everyday_words

_WORD = re.compile(r"\w+")
_OF_SHORT_WORDS = re.compile(r"\w+(?:(?P<hyphen>(?:-\w+)+)|(?:&\w+)+|\+\+|#)")


class QuestionForms:
    """The words of a question in their forms by the languages of an index."""

    def __init__(self, question: str, languages: Sequence[str], alternatives: Sequence[Sequence[str]] = ()) -> None:
        """Analyse a question. Of each of the `alternatives`, words of it, any one does."""
        self.terms = _with_alternatives(question_terms(question, languages=languages), alternatives)
        self.spellings = _spellings(question)
        self._umlauts = {
            term.word: forms
            for term in self.terms
            if not term.is_compound and (forms := umlaut_forms(term.word, languages=languages))
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

    def stop_words(self, of_languages: Iterable[Sequence[str]]) -> frozenset[str]:
        """The stop words of one language, the one with the most of them, folded.

        A word that one language is full of may be the rare word of a question in another: `die` in English.
        """
        return frozenset(self.spellings[word] for word in max(of_languages, key=len, default=()))

    def without(self, dropped: frozenset[str]) -> tuple[Term, ...]:
        """The terms without some stop words; none if no other is left."""
        kept = tuple(
            _of_short_words(term, self.terms) if dropped.issuperset(_WORD.findall(term.word)) else term
            for term in self.terms
            if term.word not in dropped
        )
        return kept if any(not term.is_compound for term in kept) else ()

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


def _spellings(question: str) -> Mapping[str, str]:
    """The words of a question as they are typed, but in lower case, each with its folded form.

    Lists of stop words have accents.
    """
    words = _WORD.findall(unicodedata.normalize("NFC", question).lower())
    return {spelling: fold(word) for word in words for spelling in (word, fold(word))}


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


def _with_alternatives(terms: Sequence[Term], alternatives: Sequence[Sequence[str]]) -> tuple[Term, ...]:
    """The terms, with one term for each group of alternatives in the place of its first word."""
    by_word = {term.word: term for term in terms}
    for words in alternatives:
        pieces = [[term.word for term in question_terms(word, languages=())] for word in words]
        known = {piece for own in pieces for piece in own if piece in by_word}
        group = [_as_word(by_word[piece], terms) for piece in _wholes(words, pieces) if piece in known]
        if len(group) > 1:
            one = replace(reduce(_both, group), count=1)
            first = min(map(list(by_word).index, known))
            kept = [one if place == first else term for place, term in enumerate(by_word.values())]
            by_word = {term.word: term for term in kept if term is one or term.word not in known}
    return tuple(by_word.values())


def _wholes(words: Sequence[str], pieces: Sequence[Sequence[str]]) -> Iterable[str]:
    """Each word as a whole, such as `e-mail`, or all of its pieces, which Chinese has."""
    found = ([fold(word)] if fold(word) in own else own for word, own in zip(words, pieces, strict=True))
    return dict.fromkeys(chain.from_iterable(found))


def _as_word(term: Term, terms: Sequence[Term]) -> Term:
    """A compound as a word of its own, written in one piece too."""
    return replace(_of_short_words(term, terms), parts=frozenset())


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
    return (stems, term.is_compound) if stems else term.word


def _both(first: Term, second: Term) -> Term:
    lexemes = {lexeme.text: lexeme for lexeme in first.lexemes}
    for lexeme in second.lexemes:
        if lexeme.text not in lexemes or lexeme.factor > lexemes[lexeme.text].factor:
            lexemes[lexeme.text] = lexeme
    return replace(first, lexemes=tuple(lexemes.values()), count=first.count + second.count)
