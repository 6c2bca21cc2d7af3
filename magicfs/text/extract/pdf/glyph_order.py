"""The reading order of a line of text that is written from the right, or in part, as Arabic and Hebrew are.

Used by `glyph_lines`. This is the Unicode bidirectional algorithm in reverse, as far as the order on the page says what
was meant. Pure functions.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Final

_RIGHT: Final = frozenset({"R", "AL"})
_DIGITS: Final = frozenset({"EN", "AN"})
_IN_NUMBERS: Final = frozenset({"ES", "CS", "ET"})


class Direction(Enum):
    """How a glyph is written."""

    LEFT_TO_RIGHT = auto()
    RIGHT_TO_LEFT = auto()
    DIGIT = auto()
    IN_NUMBER = auto()
    """A sign that is part of a number between two digits."""
    NEUTRAL = auto()


_STRONG: Final = frozenset({Direction.LEFT_TO_RIGHT, Direction.DIGIT})
_OF_NUMBERS: Final = frozenset({Direction.DIGIT, Direction.IN_NUMBER})


def direction_of(text: str) -> Direction:
    """The direction of a glyph, by its first character."""
    kind = unicodedata.bidirectional(text[0])
    if kind in _RIGHT:
        return Direction.RIGHT_TO_LEFT
    if kind == "L":
        return Direction.LEFT_TO_RIGHT
    if kind in _DIGITS:
        return Direction.DIGIT
    return Direction.IN_NUMBER if kind in _IN_NUMBERS else Direction.NEUTRAL


def reading_order(texts: Sequence[str], *, from_right: bool) -> list[str]:
    """The texts of glyphs, given from left to right, in the order in which they are read.

    `from_right` says that the paragraph begins at the right.
    """
    directions = [direction_of(text) for text in texts]
    if from_right:
        return list(_from_right(texts, directions))
    return list(_from_left(texts, directions))


def _from_left(texts: Sequence[str], directions: Sequence[Direction]) -> Iterator[str]:
    place = 0
    while place < len(texts):
        end = place + 1
        if directions[place] is Direction.RIGHT_TO_LEFT:
            for later in range(end, len(texts)):
                if directions[later] is Direction.LEFT_TO_RIGHT:
                    break
                if directions[later] is Direction.RIGHT_TO_LEFT:
                    end = later + 1
            yield from _from_right(texts[place:end], directions[place:end])
        else:
            yield texts[place]
        place = end


def _from_right(texts: Sequence[str], directions: Sequence[Direction]) -> Iterator[str]:
    """Yield the texts from the right, but for words from the left and numbers between them."""
    end = len(texts)
    while end:
        start = end
        while start and directions[start - 1] is not Direction.RIGHT_TO_LEFT:
            start -= 1
        if start < end:
            yield from _from_right_of_none(texts[start:end], directions[start:end])
        else:
            start -= 1
            yield texts[start]
        end = start


def _from_right_of_none(texts: Sequence[str], directions: Sequence[Direction]) -> Iterator[str]:
    """Yield texts none of which is from the right: words in their own order, numbers and signs from the right."""
    places = [place for place, direction in enumerate(directions) if direction in _STRONG]
    if Direction.LEFT_TO_RIGHT in directions:
        yield from reversed(texts[places[-1] + 1 :])
        yield from texts[places[0] : places[-1] + 1]
        yield from reversed(texts[: places[0]])
        return
    end = len(texts)
    while end:
        start = end - 1
        if directions[start] is Direction.DIGIT:
            start = _start_of_number(directions, start)
        yield from texts[start:end]
        end = start


def _start_of_number(directions: Sequence[Direction], last: int) -> int:
    start = place = last
    while place and directions[place - 1] in _OF_NUMBERS:
        place -= 1
        if directions[place] is Direction.DIGIT:
            start = place
    return start
