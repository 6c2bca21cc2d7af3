"""Reads the texts of drawings of Visio of before 2013 (`.vsd`, `.vss`, `.vst` of version 5 and later).

Runs in the child process, called by `own_readers`. A drawing is a tree of streams in one stream of a compound file:
pointers say where each one is, and some of those it leads to have chunks, among them the texts of shapes. Pure
functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.ole_properties import stated_properties
from magicfs.text.extract.plain.plain_text import clean

VISIO_TYPE: Final = "application/vnd.visio"
VISIO_STREAM: Final = "VisioDocument"

_VERSION, _ROOT = 0x1A, 0x24
"""Where in the stream the version stands, and the pointer to the others."""
_OF_2003: Final = 11
"""The version whose texts are Unicode."""
_WITH_LONG_POINTERS: Final = 6
_OLDEST: Final = 5
_POINTER, _SHORT_POINTER = struct.Struct("<IIIIH"), struct.Struct("<HHIII")
_NUMBERS_OF_POINTERS: Final = {0x1D: 30, 0x4E: 30, 0x1E: 54, 0x14: 130}
"""Where version 5 has the number of pointers in a stream, by its type; in others it is the tenth byte."""
_LIST_OF_PAGES: Final = 20
_WITH_CHUNKS_OF_5: Final = frozenset({21, 24})
_OF_POINTERS: Final = frozenset({*range(0x1D, 0x1F), *range(0x50, 0x60)})
_OF_CHUNKS: Final = range(0xD0, 0xDF)
"""The formats of streams."""
_COMPRESSED: Final = 2
_HEAD_OF_POINTERS: Final = 4
"""What stands before pointers where they are packed."""
_CHUNK, _SHORT_CHUNK = struct.Struct("<IIIIHB"), struct.Struct("<HHBBHI")
_WITH_TRAILER: Final = frozenset({0x2C, 0x65, 0x66, 0x69, 0x6A, 0x6B, 0x70, 0x71})
_TRAILER_BYTES, _SEPARATOR_BYTES = 8, 4
_WITHOUT_SEPARATOR: Final = frozenset({0x1F, 0xC9})
_WITH_OTHER_SEPARATOR: Final = frozenset({0xA9, 0xAA, 0xB4, 0xB6})
_TEXT: Final = 0x0E
_BEFORE_TEXT: Final = 8
_FIELD: Final = "\ufffc"
"""What stands for a value that the program puts there."""
_MAX_STREAMS: Final = 20_000
_MAX_BYTES: Final = 32 << 20
"""Of all streams, unpacked: more than drawings have, and read within seconds."""
_MAX_RATIO: Final = 20
"""How much larger streams are unpacked: streams that lie over one another are read until they have that size."""
_WINDOW: Final = 4096
_FIRST_IN_WINDOW: Final = _WINDOW - 18
_SHORTEST_COPY: Final = 3


class _Pointer(NamedTuple):
    kind: int
    offset: int
    length: int
    format: int

    def leads_to_pointers(self, version: int) -> bool:
        if version == _OLDEST and self.kind == _LIST_OF_PAGES + 2:
            return False
        return self.kind == _LIST_OF_PAGES or self.format in _OF_POINTERS

    def leads_to_chunks(self, version: int) -> bool:
        return self.format in _OF_CHUNKS or (version == _OLDEST and self.kind in _WITH_CHUNKS_OF_5)


def read_drawing(content: bytes) -> Document | Unreadable:
    """The texts of the shapes, in the order of the file. Raises one of `DAMAGE`."""
    ole = OleFile(content)
    data = ole.read(VISIO_STREAM)
    (version,) = struct.unpack_from("<H", data, _VERSION)
    if version < _OLDEST:
        return Unreadable(SkipReason.BINARY, f"a drawing of version {version} of Visio")
    texts = [text for stream in _streams_with_chunks(data, version) for text in _texts(stream, version)]
    text = clean("\n".join(filter(None, (text.replace(_FIELD, "").strip() for text in texts))))
    if not text:
        return Unreadable(SkipReason.NO_TEXT)
    stated = stated_properties(ole)
    return Document(text=text, mime_type=VISIO_TYPE, title=stated.title, author=stated.author)


def _streams_with_chunks(data: bytes, version: int) -> Iterator[bytes]:
    """Yield them in the order of the tree. Each place is visited once; what is damaged leads nowhere."""
    pending, seen, left = [_pointer(data, _ROOT, version)], set[int](), min(_MAX_BYTES, _MAX_RATIO * len(data))
    while pending and len(seen) < _MAX_STREAMS and left > 0:
        pointer = pending.pop()
        if pointer.offset in seen:
            continue
        seen.add(pointer.offset)
        has_pointers = pointer.leads_to_pointers(version)
        if not has_pointers and not pointer.leads_to_chunks(version):
            continue
        stream = data[pointer.offset : pointer.offset + pointer.length]
        if pointer.format & _COMPRESSED:
            stream = _unpacked(stream, most=left)[_HEAD_OF_POINTERS if has_pointers else 0 :]
        left -= len(stream)
        if has_pointers:
            pending += reversed(_pointers(stream, pointer.kind, version))
        else:
            yield stream


def _pointer(data: bytes, place: int, version: int) -> _Pointer:
    if version >= _WITH_LONG_POINTERS:
        kind, _, offset, length, form = _POINTER.unpack_from(data, place)
    else:
        kind, form, _, offset, length = _SHORT_POINTER.unpack_from(data, place)
    return _Pointer(kind, offset, length, form)


def _pointers(stream: bytes, kind: int, version: int) -> list[_Pointer]:
    try:
        if version >= _WITH_LONG_POINTERS:
            (place,) = struct.unpack_from("<I", stream)
            (count,) = struct.unpack_from("<I", stream, place)
            place, size = place + 8, _POINTER.size
        else:
            place = _NUMBERS_OF_POINTERS.get(kind, 10)
            (count,) = struct.unpack_from("<H", stream, place)
            place, size = place + 2, _SHORT_POINTER.size
    except struct.error:
        return []
    ends = range(place, min(place + count * size, len(stream) - size + 1), size)
    return [_pointer(stream, start, version) for start in ends]


def _texts(stream: bytes, version: int) -> Iterator[str]:
    """Yield the texts among the chunks of a stream, as far as it is whole."""
    place = 0
    head = _CHUNK if version >= _WITH_LONG_POINTERS else _SHORT_CHUNK
    charset = "utf-16-le" if version >= _OF_2003 else "cp1252"
    while place + head.size <= len(stream):
        if head is _CHUNK:
            kind, _, flags, length, level, group = head.unpack_from(stream, place)
        else:
            kind, _, level, group, flags, length = head.unpack_from(stream, place)
        place += head.size
        if kind == _TEXT:
            text = stream[place + _BEFORE_TEXT : place + length].decode(charset, "replace")
            yield text.partition("\0")[0]
        has_trailer = head is _CHUNK and (kind in _WITH_TRAILER or flags != 0)
        place += length + (_TRAILER_BYTES if has_trailer else 0)
        if version >= _OF_2003 and _has_separator(kind, level, group, has_trailer=has_trailer):
            place += _SEPARATOR_BYTES


def _has_separator(kind: int, level: int, group: int, *, has_trailer: bool) -> bool:
    if kind in _WITHOUT_SEPARATOR:
        return False
    if kind in _WITH_OTHER_SEPARATOR and (level, group) == (2, 0x54):
        return True
    return has_trailer or (level, group) == (2, 0x55) or (level == 3 and group != 0x50)  # noqa: PLR2004


def _unpacked(packed: bytes, *, most: int) -> bytes:
    """The bytes of a stream that was packed with LZSS, up to a limit, and as far as they can be unpacked."""
    found = bytearray()
    place = 0
    while place < len(packed) and len(found) < most:
        flags = packed[place]
        place += 1
        for bit in range(8):
            if place >= len(packed):
                break
            if flags >> bit & 1:
                found.append(packed[place])
                place += 1
                continue
            low, high = packed[place], packed[place + 1] if place + 1 < len(packed) else 0
            place += 2
            back = (len(found) + _FIRST_IN_WINDOW - (low | (high & 0xF0) << 4)) % _WINDOW or _WINDOW
            for _ in range((high & 0x0F) + _SHORTEST_COPY):
                found.append(found[-back] if back <= len(found) else 0)
    return bytes(found)
