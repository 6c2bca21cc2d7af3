"""Excerpts of a text: measured in the cells of a terminal, and cut where a reader expects it.

Used for snippets. An excerpt begins with a line or a sentence where it can, else after a clause or between words, and
never inside of what a reader takes for one character. What it shows is the caller's choice. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import accumulate, chain
from typing import Final

_SENTENCE_END: Final = re.compile("\n|[.!?…]+[\"'”’»)\\]]*\\s+(?![a-z])|[。！？．｡።។៕။།॥]+[」』”’）】》〉]*\\s*")
"""The end of a line or of a sentence."""
_CLAUSE_END: Final = re.compile("[、，；：､၊፣༔]\\s*")
_SPACE: Final = re.compile(" ")
_BOUNDARIES: Final = (_SENTENCE_END, _CLAUSE_END, _SPACE)
"""Where an excerpt may begin or end, the better place first."""

_SIMPLE: Final = re.compile("[\n\x20-\x7e\xa0-\xac\xae-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20c0]*")
"""Latin letters and the signs of typography and money: each is a character of one cell, which no library need tell."""

_CELLS_OF_LINE_END: Final = 12
"""What the end of a line counts: an excerpt of short lines is not many times higher than one of long lines."""

_SEARCHED_SHARE: Final = 4
"""A boundary is looked for in this part of the length, at the beginning and at the end."""

_JOINED_TO_NEXT: Final = frozenset("เแโใไເແໂໃໄ\u1039\u17d2\u1a60")
"""Vowels of Thai and Lao that stand before their consonant, and signs that stack the next one."""
_JOINED_TO_LAST: Final = frozenset("ะาำๅๆฯະາຳຽຯໆ")
"""Vowels and signs of Thai and Lao that stand after their consonant."""

_MAX_CLUSTER: Final = 64
"""A cluster of more characters is no character of any language: it is divided."""


def cells_before(text: str) -> Sequence[int]:
    """The number of cells before each place of a text, from 0 to its length."""
    if not _SIMPLE.fullmatch(text):
        return list(accumulate(map(_cells(), text), initial=0))
    if "\n" not in text:
        return range(len(text) + 1)
    cells: list[int] = []
    start = 0
    for line in text.split("\n"):
        cells.extend(range(start, start + len(line) + 1))
        start += len(line) + _CELLS_OF_LINE_END
    return cells


def excerpt(text: str, cells: Sequence[int], *, start: int, length: int, shown: tuple[int, int] | None = None) -> str:
    """About `length` cells of a text from about the cell `start` on, with an ellipsis at each cut inside of a line.

    `cells` is that of `cells_before`. The characters from the first to the last place of `shown` are not cut away where
    they fit.
    """
    if shown is not None:
        shown = _with_its_line(text, cells, shown, length)
    first_shown, last_shown = shown or (len(text), 0)
    first = bisect_left(cells, max(0, min(start, cells[-1] - length)))
    if first:
        sentence = _sentence_start(text, cells, first, length, shown)
        if sentence is None:
            limit = bisect_right(cells, cells[first] + length // _SEARCHED_SHARE) - 1
            first = _begin(text, first, min(limit, first_shown) if first_shown >= first else limit)
        else:
            first = sentence
    last = bisect_right(cells, cells[first] + length) - 1
    if last < len(text):
        limit = bisect_left(cells, cells[last] - length // _SEARCHED_SHARE)
        last = _end(text, max(limit, last_shown) if last_shown <= last else limit, last, after=first)
    begins_line, ends_line = text[first - 1 : first] in {"", "\n"}, text[last : last + 1] in {"", "\n"}
    return ("" if begins_line else "…") + text[first:last] + ("" if ends_line else "…")


def _with_its_line(text: str, cells: Sequence[int], shown: tuple[int, int], length: int) -> tuple[int, int]:
    """What is shown, up to the end of its line where that fits: a row of a table says more behind the word."""
    end = text.find("\n", shown[1])
    end = len(text) if end < 0 else end
    return (shown[0], end) if cells[end] - cells[shown[0]] <= length else shown


def _sentence_start(
    text: str, cells: Sequence[int], first: int, length: int, shown: tuple[int, int] | None
) -> int | None:
    """The start of a line or a sentence nearest to `first`, from which `shown` fits into the length; None without."""
    if shown is None:
        return None
    lowest = bisect_left(cells, max(0, cells[shown[1]] - length))
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    fitting = [start for start in starts if lowest <= start <= shown[0]]
    return min(fitting, key=lambda start: abs(cells[start] - cells[first]), default=None)


def _begin(line: str, first: int, limit: int) -> int:
    """The best place to begin from `first` to `limit`, else the first one behind."""
    for boundary in _BOUNDARIES:
        # A boundary may end at the very place.
        for match in boundary.finditer(line, max(0, first - 1), limit):
            if match.end() >= first:
                return match.end()
    return _first(chain(range(first, limit + 1), range(limit + 1, limit + _MAX_CLUSTER)), line, default=first)


def _end(line: str, limit: int, last: int, *, after: int) -> int:
    """The best place to end from `limit` to `last`, else the last one before."""
    for boundary in _BOUNDARIES:
        places = [match.end() for match in boundary.finditer(line, limit, last)]
        if places:
            return len(line[: places[-1]].rstrip())
    before = range(limit - 1, max(after, limit - _MAX_CLUSTER), -1)
    return _first(chain(range(last, limit - 1, -1), before), line, default=last)


def _first(places: Iterable[int], line: str, *, default: int) -> int:
    """The first place between two words, else between two characters; `default` where there is none."""
    in_word = None
    for place in places:
        if _is_between_characters(line, place):
            if not _is_in_word(line, place):
                return place
            in_word = in_word or place
    return in_word or default


def _is_in_word(line: str, place: int) -> bool:
    """Whether a word or number of ASCII goes over a place."""
    around = line[place - 1 : place + 1]
    return around.isascii() and around.isalnum() and len(around) > 1


def _is_between_characters(line: str, place: int) -> bool:
    """Whether no character, as a reader sees it, goes over a place."""
    if not 0 < place < len(line):
        return True
    if line[place - 1] in _JOINED_TO_NEXT or line[place] in _JOINED_TO_LAST:
        return False
    return _SIMPLE.fullmatch(line, place - 1, place + 1) is not None or _cluster_start()(line, place + 1) == place


def wrapped(line: str, *, cells: int) -> list[str]:
    """A line as several lines of at most `cells` cells, each indented as it is. It may have styles of a terminal."""
    from wcwidth import wrap

    body = line.lstrip(" ")
    indentation = line[: len(line) - len(body)][: cells // 2]
    return wrap(body, cells, initial_indent=indentation, subsequent_indent=indentation)


@cache
def _cells() -> Callable[[str], int]:
    """The function that gives the cells of a character. Its library is loaded by the first text that needs it."""
    from wcwidth import wcwidth

    return cache(lambda character: _CELLS_OF_LINE_END if character == "\n" else max(0, wcwidth(character)))


@cache
def _cluster_start() -> Callable[[str, int], int]:
    """The function that gives the start of the cluster before a place."""
    from wcwidth import grapheme_boundary_before

    return grapheme_boundary_before
