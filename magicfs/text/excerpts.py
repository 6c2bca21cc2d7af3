"""Excerpts of a line: measured in the cells of a terminal, and cut where a reader expects it.

Used for snippets. In scripts without spaces that is at the marks of sentences and clauses, elsewhere between words, and
never inside of what a reader takes for one character. What an excerpt shows is the caller's choice. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import accumulate, chain
from typing import Final

_SENTENCE_END: Final = re.compile("[。！？．｡።។៕။།॥]+[」』”’）】》〉]*\\s*")  # noqa: RUF001  of other scripts
_CLAUSE_END: Final = re.compile("[、，；：､၊፣༔]\\s*")  # noqa: RUF001
_SPACE: Final = re.compile(" ")
_BOUNDARIES: Final = (_SENTENCE_END, _CLAUSE_END, _SPACE)
"""Where an excerpt may begin or end, the better place first."""

_SEARCHED_SHARE: Final = 4
"""A boundary is looked for in this part of the length, at the beginning and at the end."""

_JOINED_TO_NEXT: Final = frozenset("เแโใไເແໂໃໄ\u1039\u17d2\u1a60")
"""Vowels of Thai and Lao that stand before their consonant, and signs that stack the next one."""
_JOINED_TO_LAST: Final = frozenset("ะาำๅๆฯະາຳຽຯໆ")
"""Vowels and signs of Thai and Lao that stand after their consonant."""

_MAX_CLUSTER: Final = 64
"""A cluster of more characters is no character of any language: it is divided."""


def cells_before(line: str) -> Sequence[int]:
    """The number of cells before each place of a line, from 0 to its length."""
    if line.isascii():
        return range(len(line) + 1)
    return list(accumulate(map(_cells(), line), initial=0))


def excerpt(line: str, cells: Sequence[int], *, start: int, length: int, shown: tuple[int, int] | None = None) -> str:
    """About `length` cells of a line from the cell `start` on, with an ellipsis at each cut.

    `cells` is that of `cells_before`. The characters from the first to the last place of `shown` are not cut away where
    they fit.
    """
    first_shown, last_shown = shown or (len(line), 0)
    first = bisect_left(cells, max(0, min(start, cells[-1] - length)))
    if first:
        limit = bisect_right(cells, cells[first] + length // _SEARCHED_SHARE) - 1
        first = _begin(line, first, min(limit, first_shown) if first_shown >= first else limit)
    last = bisect_right(cells, cells[first] + length) - 1
    if last < len(line):
        limit = bisect_left(cells, cells[last] - length // _SEARCHED_SHARE)
        last = _end(line, max(limit, last_shown) if last_shown <= last else limit, last, after=first)
    return ("…" if first else "") + line[first:last] + ("…" if last < len(line) else "")


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
    return line[place - 1 : place + 1].isascii() or _cluster_start()(line, place + 1) == place


@cache
def _cells() -> Callable[[str], int]:
    """The function that gives the cells of a character. Its library is loaded by the first text that needs it."""
    from wcwidth import wcwidth

    return cache(lambda character: max(0, wcwidth(character)))


@cache
def _cluster_start() -> Callable[[str, int], int]:
    """The function that gives the start of the cluster before a place."""
    from wcwidth import grapheme_boundary_before

    return grapheme_boundary_before
