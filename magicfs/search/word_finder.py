"""Finds the words of a question in texts, in the forms that the index knows of them.

Used by `snippets`. Not thread-safe: it keeps what it has learned of the tokens of texts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from magicfs.domain.query import STEM_MARK, Term
from magicfs.text.analysis.ethiopic import is_ethiopic, without_preposition
from magicfs.text.analysis.folding import fold_all
from magicfs.text.analysis.hebrew import is_hebrew, plural_stems, without_prefixes
from magicfs.text.analysis.lexemes import folded_stems
from magicfs.text.analysis.signs import is_sign
from magicfs.text.analysis.spellings import SILENT
from magicfs.text.analysis.stems import KEEPING_INITIALS, algorithm_for
from magicfs.text.analysis.tokens import camel_parts, locate, parse

Place = tuple[int, int, str]
"""A word of the question in a text: its start, its end, and the word as the question has it."""


class WordFinder:
    """Finds the words of one question."""

    def __init__(self, terms: Iterable[Term], *, languages: Iterable[str] = ()) -> None:
        """`languages` are those of the index, by ISO 639-1 code."""
        self._algorithms = {algorithm for code in languages if (algorithm := algorithm_for(code)) is not None}
        self._words: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._beginnings: list[tuple[str, str]] = []
        terms = list(terms)
        self._signs = frozenset(term.word for term in terms if is_sign(term.word))
        for term in terms:
            for lexeme in term.lexemes:
                if lexeme.is_prefix:
                    self._beginnings.append((lexeme.text, term.word))
                elif lexeme.text.startswith(STEM_MARK):
                    self._stems.setdefault(lexeme.text.removeprefix(STEM_MARK), term.word)
                else:
                    self._words.setdefault(lexeme.text, term.word)
        self._has_prefixes = any(is_hebrew(form) or is_ethiopic(form) for form in (*self._words, *self._stems))
        self._initials = self._initials_of_forms()
        self._seen: set[str] = set()
        """The tokens of texts that were compared with the question."""
        self._places: dict[str, list[tuple[int, int, str]]] = {}
        """Those that have words of it, with their places in the token."""

    def _initials_of_forms(self) -> frozenset[str] | None:
        """The first letters of all forms, in both cases; None where a word may have a form with another first letter.

        A word of ASCII that begins otherwise is none of the question: most words of a text are looked at no further.
        """
        if not self._algorithms <= KEEPING_INITIALS:
            return None
        first = {form[:1] for form in (*self._words, *self._stems, *(text for text, _ in self._beginnings))}
        return frozenset(first | {letter.upper() for letter in first})

    def forget_texts(self) -> None:
        """Free what was learned of the tokens of texts."""
        self._seen.clear()
        self._places.clear()

    def find(self, text: str) -> Iterable[Place]:
        """The words of the question in a text, in order, also those that silent signs divide."""
        if not (self._words or self._stems or self._beginnings):
            return ()
        if self._signs and not text.isascii():
            signs = ((place, place + 1, sign) for place, sign in enumerate(text) if sign in self._signs)
            return sorted({*self._located(text), *signs})
        if SILENT.search(text) is None:
            return self._located(text)
        spoken = SILENT.sub("", text)
        kept = [place for place in range(len(text)) if not SILENT.match(text, place)]
        whole = ((kept[start], kept[end - 1] + 1, word) for start, end, word in self._located(spoken))
        return sorted({*whole, *self._located(text)})

    def _located(self, text: str) -> Iterator[Place]:
        """The words of the question in the tokens of a text, in order."""
        tokens = locate(text)
        self._learn({token for token, _ in tokens} - self._seen)
        places = self._places
        for token, end in tokens:
            if token in places:
                start = end - len(token)
                for offset, length, word in places[token]:
                    yield start + offset, start + offset + length, word

    def _learn(self, tokens: set[str]) -> None:
        """Find the words of the question in tokens of a text, all together: that takes far less than one by one."""
        self._seen |= tokens
        compounds = {token: list(_pieces(token)) for token in tokens if not _is_one_word(token)}
        simple = tokens - compounds.keys()
        words = self._words_of(
            self._possible(chain(simple, (piece for found in compounds.values() for _, piece in found)))
        )
        for token in simple & words.keys():
            self._places[token] = [(0, len(token), words[token])]
        for token, found in compounds.items():
            if places := [(place, len(piece), words[piece]) for place, piece in found if piece in words]:
                self._places[token] = places

    def _possible(self, pieces: Iterable[str]) -> set[str]:
        """Those of some pieces that may be forms of words of the question."""
        initials = self._initials
        if initials is None:
            return set(pieces)
        return {piece for piece in pieces if piece[0] in initials or not piece.isascii()}

    def _words_of(self, pieces: Collection[str]) -> dict[str, str]:
        """The pieces of a text that are forms of a word of the question, each with that word."""
        typed = list(pieces)
        folded = fold_all(typed)
        found: dict[str, str] = {}
        for forms, lexemes in (
            (self._words, folded),
            *((self._stems, folded_stems(typed, algorithm)) for algorithm in self._algorithms),
        ):
            for piece, lexeme in zip(typed, lexemes, strict=True):
                if lexeme in forms:
                    found.setdefault(piece, forms[lexeme])
        for piece, lexeme in zip(typed, folded, strict=True) if self._has_prefixes else ():
            rests = [*without_prefixes(lexeme), *without_preposition(lexeme)]
            for rest in (*rests, *(stem for form in (lexeme, *rests) for stem in plural_stems(form))):
                if rest in self._stems:
                    found.setdefault(piece, self._stems[rest])
        for beginning, word in self._beginnings:
            for piece, lexeme in zip(typed, folded, strict=True):
                if lexeme.startswith(beginning):
                    found.setdefault(piece, word)
        return found


def _is_one_word(text: str) -> bool:
    """Whether a token has no parts. Most are such: letters of ASCII in lower case, the first one in any."""
    return text.isascii() and text.isalpha() and (text.islower() or text[1:].islower())


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """What may be a word of a question in a token of a text, each with its place.

    That is the whole token, its words and the parts of their names, or the pairs of characters of a script without
    spaces.
    """
    token = parse(text)
    if token.is_unspaced:
        yield from ((place, text[place : place + 2]) for place in range(len(text)))
        return
    yield 0, text
    end = 0
    for word in token.parts:
        start = text.find(word, end)
        end = start + len(word)
        if word != text:
            yield start, word
        for part in camel_parts(word):
            yield start, part
            start += len(part)
