"""Puts recognised lines in the order in which a person reads them: column by column, and each from top to bottom.

Used by `rapid_ocr`, whose library orders lines by their height on the page, through all columns. No I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

Point = tuple[float, float]

_MIN_COLUMN_LINES: Final = 3
"""Fewer lines beside others are a table or a form, whose rows belong together."""
_MIN_COLUMN_WIDTH: Final = 8.0
"""The width of a column's lines, in heights of a line: that of a cell is smaller."""
_MAX_CROSSING_SHARE: Final = 0.25
"""The share of lines that may go through all columns, as headings do."""
_SAME_ROW: Final = 0.5
"""How far the middles of two pieces of a row are apart at most, in heights of a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A recognised line, upright: its text, and its edges in pixels, y from the top."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """The y of its middle."""
        return (self.top + self.bottom) / 2


def text_in_order(lines: Sequence[tuple[str, Sequence[Point]]]) -> str:
    """The text of a page, a row a line. Each line comes with its corners, from the top left one clockwise."""
    return "\n".join(" ".join(line.text for line in row) for row in _ordered(_upright(lines)))


def _upright(lines: Sequence[tuple[str, Sequence[Point]]]) -> list[Line]:
    """The lines on a page that is turned so far that they are level."""
    widths = [math.dist(corners[0], corners[1]) for _, corners in lines]
    # The direction of a short line says little.
    long = sorted(widths)[len(widths) // 2] if widths else 0.0
    slopes = [
        math.atan2(corners[1][1] - corners[0][1], corners[1][0] - corners[0][0])
        for (_, corners), width in zip(lines, widths, strict=True)
        if width >= long
    ]
    angle = median(slopes) if slopes else 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    upright = []
    for text, corners in lines:
        xs = [x * cos + y * sin for x, y in corners]
        ys = [y * cos - x * sin for x, y in corners]
        upright.append(Line(text, min(xs), min(ys), max(xs), max(ys)))
    return upright


def _ordered(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The rows of the lines, column by column. A line through all columns comes between what is above and below it."""
    gutter = _gutter(lines)
    if gutter is None:
        yield from _rows(lines)
        return
    crossing = _rows([line for line in lines if line.left < gutter < line.right])
    beside = sorted((line for line in lines if not line.left < gutter < line.right), key=lambda line: line.middle)
    for row in crossing:
        above = [line for line in beside if line.middle < row[0].middle]
        beside = beside[len(above) :]
        yield from _columns(above, gutter)
        yield row
    yield from _columns(beside, gutter)


def _columns(lines: Sequence[Line], gutter: float) -> Iterator[list[Line]]:
    yield from _ordered([line for line in lines if line.right <= gutter])
    yield from _ordered([line for line in lines if line.left >= gutter])


def _gutter(lines: Sequence[Line]) -> float | None:
    """The x between two columns of running text; None if there is none."""
    if len(lines) < 2 * _MIN_COLUMN_LINES:
        return None
    height = median(line.bottom - line.top for line in lines)
    best: tuple[int, int] | None = None
    gutter = None
    for x in {round(line.right + height / 4) for line in lines}:
        left = [line for line in lines if line.right <= x]
        right = [line for line in lines if line.left >= x]
        crossing = len(lines) - len(left) - len(right)
        if crossing > len(lines) * _MAX_CROSSING_SHARE or not _are_columns(left, right, height):
            continue
        balance = abs(len(left) - len(right))
        if best is None or (crossing, balance) < best:
            best, gutter = (crossing, balance), float(x)
    return gutter


def _are_columns(left: Sequence[Line], right: Sequence[Line], height: float) -> bool:
    """Whether both are columns of running text, side by side."""
    if min(len(left), len(right)) < _MIN_COLUMN_LINES:
        return False
    if any(median(line.right - line.left for line in side) < _MIN_COLUMN_WIDTH * height for side in (left, right)):
        return False
    top = max(min(line.top for line in side) for side in (left, right))
    bottom = min(max(line.bottom for line in side) for side in (left, right))
    return bottom - top >= _MIN_COLUMN_LINES * height


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines from top to bottom; pieces at the same height are a row, from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.middle):
        last = rows[-1][-1] if rows else None
        if last is not None and line.middle - last.middle <= _SAME_ROW * min(
            line.bottom - line.top, last.bottom - last.top
        ):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.left) for row in rows]
