"""Undoes the compression of Snappy, without frames: in the documents of iWork. Used in the child process. Pure."""

from __future__ import annotations

from typing import Final

_LITERAL, _SHORT_COPY, _COPY = 0, 1, 2
"""What comes next, in the lowest two bits of a byte."""
_MAX_INLINE_LENGTH: Final = 60
_MORE: Final = 0x80


def uncompressed(data: bytes, *, most_bytes: int) -> bytes:
    """The bytes that were compressed. Raises `ValueError` for damage and for more bytes, `IndexError` for a cut end."""
    place = 0
    while data[place] & _MORE:  # the length, which is not needed
        place += 1
    place += 1
    found = bytearray()
    while place < len(data):
        tag = data[place]
        place += 1
        kind, high = tag & 3, tag >> 2
        if kind == _LITERAL:
            length = high + 1
            if high >= _MAX_INLINE_LENGTH:
                size = high - _MAX_INLINE_LENGTH + 1
                length = int.from_bytes(data[place : place + size], "little") + 1
                place += size
            found += data[place : place + length]
            place += length
        else:
            length = 4 + (high & 7) if kind == _SHORT_COPY else 1 + high
            size = {_SHORT_COPY: 1, _COPY: 2}.get(kind, 4)
            distance = int.from_bytes(data[place : place + size], "little")
            distance |= (tag >> 5) << 8 if kind == _SHORT_COPY else 0
            place += size
            _copy(found, distance, length)
        if len(found) > most_bytes:
            raise ValueError("more than fits into memory")
    return bytes(found)


def _copy(found: bytearray, distance: int, length: int) -> None:
    """Repeat what stands at a distance from the end; it may reach beyond the end and go on with itself."""
    if not 0 < distance <= len(found):
        raise ValueError("a copy of what is not there")
    start = len(found) - distance
    piece = found[start : start + length]
    found += (piece * (length // len(piece) + 1))[:length]
