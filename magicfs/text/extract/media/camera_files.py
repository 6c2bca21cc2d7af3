"""Finds what cameras and phones write into the files that Pillow does not open: HEIC, and raw files of several makers.

Runs in the child process, used by `picture_metadata`. It finds the EXIF and XMP data, and a picture inside that says
more; it decodes none. Untrusted bytes; pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from magicfs.text.extract.media.atoms import atoms

HEIC_TYPE: Final = "image/heic"

_TIFF_HEADS: Final = {b"II": b"II*\0", b"MM": b"MM\0*"}
"""How TIFF begins in both orders of bytes. Raw files have another second half."""
_RAF: Final = b"FUJIFILMCCD-RAW "
_RAF_JPEG: Final = 84
"""Where a raw file of Fuji says where the picture is, which the camera shows."""
_CANON: Final = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_CANON_PARTS: Final = (b"CMT1", b"CMT2")
_CANON_PLACE: Final = b"CMT4"
_MAX_ITEMS: Final = 10_000
_MAX_ITEM_BYTES: Final = 1 << 20


class CameraData(NamedTuple):
    """What a file has of its camera."""

    exif: tuple[bytes, ...] = ()
    """In TIFF: the first part, and those that some makers keep apart."""
    place: bytes = b""
    """Of those that keep it apart, in TIFF."""
    xmp: bytes = b""
    picture: bytes = b""
    """A whole file of a picture with data of its own."""


def camera_data(content: bytes) -> CameraData:
    """What a HEIC or raw file has of its camera. Damage costs what is damaged."""
    if content.startswith(_RAF):
        offset, length = struct.unpack_from(">II", content.ljust(_RAF_JPEG + 8, b"\0"), _RAF_JPEG)
        return CameraData(picture=content[offset : offset + length])
    if content[4:8] == b"ftyp":
        parts = dict(atoms(memoryview(content)))
        return _canon_data(parts[b"moov"]) if b"moov" in parts and b"meta" not in parts else _heic_data(content, parts)
    return CameraData(exif=(_TIFF_HEADS[content[:2]] + content[4:],)) if content[:2] in _TIFF_HEADS else CameraData()


def _canon_data(movie: memoryview) -> CameraData:
    for kind, atom in atoms(movie):
        if kind == b"uuid" and bytes(atom[: len(_CANON)]) == _CANON:
            parts = {name: bytes(part) for name, part in atoms(atom[len(_CANON) :])}
            exif = tuple(parts[name] for name in _CANON_PARTS if name in parts)
            return CameraData(exif=exif, place=parts.get(_CANON_PLACE, b""))
    return CameraData()


def _heic_data(content: bytes, parts: dict[bytes, memoryview]) -> CameraData:
    """The data of a HEIC file, which stand apart from a list of what they are and a list of where they are."""
    lists = dict(atoms(parts.get(b"meta", memoryview(b""))[4:]))
    kinds = dict(_kinds(bytes(lists.get(b"iinf", b""))))
    exif = xmp = b""
    left = len(content)
    for number, begin, length in _places(_Fields(bytes(lists.get(b"iloc", b"")))):
        kind = kinds.get(number)
        if kind not in {b"Exif", b"mime"} or left <= 0:
            continue
        data = content[begin : begin + min(length, _MAX_ITEM_BYTES)]
        left -= len(data)
        if kind == b"Exif":
            exif = data[4 + int.from_bytes(data[:4], "big") :]
        elif b"<x:xmpmeta" in data:
            xmp = data
    return CameraData(exif=(exif,) if exif else (), xmp=xmp)


def _kinds(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the kind of each item."""
    for kind, entry in atoms(memoryview(data)[6 if data[:1] == b"\0" else 8 :]):
        if kind == b"infe":
            width = 2 if bytes(entry[:1]) == b"\2" else 4
            yield int.from_bytes(entry[4 : 4 + width], "big"), bytes(entry[6 + width : 10 + width])


class _Fields:
    """Numbers of several sizes, one after the other; zeros behind the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self, size: int) -> int:
        begin, self._position = self._position, self._position + size
        return int.from_bytes(self._data[begin : self._position].ljust(size, b"\0"), "big")

    def are_over(self) -> bool:
        return self._position >= len(self._data)


def _places(fields: _Fields) -> Iterator[tuple[int, int, int]]:
    """Yield the number of each item, where it begins in the file, and its length; of several pieces, the first."""
    version = fields.number(4) >> 24
    sizes = fields.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 0xF for shift in (12, 8, 4, 0))
    index_size = index_size if version else 0
    for _ in range(min(fields.number(4 if version > 1 else 2), _MAX_ITEMS)):
        if fields.are_over():
            return
        number = fields.number(4 if version > 1 else 2)
        is_in_file = not version or not fields.number(2) & 0xF
        fields.number(2)
        base = fields.number(base_size)
        pieces = fields.number(2)
        # Without sizes, pieces have no bytes in the list, whose end would end them.
        for piece in range(pieces if index_size or offset_size or length_size else min(pieces, 1)):
            if fields.are_over():
                return
            fields.number(index_size)
            offset, length = fields.number(offset_size), fields.number(length_size)
            if piece == 0 and is_in_file:
                yield number, base + offset, length
