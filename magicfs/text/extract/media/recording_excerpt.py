"""The parts of a large recording that say what it is, without its sound and its pictures.

Used by `magicfs.pipeline.large_files` for files beyond the size limit, in the worker itself: it follows the lengths of
a file's outermost parts, and parses nothing inside of them but the table of contents of Matroska. No state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from magicfs.text.extract.media import matroska
from magicfs.text.extract.media.atoms import is_old_film

MAX_EXCERPT_BYTES: Final = 16 << 20
_TAIL_BYTES: Final = 128 << 10
"""Where songs have what does not stand at their beginning."""
_MAX_ATOMS: Final = 1000
_ATOM_HEADER_BYTES: Final = 16
_LENGTH_AND_KIND_BYTES: Final = 8
"""The length of an atom counts these too."""
_DESCRIBING_ATOMS: Final = (b"ftyp", b"moov", b"meta")
_MATROSKA_HEAD_BYTES: Final = 1 << 20
_DESCRIBING_ELEMENTS: Final = frozenset({matroska.INFO, matroska.TAGS, matroska.CHAPTERS, matroska.TRACKS})
_EBML: Final = b"\x1aE\xdf\xa3"

_TYPES: Final = ("audio/", "video/mp4", "video/x-matroska", "video/x-ms-asf", "video/x-msvideo")
"""Beginnings of the types that have tags which are read."""

Read = Callable[[int, int], bytes]
"""Reads so many bytes of the file from an offset; fewer at its end."""


def has_excerpt(kind: str) -> bool:
    """Whether the reader of this kind, such as `video/mp4 media`, finds in an excerpt what the whole file says."""
    return kind.startswith(_TYPES)


def excerpt_of_recording(read: Read, size: int) -> bytes:
    """The parts of a recording of `size` bytes that say what it is, which its reader reads like the whole file.

    Has at most `MAX_EXCERPT_BYTES`; a part beyond them is left out.
    """
    head = read(0, _ATOM_HEADER_BYTES)
    if head[4:8] == b"ftyp" or is_old_film(head):
        parts = _atoms(read, size)
    elif head.startswith(_EBML):
        parts = _elements(read)
    else:
        parts = iter((read(0, MAX_EXCERPT_BYTES - _TAIL_BYTES), read(max(0, size - _TAIL_BYTES), _TAIL_BYTES)))
    kept: list[bytes] = []
    left = MAX_EXCERPT_BYTES
    for part in parts:
        if len(part) <= left:
            kept.append(part)
            left -= len(part)
    return b"".join(kept)


def _atoms(read: Read, size: int) -> Iterator[bytes]:
    """Yield the atoms of an MP4 or QuickTime film that describe it, wherever they stand."""
    position = 0
    for _ in range(_MAX_ATOMS):
        header = read(position, _ATOM_HEADER_BYTES)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - position
        if len(header) < _ATOM_HEADER_BYTES or length < _LENGTH_AND_KIND_BYTES:
            return
        if header[4:8] in _DESCRIBING_ATOMS and length <= MAX_EXCERPT_BYTES:
            yield read(position, length)
        position += length


def _elements(read: Read) -> Iterator[bytes]:
    """Yield what stands before a Matroska film itself, and what the table of contents says is behind it."""
    head = read(0, _MATROSKA_HEAD_BYTES)
    ebml = matroska.element_at(head, 0, len(head))
    segment = matroska.element_at(head, ebml.end, len(head)) if ebml is not None else None
    if segment is None or segment.id != matroska.SEGMENT:
        return
    end = segment.begin
    behind: list[int] = []
    for element in matroska.elements(head, segment.begin, len(head)):
        if element.id == matroska.CLUSTER:
            break
        end = element.end
        if element.id == matroska.SEEK_HEAD:
            behind += _positions(head, element)
    yield head[:end]
    for position in sorted({segment.begin + position for position in behind if segment.begin + position >= end}):
        header = read(position, matroska.MAX_HEADER_BYTES)
        found = matroska.element_at(header, 0, MAX_EXCERPT_BYTES)
        if found is not None and found.id in _DESCRIBING_ELEMENTS:
            yield read(position, found.end)


def _positions(head: bytes, seek_head: matroska.Element) -> Iterator[int]:
    """Yield the positions of describing elements in a table of contents, from the beginning of the segment's data."""
    for seek in matroska.elements(head, seek_head.begin, seek_head.end):
        values = {
            each.id: int.from_bytes(head[each.begin : each.end], "big")
            for each in matroska.elements(head, seek.begin, seek.end)
        }
        if values.get(matroska.SEEK_ID) in _DESCRIBING_ELEMENTS and matroska.SEEK_POSITION in values:
            yield values[matroska.SEEK_POSITION]
