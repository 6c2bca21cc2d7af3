"""The pictures that a page of a PDF file shows: what they cover of it, and those that may have words beside its text.

Used by `pdf_text`. A picture has no words to be read if it is small, or under a text layer, as in a scan that was
recognised before. One thread; the engine is not thread-safe.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

import pypdfium2
import pypdfium2.raw

_MAX_DEPTH: Final = 4
"""Forms in forms in which pictures are looked for."""
_MAX_OBJECTS: Final = 2000
"""A page of a scan or of slides has few; one with more is drawn, and its text layer is its text."""
_MAX_REGIONS: Final = 8
_POINTS_PER_INCH: Final = 72
_QUARTER: Final = 90
"""A quarter of a turn, in degrees."""

_MIN_SHARE: Final = 0.03
"""The share of a page that a picture takes which shows more than a label: a table of three lines."""
_MIN_POINTS: Final = 30.0
_MIN_PIXELS: Final = 100
"""Its shorter side on the page, and its longer one in itself."""
_MAX_COVERED: Final = 0.1
"""The share of a picture under a text layer, each letter of which takes `_LETTER_POINTS`: it may be what is shown."""
_LETTER_POINTS: Final = 60.0
_BANDS: Final = 8
"""A picture is under the text if at least half of as many bands of it are: a long header is in two of them."""
_TOUCH: Final = 2.0
"""How far apart, in points, two pieces of a picture are at most that a program has cut."""


class Box(NamedTuple):
    """A part of a page, in points."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        """Its area."""
        return max(self.right - self.left, 0.0) * max(self.top - self.bottom, 0.0)


class Region(NamedTuple):
    """A part of a page that a picture takes."""

    box: Box
    letters: int
    """The letters of the text layer in it."""
    dpi: float
    """The resolution of the picture, in pixels an inch of the page."""


@dataclass(frozen=True, slots=True)
class PagePictures:
    """What a page shows in pictures."""

    share: float
    """The share of the page that pictures take, those outside of it too; 0 for a page of many objects."""
    regions: tuple[Region, ...] = ()
    """The pictures that may have words beside the text layer."""
    marks: frozenset[tuple[int, ...]] = frozenset()
    """What tells these from those of other pages."""


NO_PICTURES: Final = PagePictures(0.0)


class _Shown(NamedTuple):
    drawn: Any
    box: Box
    area: float
    pixels: tuple[int, int]


def pictures_of(page: pypdfium2.PdfPage, layer: pypdfium2.PdfTextPage) -> PagePictures:
    """What a page with this text layer shows in pictures."""
    if pypdfium2.raw.FPDFPage_CountObjects(page) > _MAX_OBJECTS:
        return NO_PICTURES
    whole = _visible_part(page)
    shown = [picture._replace(box=_common(picture.box, whole)) for picture in _shown_on(page)]
    if not shown:
        return NO_PICTURES
    share = sum(picture.area for picture in shown) / (whole.area or 1.0)
    regions = [Region(box, _letters_in(layer, box), _resolution(box, shown)) for box in _joined(shown, whole)]
    regions = [region for region in regions if not _is_covered(region, layer)]
    marks = {
        _mark(picture)
        for region in regions
        for picture in shown
        if picture.box.area and _contains(region.box, picture.box)
    }
    return PagePictures(share, tuple(regions), frozenset(marks))


def margins(page: pypdfium2.PdfPage, box: Box) -> tuple[float, ...]:
    """What lies outside of a part of a page as it is shown: to the left of it, below, to the right and above."""
    whole = _visible_part(page)
    sides = box.left - whole.left, box.bottom - whole.bottom, whole.right - box.right, whole.top - box.top
    turns = page.get_rotation() // _QUARTER
    # On a page that is turned by a quarter, clockwise, what was at the bottom is at the left.
    return tuple(max(side, 0.0) for side in (*sides[turns:], *sides[:turns]))


def _visible_part(page: pypdfium2.PdfPage) -> Box:
    # Not the box that is cropped: the engine does not say what a page has of the pages above it.
    left, bottom, right, top = map(float, page.get_bbox())
    return Box(min(left, right), min(bottom, top), max(left, right), max(bottom, top))


def _is_large(box: Box, whole: Box) -> bool:
    sides = box.right - box.left, box.top - box.bottom
    return box.area >= _MIN_SHARE * whole.area and min(sides) >= _MIN_POINTS


def _is_covered(region: Region, layer: pypdfium2.PdfTextPage) -> bool:
    """Whether the text layer lies over a picture, as it does where its words are known."""
    box = region.box
    if region.letters * _LETTER_POINTS <= _MAX_COVERED * box.area:
        return False
    height = (box.top - box.bottom) / _BANDS
    bands = (
        box._replace(bottom=box.top - (number + 1) * height, top=box.top - number * height) for number in range(_BANDS)
    )
    written = (band for band in bands if _letters_in(layer, band))
    return len(list(islice(written, _BANDS // 2))) == _BANDS // 2


def _resolution(box: Box, shown: list[_Shown]) -> float:
    pixels = max(max(picture.pixels) for picture in shown if picture.box.area and _contains(box, picture.box))
    return pixels * _POINTS_PER_INCH / max(box.right - box.left, box.top - box.bottom)


def _letters_in(layer: Any, box: Box) -> int:
    """The letters and blanks of the text layer in a part of the page."""
    return int(pypdfium2.raw.FPDFText_GetBoundedText(layer, box.left, box.top, box.right, box.bottom, None, 0))


def _joined(shown: list[_Shown], whole: Box) -> list[Box]:
    """The large parts of a page that pictures take, from the top down. Those in each other are one, and pieces are."""
    boxes: list[Box] = []
    for picture in shown:
        if not picture.box.area or max(picture.pixels) < _MIN_PIXELS:
            continue
        if boxes and _are_pieces(boxes[-1], picture.box):
            boxes[-1] = _around(boxes[-1], picture.box)
        else:
            boxes.append(picture.box)
    large: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.area):
        if len(large) == _MAX_REGIONS:
            break
        if _is_large(box, whole) and not any(_contains(other, box) for other in large):
            large.append(box)
    return sorted(large, key=lambda box: (-box.top, box.left))


def _are_pieces(one: Box, other: Box) -> bool:
    """Whether two boxes stand upon each other, or side by side, and are as wide or as high."""
    columns = abs(one.left - other.left) <= _TOUCH and abs(one.right - other.right) <= _TOUCH
    rows = abs(one.bottom - other.bottom) <= _TOUCH and abs(one.top - other.top) <= _TOUCH
    upon = min(abs(one.bottom - other.top), abs(one.top - other.bottom)) <= _TOUCH
    beside = min(abs(one.left - other.right), abs(one.right - other.left)) <= _TOUCH
    return (columns and upon) or (rows and beside)


def _common(one: Box, other: Box) -> Box:
    return Box(
        max(one.left, other.left),
        max(one.bottom, other.bottom),
        min(one.right, other.right),
        min(one.top, other.top),
    )


def _around(one: Box, other: Box) -> Box:
    return Box(
        min(one.left, other.left),
        min(one.bottom, other.bottom),
        max(one.right, other.right),
        max(one.top, other.top),
    )


def _contains(outer: Box, inner: Box) -> bool:
    return (
        outer.left - _TOUCH <= inner.left
        and outer.bottom - _TOUCH <= inner.bottom
        and inner.right <= outer.right + _TOUCH
        and inner.top <= outer.top + _TOUCH
    )


def _shown_on(page: pypdfium2.PdfPage) -> Iterator[_Shown]:
    """Yield the pictures of a page, those in its forms too."""
    raw = pypdfium2.raw
    left = _MAX_OBJECTS

    def walk(holder: Any, count: int, get: Callable[[Any, int], Any], matrices: tuple[Any, ...]) -> Iterator[_Shown]:
        nonlocal left
        for number in range(min(count, left)):
            left -= 1
            drawn = get(holder, number)
            kind = raw.FPDFPageObj_GetType(drawn)
            if kind == raw.FPDF_PAGEOBJ_IMAGE:
                yield _picture(drawn, (_matrix(drawn), *matrices))
            elif kind == raw.FPDF_PAGEOBJ_FORM and len(matrices) < _MAX_DEPTH:
                inside = raw.FPDFFormObj_CountObjects(drawn)
                yield from walk(drawn, inside, raw.FPDFFormObj_GetObject, (_matrix(drawn), *matrices))

    yield from walk(page, raw.FPDFPage_CountObjects(page), raw.FPDFPage_GetObject, ())


def _matrix(drawn: Any) -> tuple[float, ...]:
    matrix = pypdfium2.raw.FS_MATRIX()
    pypdfium2.raw.FPDFPageObj_GetMatrix(drawn, matrix)
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _picture(drawn: Any, matrices: tuple[tuple[float, ...], ...]) -> _Shown:
    """A picture: the unit square under its matrix, and then under those of the forms around it."""
    corners, area = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)], 1.0
    for a, b, c, d, e, f in matrices:
        corners = [(a * x + c * y + e, b * x + d * y + f) for x, y in corners]
        area *= abs(a * d - b * c)
    xs, ys = zip(*corners, strict=True)
    width, height = ctypes.c_uint(), ctypes.c_uint()
    pypdfium2.raw.FPDFImageObj_GetImagePixelSize(drawn, width, height)
    return _Shown(drawn, Box(min(xs), min(ys), max(xs), max(ys)), area, (width.value, height.value))


def _mark(picture: _Shown) -> tuple[int, ...]:
    """What tells a picture from others: its pixels, and the number of its bytes."""
    return *picture.pixels, int(pypdfium2.raw.FPDFImageObj_GetImageDataRaw(picture.drawn, None, 0))
