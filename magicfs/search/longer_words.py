"""What the index has of a word that nothing has: longer words that begin or end so, a shorter digest, pieces of a code.

Used by `respelling`. `STM32` stands for `STM32F407`, `Kinderbetreuung` for `Kinderbetreuungseinrichtung`, `Jacke` for
`Regenjacke`, and `3601JH5202` for `3 601 JH5 202`. Runs in the caller's transaction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from magicfs.db.pool import Connection
from magicfs.db.search.known_words import ENOUGH, count_chunks, frequent_words, words_beginning
from magicfs.domain.query import REVERSED_MARK, Lexeme, Term
from magicfs.search.near_spellings import is_of_letters
from magicfs.text.analysis.forms import VARIANT_FACTOR
from magicfs.text.analysis.lexemes import folded_stems, reversed_stem
from magicfs.text.analysis.question import SHOWN_DIGEST, is_digest
from magicfs.text.analysis.stems import has_no_stems

_MIN_CODE: Final = 5
_MIN_DIGITS: Final = 6
"""A shorter number is the beginning of too many others."""
_MAX_CODE: Final = 24
_MIN_LETTERS: Final = 5
"""The beginning of a word has so many letters at least."""
_MIN_WITHOUT_STEMS: Final = 3
"""The same in scripts for which nothing takes endings off: there, all that begins so is taken for forms of it."""
_MAX_ENDING: Final = 4
"""The letters and marks of the ending of a text's word there."""
_MIN_END: Final = 3
_MIN_BEFORE_END: Final = 3
"""The letters of the stem of the last part of a compound, and those before it."""
_MAX_SHORT_ENDING: Final = 2
"""The letters of the ending behind such a short stem: `Türen`, and not `Tonnen`, as Dutch has `ton`: `Washington`."""
_SUFFIXES: Final = frozenset({"schaft", "schap", "weis"})
"""Stems of words that are endings of others: a `Gesellschaft` is no `Schaft`, and `teilweise` no `Weise`."""
_ADJECTIVE: Final = re.compile(r"(?:[aiouy]|(?<!e)e|[aeiouy][kps]|an)tisch\Z")
"""What has the ending `-isch` behind a `t`, such as `kritisch`, and is no `Tisch`."""
_MIN_WITHOUT_ENDING: Final = 8
"""The beginning of a longer word that the typed one has with another ending has so many."""
_ENDINGS: Final = (0, 1, 2)
"""The letters of the ending of a typed word: `Konstrukteure` stands for `Konstrukteurin`."""
_ENDINGS_WITHOUT_STEMS: Final = (0, 1, 2, 3, 4)
_MAX_WORDS: Final = 2
"""Where more words begin so, as with `intern`, they have not much in common."""
_MAX_PIECE: Final = 8
_MAX_PIECES: Final = 6
_MAX_WAYS: Final = 24
"""The ways to divide a code that are looked up, those with the fewest pieces first."""
_MAX_CONSIDERED: Final = 500
_MIN_MEAN_PIECE: Final = 2
"""The signs that pieces have on average."""


def is_code(term: Term) -> bool:
    """Whether a word is a number, or has letters and digits, as part numbers have; no star is behind it."""
    word = term.word
    # What may be the beginning of a digest has no star, and may be a code in pieces as well: `4B7 3921`.
    return (
        word.isalnum()
        and _MIN_CODE <= len(word) <= _MAX_CODE
        and any(map(str.isdigit, word))
        and (len(word) >= _MIN_DIGITS or not word.isdigit())
    )


def beginning_of_codes(connection: Connection, term: Term) -> Term | None:
    """A code that stands for all words that begin so; None if there are none."""
    form = Lexeme(term.word, factor=VARIANT_FACTOR, is_exact=False, is_prefix=True)
    has_any = any(count_chunks(connection, [form.tsquery])[0])
    return replace(term, lexemes=(form,), parts=frozenset()) if has_any else None


def shorter_digest(connection: Connection, word: str) -> str | None:
    """The longest beginning of a digest by which a text or a name has it: programs show more of it or less."""
    if not is_digest(word):
        return None
    shown = [word[:length] for length in SHOWN_DIGEST if length < len(word)]
    counts = count_chunks(connection, [Lexeme(beginning).tsquery for beginning in shown]) if shown else []
    return max((beginning for beginning, count in zip(shown, counts, strict=True) if any(count)), default=None)


def longer_words(connection: Connection, word: str, algorithms: Sequence[str]) -> list[str]:
    """The words that begin as a word does, or as it does without its ending, if they are few."""
    without_stems = has_no_stems(word)
    for ending in _ENDINGS_WITHOUT_STEMS if without_stems else _ENDINGS:
        beginning = word[: len(word) - ending]
        least = _MIN_WITHOUT_ENDING if ending else _MIN_LETTERS
        if len(beginning) < (_MIN_WITHOUT_STEMS + bool(ending) if without_stems else least):
            break
        begun = words_beginning(connection, beginning)
        # The name `international.txt` has also what is its word and its extension in one piece.
        in_one_piece = {word.replace(".", "") for word in begun if "." in word}
        found = sorted(filter(is_of_letters, begun - in_one_piece))
        if without_stems and (forms := [form for form in found if len(form) <= len(beginning) + _MAX_ENDING]):
            return forms
        if found and (len(found) <= _MAX_WORDS or _have_one_stem(found, algorithms)):
            return found
    return []


def words_ending(connection: Connection, word: str, algorithms: Sequence[str]) -> list[str]:
    """The stems of compounds whose last part is a word, in any form of both."""
    stems = dict.fromkeys(stem for algorithm in algorithms for stem in folded_stems([word], algorithm))
    found: dict[str, None] = {}
    for stem in stems:
        is_end = len(stem) > _MIN_END or (len(stem) == _MIN_END and len(word) - len(stem) <= _MAX_SHORT_ENDING)
        if not is_end or stem in _SUFFIXES:
            continue
        begun = words_beginning(connection, reversed_stem(stem))
        whole = (lexeme.removeprefix(REVERSED_MARK)[::-1] for lexeme in sorted(begun))
        found |= dict.fromkeys(
            one for one in whole if len(one) >= len(stem) + _MIN_BEFORE_END and not _ADJECTIVE.search(one)
        )
    return list(found)


def shortest_with_stem(connection: Connection, stem: str) -> str:
    """The shortest word that begins with a stem; the stem itself without any."""
    words = filter(is_of_letters, words_beginning(connection, stem))
    return min(words, key=lambda word: (len(word), word), default=stem)


def _have_one_stem(words: Sequence[str], algorithms: Sequence[str]) -> bool:
    return any(len(set(folded_stems(list(words), algorithm))) == 1 for algorithm in algorithms)


def pieces_of_code(connection: Connection, word: str) -> list[str]:
    """The pieces of a code that a text or a name has side by side; none if there are none."""
    places = range(len(word))
    pieces = list(dict.fromkeys(word[start : start + size] for start in places for size in range(1, _MAX_PIECE + 1)))
    had = dict.fromkeys(frequent_words(connection, pieces), ENOUGH)
    counted = [piece for piece in pieces if piece not in had and piece != word]
    counts = count_chunks(connection, [Lexeme(piece).tsquery for piece in counted])
    had.update((piece, sum(count)) for piece, count in zip(counted, counts, strict=True) if any(count))
    # Of pieces that are all frequent, finding those side by side would take long.
    found = [way for way in islice(_ways(word, had), _MAX_CONSIDERED) if min(map(had.__getitem__, way)) < ENOUGH]
    ways = sorted(found, key=len)[:_MAX_WAYS]
    conditions = [" <-> ".join(Lexeme(piece).tsquery for piece in way) for way in ways]
    counts = count_chunks(connection, conditions) if ways else []
    best = max(zip(counts, ways, strict=True), key=lambda counted: counted[0], default=((0, 0), ()))
    return list(best[1]) if any(best[0]) else []


def _ways(word: str, had: Container[str]) -> Iterator[tuple[str, ...]]:
    """Yield the ways to divide a code into few enough pieces that the index has."""
    ends = [range(start + 1, min(len(word), start + _MAX_PIECE) + 1) for start in range(len(word))]
    # The fewest pieces of the rest of the code from each place on.
    fewest = [0.0] * (len(word) + 1)
    for start in reversed(range(len(word))):
        fewest[start] = 1 + min((fewest[end] for end in ends[start] if word[start:end] in had), default=math.inf)
    most = min(_MAX_PIECES, len(word) // _MIN_MEAN_PIECE)

    def rests(start: int, before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if start == len(word):
            yield before
            return
        for end in ends[start]:
            if word[start:end] in had and len(before) + 1 + fewest[end] <= most:
                yield from rests(end, (*before, word[start:end]))

    return rests(0, ())
