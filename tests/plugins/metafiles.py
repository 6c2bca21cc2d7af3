"""Drawings of Windows (EMF, WMF) with texts, written by hand for tests."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from tests.plugins.ole import record

Text = tuple[int, int, str]
"""Where a text begins, and its letters, each ten units wide."""
_WIDTH = 10


def emf(*texts: Text, options: int = 0, records: bytes = b"") -> bytes:
    """A drawing with these texts behind other records."""
    body = records + b"".join(_emf_text(*text, options) for text in texts)
    head = struct.pack("<II32x4s56x", 1, 100, b" EMF")
    return head + body + struct.pack("<IIIII", 14, 20, 0, 0, 20)


def _emf_text(x: int, y: int, text: str, options: int) -> bytes:
    letters = text.encode("utf-16-le")
    advances = struct.pack(f"<{len(text)}i", *[_WIDTH] * len(text))
    padded = letters + bytes(-len(letters) % 4)
    fixed = struct.pack("<16xIffiiIII16xI", 1, 1.0, 1.0, x, y, len(text), 76, options, 76 + len(padded))
    return struct.pack("<II", 84, 8 + len(fixed) + len(padded) + len(advances)) + fixed + padded + advances


def moved(x: float, y: float) -> bytes:
    """The record that moves what follows."""
    return struct.pack("<II6f", 35, 32, 1.0, 0.0, 0.0, 1.0, x, y)


def wmf(fonts: Sequence[tuple[int, Sequence[tuple[int, int, bytes]]]], *, placeable: bool = True) -> bytes:
    """A drawing with texts in fonts of these charsets."""
    body = b""
    for number, (charset, texts) in enumerate(fonts):
        font = struct.pack("<5hBBBB", 12, 0, 0, 0, 400, 0, 0, 0, charset) + bytes(36)
        body += _wmf_record(0x02FB, font) + _wmf_record(0x012D, struct.pack("<H", number))
        for x, y, text in texts:
            padded = text + bytes(len(text) % 2)
            body += _wmf_record(0x0521, struct.pack("<H", len(text)) + padded + struct.pack("<hh", y, x))
    body += _wmf_record(0, b"")
    head = struct.pack("<HHHIHIH", 1, 9, 0x0300, (18 + len(body)) // 2, len(fonts), 100, 0)
    return (b"\xd7\xcd\xc6\x9a" + bytes(18) if placeable else b"") + head + body


def _wmf_record(kind: int, content: bytes) -> bytes:
    return struct.pack("<IH", (6 + len(content)) // 2, kind) + content


def wmf_of(bitmap: bytes) -> bytes:
    """A drawing that is a picture, as WordPad keeps one."""
    body = _wmf_record(0x0F43, bytes(22) + bitmap + bytes(len(bitmap) % 2)) + _wmf_record(0, b"")
    return struct.pack("<HHHIHIH", 1, 9, 0x0300, (18 + len(body)) // 2, 0, 100, 0) + body


def emf_of(*bitmaps: bytes, head_bytes: int) -> bytes:
    """A drawing of pictures, whose heads have so many bytes."""
    return emf(records=b"".join(_emf_bitmap(bitmap, head_bytes) for bitmap in bitmaps))


def _emf_bitmap(bitmap: bytes, head_bytes: int) -> bytes:
    fixed = bytes(40) + struct.pack("<4I", 80, head_bytes, 80 + head_bytes, len(bitmap) - head_bytes) + bytes(16)
    padded = bitmap + bytes(-len(bitmap) % 4)
    return struct.pack("<II", 81, 8 + len(fixed) + len(padded)) + fixed + padded


def drawn(drawing: bytes) -> bytes:
    """The record of a drawing in an old document of Office."""
    packed = zlib.compress(drawing)
    head = struct.pack("<I24xIBB", len(drawing), len(packed), 0, 254)
    return record(0xF01A, bytes(16) + head + packed, instance=0x3D4)
