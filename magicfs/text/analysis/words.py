"""The words of texts and of file names, with their positions, as a `tsvector`.

Used by the chunker and by the scan; `question` has the same for questions. A lexeme is a folded word, a compound with
its signs, a pair of characters of a script without spaces, or a stem, which `STEM_MARK` tells from words. Any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from magicfs.domain.query import quoted_lexeme
from magicfs.text.analysis.folding import fold, without_points
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.stems import algorithm_for, stem
from magicfs.text.analysis.tokens import Token, camel_parts, camel_variants, is_plain, is_unspaced, parse, split

ANALYSIS_VERSION: Final = 1
"""Raised when a text gets other words than before: chunks with the words of an earlier version are analysed anew."""

STEM_MARK: Final = "^"
"""The first character of a stem. No word and no compound begins with it."""

MAX_WORD_CHARACTERS: Final = 100
"""A longer word is encoded data, unless it is a digest in hexadecimal."""
_MAX_DIGEST_CHARACTERS: Final = 128
MAX_COMPOUND_CHARACTERS: Final = 160
"""A longer compound is found by its parts, and by each two neighbouring ones."""
_HEXADECIMAL: Final = frozenset("0123456789abcdef")

_ASIDE_GAP: Final = 16
"""Positions between the running text and what stands aside, so that no phrase goes from one to the other."""

_NUMBERED_VERSION: Final = re.compile(r"[vV][0-9]+\Z")
"""The first part of a version such as `v2.10.3`, which is found as `2.10.3` too."""

_CACHED_TOKENS: Final = 20_000
"""Some 10 MB, and nearly all tokens of ordinary text."""

_CACHED_DIRECTORIES: Final = 512
"""A scan names the files of one directory after the other."""


class _Lexemes(NamedTuple):
    """What a token adds to a `tsvector`."""

    first: tuple[str, ...]
    """The quoted lexemes at the token's first position."""
    further: tuple[tuple[str, int], ...]
    """The others, each with its place counted from the first position."""
    width: int
    """The number of positions that the token takes."""
    names: tuple[tuple[str, ...], ...]
    """The quoted parts of each camelCase name, which stand aside."""


def analyze(text: str, *, language: str | None = None, metadata: Iterable[str] = ()) -> str:
    """The `tsvector` of a text, as Postgres reads it: `'^invoic':1 'invoices':1 'paid':2`.

    `language` is the ISO 639-1 code of the text's language, which decides the stems; None gives English ones.
    `metadata` has what else is said of the text, such as its title. No phrase goes from one of these texts to another.
    """
    algorithm = algorithm_for(language)
    body, asides = readable(text)
    asides += [readable(entry)[0] for entry in metadata]
    positions: dict[str, str] = {}
    end, names = _place(split(body), 1, algorithm, positions)
    for aside in asides:
        end, more = _place(split(aside), end + _ASIDE_GAP, algorithm, positions)
        names |= more
    for name in names:
        end += _ASIDE_GAP
        for lexeme in name:
            _add(positions, lexeme, str(end))
            end += 1
    return " ".join([f"{lexeme}:{places}" for lexeme, places in positions.items()])


def analyze_path(display: str) -> str:
    """The `tsvector` of a path. The words of the file's own name have the weight A, those of its directories none."""
    directories, _, name = display.rpartition("/")
    above, end = _path_words(directories, 1, "")
    own, _ = _path_words(name, end, "A")
    return f"{above} {own}" if above else own


@lru_cache(maxsize=_CACHED_DIRECTORIES)
def _path_words(text: str, start: int, weight: str) -> tuple[str, int]:
    """The words of a part of a path from a position, each with a weight, and the position after them."""
    words: dict[str, str] = {}
    end, names = _place(split(readable(text)[0]), start, algorithm_for(None), words)
    for camel in names:
        for lexeme in camel:
            end += 1
            _add(words, lexeme, str(end))
    vector = " ".join([f"{lexeme}:{places.replace(',', weight + ',')}{weight}" for lexeme, places in words.items()])
    return vector, end + _ASIDE_GAP


def _place(
    tokens: list[str], start: int, algorithm: str | None, positions: dict[str, str]
) -> tuple[int, dict[tuple[str, ...], None]]:
    """Add the lexemes of tokens from the position `start`. Returns the end, and the camelCase names that occurred."""
    names: dict[tuple[str, ...], None] = {}
    position = start
    get = positions.get
    for token in tokens:
        if is_unspaced(token):
            for place, lexeme in enumerate(unspaced_lexemes(token), position):
                _add(positions, f"'{lexeme}'", str(place))
            position += len(token)
            continue
        first, further, width, camel = _lexemes(token, algorithm)
        at = str(position)
        for lexeme in first:
            before = get(lexeme)
            positions[lexeme] = at if before is None else f"{before},{at}"
        for lexeme, place in further:
            before, at = get(lexeme), str(position + place)
            positions[lexeme] = at if before is None else f"{before},{at}"
        position += width
        if camel:
            names |= dict.fromkeys(camel)
    return position, names


def _add(positions: dict[str, str], lexeme: str, place: str) -> None:
    before = positions.get(lexeme)
    positions[lexeme] = place if before is None else f"{before},{place}"


@lru_cache(maxsize=_CACHED_TOKENS)
def _lexemes(text: str, algorithm: str | None) -> _Lexemes:
    if is_plain(text):
        lexemes, name = _word(text, algorithm)
        return _Lexemes(lexemes, (), 1, (name,) if name else ())
    token = parse(text)
    words = [_word(part, algorithm) for part in token.parts]
    placed = [(lexeme, place) for place, (lexemes, _) in enumerate(words) for lexeme in lexemes]
    placed += [(quoted_lexeme(compound), place) for place, compound in compounds(token)]
    if token.signs and _NUMBERED_VERSION.match(token.parts[0]):
        bare = replace(token, parts=(token.parts[0][1:], *token.parts[1:]))
        placed += [
            (quoted_lexeme(word), 0) for word in (bare.parts[0], *(c for place, c in compounds(bare) if not place))
        ]
    return _Lexemes(
        first=tuple([lexeme for lexeme, place in placed if not place]),
        further=tuple([entry for entry in placed if entry[1]]),
        width=len(token.parts),
        names=tuple([name for _, name in words if name]),
    )


@lru_cache(maxsize=_CACHED_TOKENS)
def _word(part: str, algorithm: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The quoted lexemes of a word, and the quoted parts of a camelCase name."""
    word = folded_word(part)
    if word is None:
        return (), ()
    stemmed = folded_stem(part, algorithm)
    quoted = quoted_lexeme(word)
    lexemes = (quoted,) if stemmed == word else (quoted, quoted_lexeme(STEM_MARK + stemmed))
    camel = camel_parts(part)
    return lexemes, tuple([quoted_lexeme(fold(name)) for name in camel + camel_variants(camel)]) if camel else ()


def folded_word(part: str) -> str | None:
    """The folded form of a word; None for what is no word: marks alone, encoded data."""
    word = fold(part)
    if len(word) > MAX_WORD_CHARACTERS and not (len(word) <= _MAX_DIGEST_CHARACTERS and _HEXADECIMAL.issuperset(word)):
        return None
    return word or None


def folded_stem(part: str, algorithm: str | None) -> str:
    """The folded stem of a word. The stemmer gets the word with its accents, which endings have, but without points."""
    if algorithm is None:
        return fold(part)
    word = part.lower()
    return fold(stem(word if word.isalpha() else without_points(word), algorithm=algorithm))


def unspaced_lexemes(run: str) -> list[str]:
    """The overlapping pairs of a run without spaces, and its last character alone: one lexeme a place.

    There is none for a run of nothing but marks that are left out.
    """
    characters = fold(run)
    return [characters[place : place + 2] for place in range(len(characters))]


def compounds(token: Token) -> list[tuple[int, str]]:
    """The folded lexemes of a token that have signs in them, each with its place."""
    if not (token.signs or token.lead or token.trail):
        return []
    found = [*enumerate(token.neighbours()), *token.signed_words()]
    whole = token.whole
    if len(token.signs) > 1:
        found.append((0, whole))
    if token.lead:
        found.append((0, token.lead + whole))
    if token.trail:
        found.append((0, whole + token.trail))
    if token.lead and token.trail:
        found.append((0, token.lead + whole + token.trail))
    return [(place, fold(compound)) for place, compound in found if len(compound) <= MAX_COMPOUND_CHARACTERS]
