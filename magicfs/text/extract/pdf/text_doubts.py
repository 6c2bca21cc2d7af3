"""Doubts about the text that PDFium makes of a page: whether the page is better put together from its glyphs.

Used by `pdf_text`. Pure functions; the first ones look at every page, and cost little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

_FROM_RIGHT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
"""Letters of Arabic, Hebrew and the like. The engine turns some words around, and what stands in other letters."""
_CLUSTERED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Letters of Thai, Khmer and the like: a file says what glyphs stand for together, and the engine may repeat it."""
_LETTER: Final = re.compile("[a-zA-Z\u00c0-\u024f\u0370-\u052f]")
"""A letter of Latin, Greek or Cyrillic."""
_NO_WORDS: Final = frozenset("bcdfghjlmnpqrtxBCDFGHJLMNPQRTX")
"""Letters that are hardly a word in any language."""
_MIN_LONE: Final = 3
_LONE_SHARE: Final = 100
"""A page with one such letter among so many words may have letters that are spaced, or written one by one."""
_MIN_SPACED: Final = 4
"""So many single letters behind each other are a word whose letters are spaced."""
_MIN_FRAGMENTS: Final = 5
_FRAGMENT_LETTERS: Final = 2
"""Where most words are not longer, and there are some, words are torn into fragments."""
_MIN_DOUBLED: Final = 6
_FEWER: Final = 0.8
_LEAST: Final = 0.45
"""The share of its characters that a page keeps at least: of letters that were drawn twice, half."""


def is_written_from_right(text: str) -> bool:
    """Whether there are letters that are written from the right."""
    return not text.isascii() and _FROM_RIGHT.search(text) is not None


def is_doubtful(text: str) -> bool:
    """Whether words of a page may be torn apart, doubled or repeated in part."""
    if not text.isascii() and _CLUSTERED.search(text):
        return True
    words = text.split()
    singles = [word for word in words if len(word) == 1]
    if len(singles) >= _MIN_LONE:
        lone = sum(word in _NO_WORDS for word in singles)
        if lone >= _MIN_LONE and lone * _LONE_SHARE >= len(words):
            return True
    if _is_in_fragments(words):
        return True
    return _has_doubled(words) or (len(singles) >= _MIN_SPACED and _has_spaced(words))


def is_better(text: str, *, than: str) -> bool:
    """Whether a text of the same page has words where the other has single letters, doubled ones, or repetitions."""
    words, words_before = text.split(), than.split()
    length, length_before = sum(map(len, words)), sum(map(len, words_before))
    if length < _LEAST * length_before:
        return False
    if _CLUSTERED.search(than):
        return length < length_before
    return _torn(words) < _FEWER * _torn(words_before)


def _torn(words: Iterable[str]) -> int:
    return sum(_is_single(word) or _is_doubled(word) for word in words)


def _has_spaced(words: Iterable[str]) -> bool:
    return any(is_single and len(list(run)) >= _MIN_SPACED for is_single, run in groupby(words, _is_single))


def _is_in_fragments(words: Sequence[str]) -> bool:
    """Whether most words have one or two letters, as in `H e re i s so me te xt`."""
    fragments = sum(len(word) <= _FRAGMENT_LETTERS and _LETTER.match(word) is not None for word in words)
    return fragments >= _MIN_FRAGMENTS and 2 * fragments > len(words)


def _has_doubled(words: Sequence[str]) -> bool:
    """Whether the letters of a word are all there twice, as in bold letters that are drawn again beside themselves."""
    return any(word[0] == word[1] and _is_doubled(word) for word in words if len(word) >= _MIN_DOUBLED)


def _is_single(word: str) -> bool:
    return len(word) == 1 and _LETTER.match(word) is not None


def _is_doubled(word: str) -> bool:
    return len(word) >= _MIN_DOUBLED and word[::2] == word[1::2] and word[0].isalpha() and len(set(word)) > 1
