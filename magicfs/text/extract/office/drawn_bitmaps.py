"""Finds the pictures in drawings of Windows (EMF, WMF): WordPad keeps all so, and programs paste screenshots so.

Runs in the child process, used by `document_pictures`. Damage ends a drawing early.
Pure functions.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.media.metafiles import EMF_TYPE, drawing_type, records_of_emf, records_of_wmf
from magicfs.text.extract.office.drawings import drawings_in
from magicfs.text.extract.office.drawn_pictures import as_bitmap_file

_IN_EMF: Final = {76: 84, 77: 84, 80: 48, 81: 48}
"""The records of EMF with a picture, and where each says where its head and its pixels are."""
_IN_WMF: Final = {0x0940: 16, 0x0B41: 20, 0x0F43: 22}
"""Those of WMF, and where the picture begins in each."""
_FILE_HEAD_BYTES: Final = 14
_MIN_BYTES: Final = 2000
"""Smaller pictures are patterns and icons."""


def pictures_in_drawings(content: bytes, mime_type: str) -> Iterator[tuple[bytes, None]]:
    """Yield the pictures in the drawings of a document, as files. Raises `struct.error` for what is no document."""
    for drawing in drawings_in(content, mime_type):
        for picture in pictures_of_drawing(drawing):
            yield picture, None


def pictures_of_drawing(drawing: bytes) -> Iterator[bytes]:
    """Yield the pictures in a drawing, as files, as far as it is not damaged."""
    is_emf = drawing_type(drawing) == EMF_TYPE
    with contextlib.suppress(struct.error):
        yield from _pictures_of_emf(drawing) if is_emf else _pictures_of_wmf(drawing)


def _pictures_of_emf(drawing: bytes) -> Iterator[bytes]:
    for kind, record in records_of_emf(drawing):
        if kind in _IN_EMF and len(record) >= _MIN_BYTES:
            head, head_bytes, pixels, size = struct.unpack_from("<4I", record, _IN_EMF[kind])
            if head_bytes and size:
                start = struct.pack("<I4xI", _FILE_HEAD_BYTES + head_bytes + size, _FILE_HEAD_BYTES + head_bytes)
                yield b"".join((b"BM", start, record[head : head + head_bytes], record[pixels : pixels + size]))


def _pictures_of_wmf(drawing: bytes) -> Iterator[bytes]:
    for kind, record in records_of_wmf(drawing):
        if kind in _IN_WMF and len(record) >= _MIN_BYTES:
            yield as_bitmap_file(record[_IN_WMF[kind] :])
