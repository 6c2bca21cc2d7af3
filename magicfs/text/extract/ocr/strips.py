"""Cuts long pictures, such as screenshots of whole pages and chats, into strips that are recognised one by one.

Used by `pictures` and `document_pictures`, in the child process. OCR makes a picture smaller, so that a long one is not
legible. It is cut where no line is; where there is no such place, strips overlap. A wide picture, such as a time line,
is cut between columns. No I/O.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final, NamedTuple

from PIL import Image, ImageChops

_LENGTHS: Final = range(1250, 1800)
"""The length of a strip, in pixels. What is smaller is scaled up before it is read, which takes four times as long."""
_OVERLAP: Final = 120
"""What two strips have in common, in pixels, where a line may be cut: the height of three large lines."""
_CHANGE: Final = 32
"""A change of this size, of 255, between two pixels beside each other is an outline."""
_MAX_QUIET: Final = 8
"""The share of outlines, of 255, in a row of pixels between two lines: there are the rules of a table at most."""
_MIN_QUIET_ROWS: Final = 3
_MOST_DOUBLED: Final = 5
"""The lines at an end of a strip that the next one may have too."""
_SAME: Final = 0.75
"""How similar two readings of a line are at least."""


class _Strip(NamedTuple):
    start: int
    end: int
    overlaps: bool
    """Whether it has the end of the strip before it."""


def text_in_strips(image: Image.Image, read: Callable[[Image.Image], str], *, until: float) -> tuple[str, bool]:
    """The text of a long picture, and whether that is all of it. After `until`, a monotonic time, no strip is begun."""
    lines: list[str] = []
    is_tall = image.height >= image.width
    slowest = 0.0
    outlines = _outlines(image if is_tall else image.transpose(Image.Transpose.TRANSPOSE))
    for strip in _strips(outlines):
        if not any(outlines[strip.start : strip.end]):
            continue
        began = time.monotonic()
        if lines and began + slowest > until:
            return "\n".join(lines), False
        box = (0, strip.start, image.width, strip.end) if is_tall else (strip.start, 0, strip.end, image.height)
        more = [line for line in read(image.crop(box)).split("\n") if line.strip()]
        lines += more[_doubled(lines, more) :] if strip.overlaps else more
        slowest = max(slowest, time.monotonic() - began)
    return "\n".join(lines), True


def _strips(outlines: bytes) -> Iterator[_Strip]:
    """Yield the strips of a tall picture from top to bottom, by the outlines in its rows."""
    start, overlaps = 0, False
    while start + _LENGTHS.stop < len(outlines):
        first = start + _LENGTHS.start
        window = outlines[first : start + _LENGTHS.stop]
        quiet = _quiet_place(window)
        cut = first + (window.index(min(window)) if quiet is None else quiet)
        yield _Strip(start, cut, overlaps)
        overlaps = quiet is None
        start = cut - _OVERLAP if overlaps else cut
    yield _Strip(start, len(outlines), overlaps)


def _outlines(image: Image.Image) -> bytes:
    """The share of outlines, of 255, in each row of pixels."""
    grey = image.convert("L")
    width, height = grey.size
    changes = ImageChops.difference(grey.crop((1, 0, width, height)), grey.crop((0, 0, width - 1, height)))
    return changes.point(lambda change: 255 * (change >= _CHANGE)).resize((1, height), Image.Resampling.BOX).tobytes()


def _quiet_place(outlines: bytes) -> int | None:
    """The middle of the widest gap between two lines; None if there is none."""
    least = min(outlines)
    if least > _MAX_QUIET:
        return None
    widest, middle, place = _MIN_QUIET_ROWS - 1, None, 0
    for is_quiet, rows in groupby(outlines, lambda share: share <= least + 1):
        length = len(list(rows))
        if is_quiet and length > widest:
            widest, middle = length, place + length // 2
        place += length
    return middle


def _doubled(before: Sequence[str], lines: Sequence[str]) -> int:
    """The number of first lines that stand, up to the last of them, at the end of what is before."""
    tail = before[-_MOST_DOUBLED:]
    for number in range(min(_MOST_DOUBLED, len(lines)), 0, -1):
        if any(SequenceMatcher(None, lines[number - 1], line).ratio() >= _SAME for line in tail):
            return number
    return 0
