"""Finds the pictures in documents of Word, Excel and PowerPoint of before 2007, which keep them in records of drawings.

Runs in the child process, used by `document_pictures`. Drawings of lines (WMF, EMF, PICT) are left out. A damaged
record costs its own picture. Pure functions.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.office.excel_records import records as sheet_records
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.slide_records import SLIDE_LIST, Presentation, all_records

_PICTURES_STREAM: Final = "Pictures"
_WORD_STREAMS: Final = ("Data", "WordDocument")
_DRAWING_GROUP: Final = 0x00EB
"""The record of a workbook that holds the pictures of all sheets."""
_HEAD: Final = re.compile(rb"(?:[\xa0\xb0]\x46|[\x00\x10\x20\x30\x40\x50]\x6e|[\x80\x90]\x7a)[\x1d-\x1f\x29\x2a]\xf0")
"""How a picture begins: its format, with one digest or with two, which tells an odd number, and the kind of record."""
_SIZE: Final = struct.Struct("<4xI")
_DIGEST_BYTES: Final = 16
_BEGINNINGS: Final = (b"\x89PNG", b"\xff\xd8", b"II*\0", b"MM\0*")
_BITMAP: Final = b"\x1f\xf0"
_STORED: Final = 0xF007
"""The record of a picture among those of a presentation; where it says that the picture begins in their stream."""
_STORED_PLACE: Final = struct.Struct("<28xI")
_PROPERTIES: Final = 0xF00B
_SHOWN_PICTURE: Final = 0x0104
_PROPERTY: Final = struct.Struct("<HI")
_PROPERTY_MASK: Final = 0x3FFF
_BITMAP_HEAD: Final = struct.Struct("<I10xHI12xI")
_BITMAP_HEADS: Final = range(40, 256)
"""The bytes of the head of a bitmap."""
_BITMAP_FILE_HEAD_BYTES: Final = 14
_HAS_MASKS, _MASKS_BYTES, _PLAIN_HEAD_BYTES = 3, 12, 40
_MAX_PALETTE_BITS, _MAX_COLOURS = 8, 256


def streams_of_pictures(content: bytes) -> Iterator[bytes]:
    """Yield the streams that hold the pictures and drawings of a document. Raises `struct.error` for what is none."""
    ole = OleFile(content)
    yield from (ole.read(name) for name in (*_WORD_STREAMS, _PICTURES_STREAM) if name in ole)
    if "Workbook" in ole:
        groups = (record for record in sheet_records(ole.read("Workbook")) if record.kind == _DRAWING_GROUP)
        yield b"".join(piece for group in groups for piece in group.pieces)


def pictures_of_old_office(content: bytes) -> Iterator[tuple[bytes, int | None]]:
    """Yield the pictures of a document of Word, or of all sheets of a workbook. Raises `struct.error` for neither."""
    for stream in streams_of_pictures(content):
        for picture, _ in _pictures(stream):
            yield picture, None


def pictures_of_slides(content: bytes) -> Iterator[tuple[bytes, int | None]]:
    """Yield the pictures that the slides of a presentation show, each with the number of the first slide that shows it.

    Raises `struct.error` or `KeyError` for what is none.
    """
    ole = OleFile(content)
    if _PICTURES_STREAM not in ole:
        return
    stored = {place: picture for picture, place in _pictures(ole.read(_PICTURES_STREAM))}
    presentation = Presentation(ole)
    data = presentation.data
    places = [
        _STORED_PLACE.unpack_from(data, record.start)[0] if record.size >= _STORED_PLACE.size else -1
        for record in all_records(data, *presentation.document)
        if record.kind == _STORED
    ]
    for number, slide in enumerate(presentation.lists.get(SLIDE_LIST, ()), 1):
        for shown in _shown_on(data, presentation.span(slide)):
            # The first slide counts.
            picture = stored.pop(places[shown - 1], None) if 0 < shown <= len(places) else None
            if picture is not None:
                yield picture, number


def _shown_on(data: bytes, slide: tuple[int, int]) -> Iterator[int]:
    """Yield the numbers, from 1, of the pictures on a slide."""
    for record in all_records(data, *slide):
        if record.kind == _PROPERTIES:
            end = min(record.start + record.instance * _PROPERTY.size, record.end - _PROPERTY.size + 1)
            for place in range(record.start, end, _PROPERTY.size):
                kind, value = _PROPERTY.unpack_from(data, place)
                if kind & _PROPERTY_MASK == _SHOWN_PICTURE:
                    yield value


def _pictures(stream: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the pictures in a stream, each as a file, and where its record begins."""
    place = 0
    while match := _HEAD.search(stream, place):
        place = match.end()
        begin = match.start()
        if begin + _SIZE.size > len(stream):
            return
        digests = 2 if match[0][0] & 0x10 else 1
        start = begin + _SIZE.size + digests * _DIGEST_BYTES + 1
        end = begin + _SIZE.size + _SIZE.unpack_from(stream, begin)[0]
        is_bitmap = match[0].endswith(_BITMAP) and _is_bitmap(stream[start : start + _PLAIN_HEAD_BYTES])
        # Only then: a damaged stream may have thousands of beginnings, each of which takes all of the rest.
        if is_bitmap or stream.startswith(_BEGINNINGS, start):
            place = max(place, end)
            yield as_bitmap_file(stream[start:end]) if is_bitmap else stream[start:end], begin


def as_bitmap_file(bitmap: bytes) -> bytes:
    """The file of a bitmap (BMP), which is in documents without the head of a file; empty for what is none."""
    if not _is_bitmap(bitmap):
        return b""
    head_bytes, bits, compression, colours = _BITMAP_HEAD.unpack_from(bitmap)
    masks = _MASKS_BYTES if compression == _HAS_MASKS and head_bytes == _PLAIN_HEAD_BYTES else 0
    palette = 4 * min(colours or (1 << bits if bits <= _MAX_PALETTE_BITS else 0), _MAX_COLOURS)
    pixels = _BITMAP_FILE_HEAD_BYTES + head_bytes + masks + palette
    return b"BM" + struct.pack("<I4xI", _BITMAP_FILE_HEAD_BYTES + len(bitmap), pixels) + bitmap


def _is_bitmap(start: bytes) -> bool:
    return len(start) >= _PLAIN_HEAD_BYTES and _BITMAP_HEAD.unpack_from(start)[0] in _BITMAP_HEADS
