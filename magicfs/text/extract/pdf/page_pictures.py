"""Drawn pages of PDF files and pictures, as PNG: whether they may show text. No I/O."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.pdf.page_texts import MIN_PAGE_CHARACTERS

_SIGNATURE_BYTES = 8
_CHUNK_OVERHEAD_BYTES = 12
"""The length, the name and the checksum around the data of a PNG chunk."""

_STRONG_CHANGE = 32
"""A change of this size, of 255, between neighbouring pixels. Paper, shades and noise have smaller ones."""
_WEAK_CHANGES: Final = bytes(change % 256 for change in range(-_STRONG_CHANGE + 1, _STRONG_CHANGE))

_MIN_STRONG_CHANGES = MIN_PAGE_CHARACTERS * 4 * 3
"""Those of the shortest text that counts: a letter of small print has four and more, in each of three colours."""
_MAX_CHANGES_OF_LETTER = 100
"""Those of a letter or digit of 12 points, in three colours."""


_MOST_STRONG_CHANGES: Final = 0.25
"""The share of those in a picture of noise, leaves or gravel: a page full of small print has less than half of it."""


def may_show_text(png: bytes, *, known_letters: int) -> bool:
    """Whether a page drawn at 72 dpi has outlines enough for a text beside the few letters of its text layer.

    An empty page, one with a page number, some lines or a smooth picture has not. It takes milliseconds, the
    recognition of a page a quarter of a second and more.
    """
    # PNG stores how each pixel differs from what its neighbours let expect, so that nothing need be decoded further.
    strong, _ = _count_changes(png)
    return strong >= _MIN_STRONG_CHANGES + known_letters * _MAX_CHANGES_OF_LETTER


def is_noise(png: bytes) -> bool:
    """Whether a picture, drawn with a thousand pixels a side at most, has more outlines than a page of small print.

    On noise, OCR takes ten times as long as on a page, and finds nothing.
    """
    strong, changes = _count_changes(png)
    return strong > _MOST_STRONG_CHANGES * changes


def _count_changes(png: bytes) -> tuple[int, int]:
    """The number of strong changes between neighbouring pixels, and of all, in three colours."""
    changes = zlib.decompress(b"".join(_image_data(png)))
    return len(changes.translate(None, delete=_WEAK_CHANGES)), len(changes)


def _image_data(png: bytes) -> Iterator[bytes]:
    position = _SIGNATURE_BYTES
    while position < len(png):
        length = int.from_bytes(png[position : position + 4])
        if png[position + 4 : position + 8] == b"IDAT":
            yield png[position + 8 : position + 8 + length]
        position += length + _CHUNK_OVERHEAD_BYTES
