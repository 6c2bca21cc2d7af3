"""Which texts are nearly equal: few pairs of many, found by keys, and compared by their words.

Used by `magicfs.search.near_copies`, which says what that means for the files that have the texts. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import chain, filterfalse
from typing import Final

from magicfs.domain.ids import ChunkId
from magicfs.text.analysis.tokens import UNSPACED_WORDS

MIN_SHARED_WEIGHT: Final = 0.7
"""Two texts are nearly equal if they share this part of the weight of their words, or more."""
MIN_SHARED_WORDS: Final = 0.5
"""They must share this part of their words too, each counted as one."""
WEIGHT_OF_NUMBERS: Final = 3
"""The weight of a number, that of a word being 1: the invoices of a shop differ in little else, and are no copies."""
MIN_WORDS: Final = 20
"""The different words of a text that may be nearly equal to another one. Of fewer, one other word says enough."""
MAX_COMPARED: Final = 8
"""The most texts with which one is compared: all invoices of a shop, or all mail with one footer, may seem near."""

_WORD: Final = re.compile(f"[{UNSPACED_WORDS}]|[^\\W_{UNSPACED_WORDS}]+")
_ASCII_SIGNS: Final = {code: " " for code in range(128) if not chr(code).isalnum()}
"""What stands between words of a text in ASCII. To divide it there takes a third of the time of `_WORD`."""
_MIN_LETTERS_OF_PIECES: Final = 12
"""A text whose pieces between spaces are longer on average has no spaces between words."""
_KEY_CHARACTERS: Final = 500
"""The characters at the beginning of a text from which its keys are made: more take longer."""
_KEY_WORDS: Final = 5
_SHARED_KEYS: Final = 3
"""Texts are compared if they share this many keys."""
_LAST_WITH_KEY: Final = 64
"""The last texts with a key that are looked at: in a long list of results, hundreds may have the name of a shop."""


class ComparedText:
    """The text by which a file is found. What is known of it is kept: words, and which others are near."""

    __slots__ = ("_near", "_numbers", "_words", "chunk", "keys", "text")

    def __init__(self, chunk: ChunkId, text: str) -> None:
        self.chunk = chunk
        self.text = text
        self.keys = _keys(chunk, text)
        """What nearly equal texts share: the longest words of its beginning, or the chunk, which is enough alone."""
        self._words: frozenset[str] | None = None
        self._numbers: frozenset[str] = frozenset()
        self._near: dict[ChunkId, bool] = {}

    @property
    def words(self) -> frozenset[str]:
        """Its different words, in small letters: most texts are never asked for them."""
        if self._words is None:
            text = self.text.lower()
            self._words = frozenset(text.translate(_ASCII_SIGNS).split() if text.isascii() else _WORD.findall(text))
            self._numbers = frozenset(filterfalse(str.isalpha, self._words))
        return self._words

    def is_near(self, other: ComparedText) -> bool:
        """Whether it is nearly equal to another one."""
        if self.chunk == other.chunk:
            return True
        near = self._near.get(other.chunk)
        if near is None:
            near = self._near[other.chunk] = other._near[self.chunk] = self._shares_most(other)
        return near

    def _shares_most(self, other: ComparedText) -> bool:
        words, others = self.words, other.words
        fewer = min(len(words), len(others))
        if fewer < MIN_WORDS:
            return False
        more = WEIGHT_OF_NUMBERS - 1
        weight = len(words) + len(others) + more * (len(self._numbers) + len(other._numbers))
        numbers = more * len(self._numbers & other._numbers)
        # The numbers alone tell invoices apart, sooner than all their words.
        if not _is_most(fewer + numbers, weight):
            return False
        both = len(words & others)
        return _is_most(both + numbers, weight) and both >= MIN_SHARED_WORDS * (len(words) + len(others) - both)


def _keys(chunk: ChunkId, text: str) -> list[str | int]:
    text = text[:_KEY_CHARACTERS]
    pieces = text.split()
    is_unspaced = len(pieces) * _MIN_LETTERS_OF_PIECES < len(text)
    words = sorted(set(text if is_unspaced else pieces))
    words.sort(key=len)
    return [*words[-_KEY_WORDS:], *[chunk] * _SHARED_KEYS]


def _is_most(both: int, weight: int) -> bool:
    """Whether the weight `both` of shared words is enough. `weight` is the sum of the weights of both passages."""
    return both >= MIN_SHARED_WEIGHT * (weight - both)


class NearTexts:
    """Texts that are compared with each other, each pair once, however often it is asked for."""

    def __init__(self) -> None:
        self._texts: dict[ChunkId, ComparedText] = {}

    def of(self, chunk: ChunkId, text: str) -> ComparedText:
        """The text of a chunk, with what is known of it."""
        known = self._texts.get(chunk)
        if known is None:
            known = self._texts[chunk] = ComparedText(chunk, text)
        return known

    def compare(self, texts: Mapping[ChunkId, str], *, most: int) -> None:
        """Compare texts in about the order in which it will be asked for them: the first `most` that are near to none.

        Nothing depends on it but the time that is taken later.
        """
        firsts = FirstTexts()
        for text in map(self.of, texts, texts.values()):
            if len(firsts) >= most:
                return
            if not any(text.is_near(firsts[number]) for number in firsts.nearest(text)):
                firsts.add(text)


class FirstTexts:
    """Texts that are near to none of those before them, in their order, and which of them may be near to others."""

    def __init__(self) -> None:
        self._texts: list[ComparedText] = []
        self._by_key: dict[str | int, list[int]] = {}

    def __len__(self) -> int:
        """Their number."""
        return len(self._texts)

    def __getitem__(self, number: int) -> ComparedText:
        """One of them."""
        return self._texts[number]

    def add(self, text: ComparedText) -> None:
        """Put a text behind the others."""
        for key in text.keys:
            self._by_key.setdefault(key, []).append(len(self._texts))
        self._texts.append(text)

    def nearest(self, text: ComparedText) -> list[int]:
        """The numbers of those that share the most keys, the last ones first: near copies answer nearly equally."""
        by_key = self._by_key
        having = [by_key[key] for key in text.keys if key in by_key]
        if len(having) < _SHARED_KEYS:
            return []
        shared = Counter(chain.from_iterable(numbers[-_LAST_WITH_KEY:] for numbers in having))
        near = [(count, number) for number, count in shared.items() if count >= _SHARED_KEYS]
        return [number for _, number in sorted(near, reverse=True)[:MAX_COMPARED]]
