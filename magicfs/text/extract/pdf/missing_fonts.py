"""Gives PDFium a font for Chinese, Japanese and Korean text whose own font is not in the file.

Used by `pdf_text`. PDFium leaves out what it has no glyph for and nothing beside: each character of a scan that was
recognised by a program that places one at a time, and all text from top to bottom. Every character of this font has a
glyph that takes room and draws nothing. Fonts of the system cannot be read behind the walls. One thread.
"""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from typing import Any, Final

from pypdfium2 import raw

_SHIFT_JIS, _HANGUL, _GB2312, _BIG5 = 128, 129, 134, 136
_CHARSETS: Final = frozenset({_SHIFT_JIS, _HANGUL, _GB2312, _BIG5})
"""The charsets of fonts, as PDFium numbers them. It has fonts of its own for those of other scripts."""
_UNITS: Final = 1000
_TOP, _BOTTOM = 880, -120
_FIRST, _LAST = 0x20, 0x10FFFF
_VERSION_1: Final = 0x10000
_MAGIC: Final = 0x5F0F3CF5
_ON_CURVE: Final = 1
_HANDLE: Final = 1
"""What stands for the font: it is the only one."""


@cache
def provide_missing_fonts() -> Any:
    """What PDFium asks for fonts from now on. It has to live as long as the process, so it stays in the cache."""
    font = box_font()
    info = raw.FPDF_SYSFONTINFO()
    kinds = dict(field[:2] for field in raw.FPDF_SYSFONTINFO._fields_)

    def find(_info: Any, _weight: int, _italic: int, charset: int, *_: Any) -> int | None:
        return _HANDLE if charset in _CHARSETS else None

    def read(_info: Any, _font: Any, table: int, buffer: int | None, size: int) -> int:
        if table:
            return 0
        if buffer and size >= len(font):
            ctypes.memmove(buffer, font, len(font))
        return len(font)

    info.version = 1
    info.MapFont = kinds["MapFont"](find)
    info.GetFontData = kinds["GetFontData"](read)
    info.EnumFonts = kinds["EnumFonts"](lambda *_: None)
    info.DeleteFont = kinds["DeleteFont"](lambda *_: None)
    info.GetFaceName = kinds["GetFaceName"](lambda *_: 0)
    info.GetFontCharset = kinds["GetFontCharset"](lambda *_: 0)
    raw.FPDF_SetSystemFontInfo(ctypes.byref(info))
    return info


def box_font() -> bytes:
    """A TrueType font in which every character has one and the same glyph: two corners, and nothing between them."""
    corners = struct.pack(">hhhhhHH", 1, 0, _BOTTOM, _UNITS, _TOP, 1, 0) + bytes([_ON_CURVE] * 2)
    glyph = corners + struct.pack(">hhhh", 0, _UNITS, _BOTTOM, _TOP - _BOTTOM)
    glyph += bytes(-len(glyph) % 4)
    box = (0, _BOTTOM, _UNITS, _TOP)
    tables = {
        # The characters of one group have the same glyph (format 13).
        b"cmap": struct.pack(">HHHHIHHIIIIII", 0, 1, 3, 10, 12, 13, 0, 28, 0, 1, _FIRST, _LAST, 1),
        b"glyf": glyph * 2,
        b"head": struct.pack(
            ">IIIIHHQQhhhhHHhhh", _VERSION_1, _VERSION_1, 0, _MAGIC, 0, _UNITS, 0, 0, *box, 0, 8, 2, 1, 0
        ),
        b"hhea": struct.pack(">IhhhHhhhh14xH", _VERSION_1, _TOP, _BOTTOM, 0, _UNITS, 0, 0, _UNITS, 1, 1),
        b"hmtx": struct.pack(">Hhh", _UNITS, 0, 0),
        b"loca": struct.pack(">III", 0, len(glyph), 2 * len(glyph)),
        b"maxp": struct.pack(">IHHHHHH16x", _VERSION_1, 2, 2, 1, 0, 0, 1),
    }
    places, body = b"", b""
    start = 12 + 16 * len(tables)
    for name, table in tables.items():
        places += struct.pack(">4sIII", name, 0, start + len(body), len(table))
        body += table + bytes(-len(table) % 4)
    return struct.pack(">IHHHH", _VERSION_1, len(tables), 64, 2, 16 * len(tables) - 64) + places + body
