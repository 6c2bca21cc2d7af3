"""Finds the drawings of Windows (EMF, WMF) in documents of Word, Excel and PowerPoint, old and new, and in RTF.

Runs in the child process, used by `office_parts`; `metafiles` reads them. Pure functions.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.office.drawn_pictures import streams_of_pictures
from magicfs.text.extract.office.ole_objects import WITH_OBJECTS
from magicfs.text.extract.office.rtf_files import RTF_TYPE
from magicfs.text.extract.office.rtf_pictures import rtf_drawings

_ZIP_SIGNATURE: Final = b"PK\x03\x04"
_MEMBER: Final = re.compile(r"(?:(?:word|xl|ppt)/media|Pictures)/[^/]+\.[ew]m[fz]", re.IGNORECASE)
_GZIP_SIGNATURE: Final = b"\x1f\x8b"
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
"""How a drawing is compressed whose name ends with `z`."""
_MAX_MEMBER_BYTES: Final = 32 << 20
_HEAD: Final = re.compile(rb"(?:[\x40\x50]\x3d\x1a|[\x60\x70]\x21\x1b)\xf0")
"""How a drawing begins: its format, with one digest or with two, which tells an odd number, and the kind of record."""
_TWO_DIGESTS: Final = 0x10
_DIGEST_BYTES, _RECORD_BYTES = 16, 8
_SIZES: Final = struct.Struct("<28xIB")
"""The bytes of the data, and whether these are compressed, behind the digests and the measures of a drawing."""
_SIZES_BYTES: Final = 34
_COMPRESSED: Final = 0
_MAX_BYTES: Final = 64 << 20
"""Those of all drawings of a document, unpacked."""


def drawings_in(content: bytes, mime_type: str) -> Iterator[bytes]:
    """Yield the drawings of a document, of other types none. Raises `struct.error` or `KeyError` for what is none."""
    if mime_type == RTF_TYPE:
        yield from rtf_drawings(content)
    elif mime_type in WITH_OBJECTS:
        yield from _old_drawings(content)
    elif content.startswith(_ZIP_SIGNATURE):
        yield from _members(content)


def _members(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        for member in container.infolist():
            if is_drawing(member):
                with contextlib.suppress(*DAMAGE):
                    yield read_drawing(container, member)


def is_drawing(member: zipfile.ZipInfo) -> bool:
    """Whether a member of a document is a drawing, by its name, that is not too large to be read."""
    return _MEMBER.fullmatch(member.filename) is not None and member.file_size <= _MAX_MEMBER_BYTES


def read_drawing(container: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A drawing of a document, unpacked. Raises one of `DAMAGE`."""
    data = container.read(member)
    if not data.startswith(_GZIP_SIGNATURE):
        return data
    return zlib.decompressobj(_GZIP_FORMAT).decompress(data, _MAX_MEMBER_BYTES)


def _old_drawings(content: bytes) -> Iterator[bytes]:
    left = _MAX_BYTES
    for stream in streams_of_pictures(content):
        for match in _HEAD.finditer(stream):
            begin = match.end() - 4 + _RECORD_BYTES + _DIGEST_BYTES * (2 if match[0][0] & _TWO_DIGESTS else 1)
            if begin + _SIZES_BYTES > len(stream):
                break
            size, compression = _SIZES.unpack_from(stream, begin)
            data = stream[begin + _SIZES_BYTES : begin + _SIZES_BYTES + size]
            drawing = _unpacked(data, left) if compression == _COMPRESSED else data
            left -= max(len(drawing), len(data))
            if drawing:
                yield drawing
            if left <= 0:
                return


def _unpacked(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""
