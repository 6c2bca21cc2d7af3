"""The glyphs of a page of a PDF file, and where they are on it, as PDFium has found them.

Used by `pdf_text` for pages whose text the engine does not put together well; `glyph_lines` makes lines of them. One
thread.
"""

from __future__ import annotations

import ctypes
import dataclasses
import math
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pypdfium2
import pypdfium2.raw

_ACTUAL_TEXT: Final = b"ActualText"
_BLANK: Final = ord(" ")
_TURNED_LAM_ALIF: Final = re.compile("[\u0627\u0623\u0625\u0622]\u0644")
_MOST_JOINED: Final = 100
"""The characters that are drawn as one, at most."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character, or several that are drawn as one, in points, on a page that is turned until its line is level."""

    text: str
    start: float
    """The left end."""
    end: float
    """The right end, where the next glyph of a word begins; unknown, and `start`, of text askew."""
    base: float
    """The height of the line; it grows upwards."""
    size: float
    """That of the font."""
    turns: int
    """The degrees by which the page is turned, with the clock."""
    is_apart: bool = False
    """Whether the engine has put a blank or the end of a line before it."""

    @property
    def is_askew(self) -> bool:
        """Whether it is parallel to no side of the page."""
        return self.turns % 90 != 0


@dataclass(frozen=True, slots=True)
class _TextObject:
    """What the glyphs that one instruction draws have in common."""

    size: float
    turns: int
    mark: int
    """The address of the mark that says what text it stands for, together with other objects; 0 without one."""
    meant: str
    """That text."""


def glyphs_of(layer: pypdfium2.PdfTextPage) -> list[Glyph]:
    """The glyphs of a page in the order of the engine, without the blanks and line ends that it has added."""
    raw = pypdfium2.raw
    box, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    objects: dict[int, _TextObject] = {}
    found: list[tuple[int, Glyph]] = []
    place_of_last = None
    is_apart = False
    for number in range(layer.count_chars()):
        pointer = raw.FPDFText_GetTextObject(layer, number)
        if not pointer:
            is_apart = True
            continue
        address = ctypes.addressof(pointer.contents)
        if address not in objects:
            objects[address] = _text_object(layer, number, pointer)
        code = raw.FPDFText_GetUnicode(layer, number)
        raw.FPDFText_GetLooseCharBox(layer, number, box)
        if code <= _BLANK and box.left == box.right and box.bottom == box.top:
            is_apart = True
            continue
        raw.FPDFText_GetCharOrigin(layer, number, x, y)
        text = chr(code) if 0 < code <= sys.maxunicode else " "
        glyph = _glyph(text, objects[address], box, x.value, y.value)
        place = address, x.value, y.value
        if place == place_of_last and len(found[-1][1].text) < _MOST_JOINED:
            found[-1] = address, _joined(found[-1][1], glyph)
        else:
            found.append((address, dataclasses.replace(glyph, is_apart=True) if is_apart else glyph))
        place_of_last, is_apart = place, False
    return list(_as_meant(found, objects))


def _as_meant(found: Sequence[tuple[int, Glyph]], objects: Mapping[int, _TextObject]) -> Iterator[Glyph]:
    """Yield the glyphs without those that repeat a text: of all objects that stand for one, each may have all of it."""
    again = _said_again(found, objects)
    for address, glyph in found:
        if address in again:
            continue
        meant = _meant(objects[address], glyph.text)
        # The engine turns some texts around.
        text = meant if meant and sorted(glyph.text) == sorted(meant) else whole(glyph.text)
        yield glyph if text == glyph.text else dataclasses.replace(glyph, text=text or " ")


def _said_again(found: Sequence[tuple[int, Glyph]], objects: Mapping[int, _TextObject]) -> set[int]:
    """The addresses of the objects whose glyphs repeat a text."""
    texts: dict[int, str] = {}
    for address, glyph in found:
        if objects[address].mark:
            texts[address] = texts.get(address, "") + glyph.text
    said: set[tuple[int, str]] = set()
    again: set[int] = set()
    for address, text in texts.items():
        drawn_by = objects[address]
        is_whole = len(text) >= len(_meant(drawn_by, text))
        if is_whole and (drawn_by.mark, text) in said:
            again.add(address)
        said.add((drawn_by.mark, text))
    return again


def _meant(drawn_by: _TextObject, text: str) -> str:
    """What an object stands for that has a text: of some files, the engine gives each byte of UTF-16 as a character."""
    if text.isascii() or not drawn_by.meant or max(drawn_by.meant) > "\xff":
        return drawn_by.meant
    return drawn_by.meant.encode("latin-1").decode("utf-16-be", "ignore")


def _joined(glyph: Glyph, other: Glyph) -> Glyph:
    text = glyph.text + other.text
    # The engine turns the ligature around in some texts.
    text = text[::-1] if _TURNED_LAM_ALIF.fullmatch(text) else text
    return dataclasses.replace(glyph, text=text, start=min(glyph.start, other.start), end=max(glyph.end, other.end))


def whole(text: str) -> str:
    """A text whose characters beyond 16 bits are whole: the engine gives them in halves."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def is_from_right(text: str) -> bool:
    """Whether a text begins with a letter of Arabic, Hebrew and the like."""
    return unicodedata.bidirectional(text[0]) in {"R", "AL"}


def _text_object(layer: pypdfium2.PdfTextPage, number: int, pointer: Any) -> _TextObject:
    matrix = pypdfium2.raw.FS_MATRIX()
    pypdfium2.raw.FPDFText_GetMatrix(layer, number, matrix)
    size = pypdfium2.raw.FPDFText_GetFontSize(layer, number)
    side = math.copysign(1.0, size)
    angle = math.atan2(-side * matrix.b, side * matrix.a)
    turns = round(math.degrees(angle)) % 360
    mark, meant = _replacement(pointer)
    return _TextObject(abs(size) * math.hypot(matrix.c, matrix.d), turns, mark, meant)


def _replacement(pointer: Any) -> tuple[int, str]:
    """The mark that says what text an object stands for, by its address, and that text."""
    raw = pypdfium2.raw
    length = ctypes.c_ulong()
    for number in range(raw.FPDFPageObj_CountMarks(pointer)):
        mark = raw.FPDFPageObj_GetMark(pointer, number)
        if raw.FPDFPageObjMark_GetParamStringValue(mark, _ACTUAL_TEXT, None, 0, length) and length.value:
            value = (ctypes.c_ushort * (length.value // 2))()
            raw.FPDFPageObjMark_GetParamStringValue(mark, _ACTUAL_TEXT, value, length, length)
            return ctypes.addressof(mark.contents), bytes(value).decode("utf-16-le", "ignore").rstrip("\0")
    return 0, ""


def _glyph(text: str, drawn_by: _TextObject, box: Any, x: float, y: float) -> Glyph:
    size, turns = drawn_by.size, drawn_by.turns
    # The box of some glyphs is that of their outline, which begins behind their place.
    match turns:
        case 0:
            return Glyph(text, min(x, box.left), box.right, y, size, turns)
        case 90:
            return Glyph(text, min(-y, -box.top), -box.bottom, x, size, turns)
        case 180:
            return Glyph(text, min(-x, -box.right), -box.left, -y, size, turns)
        case 270:
            return Glyph(text, min(y, box.bottom), box.top, -x, size, turns)
        case _:
            along, across = math.cos(math.radians(turns)), math.sin(math.radians(turns))
            start = x * along - y * across
            return Glyph(text, start, start, x * across + y * along, size, turns)
