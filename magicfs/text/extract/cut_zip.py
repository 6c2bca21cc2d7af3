"""Reads what is left of a zip container that was cut, as by a download that ended early: its directory comes last.

Runs in the child process, called by `document_parser`. Each member has a header of its own before its data. Pure.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

_HEADER: Final = struct.Struct("<4sHHHHHIIIHH")
_SIGNATURE: Final = b"PK\x03\x04"
_ENCRYPTED_FLAG: Final = 0x1
_UTF8_FLAG: Final = 0x800
_DEFLATED: Final = 8
_MAX_HEADERS: Final = 5000
_MAX_UNPACKED_BYTES: Final = 64 << 20
"""Of all members together."""
_MAX_READINGS: Final = 4
"""So often the container is read: a stream that is not whole may reach to its end, and the next header is inside it."""
_MAX_NAME_BYTES: Final = 4096
"""No system has longer paths."""
_PIECE_BYTES: Final = 1 << 14


def whole_members(content: bytes) -> bytes | None:
    """A container of the members that come before the cut; None where there is none.

    Members with a password, and those whose bytes have another checksum than their header states, are left out.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as container:
        for name, member in _members(content):
            container.writestr(name, member)
        count = len(container.namelist())
    return data.getvalue() if count else None


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the members that are whole by their own headers. Ends after so many headers, or bytes read or unpacked."""
    start = content.find(_SIGNATURE)
    names: set[str] = set()
    left = _MAX_UNPACKED_BYTES
    left_to_read = _MAX_READINGS * len(content)
    for _ in range(_MAX_HEADERS):
        if not 0 <= start <= len(content) - _HEADER.size or left <= 0 or left_to_read <= 0:
            return
        _, _, flags, method, _, _, checksum, packed, size, name_bytes, extra_bytes = _HEADER.unpack_from(content, start)
        first = start + _HEADER.size + name_bytes + extra_bytes
        name = content[start + _HEADER.size : first - extra_bytes]
        if method == _DEFLATED:
            member, end, unpacked = _inflated(content, first, left)
            left_to_read -= end - first
            end = end if member else first
        else:
            member, end, unpacked = content[first : first + size], first + packed, size
        is_whole = not size or (len(member) == size and (not checksum or zlib.crc32(member) == checksum))
        shown = name.decode("utf-8" if flags & _UTF8_FLAG else "cp437", "replace")
        is_new = shown not in names and len(name) <= _MAX_NAME_BYTES
        if member and is_whole and is_new and not flags & _ENCRYPTED_FLAG:
            names.add(shown)
            yield shown, member
        left -= unpacked
        start = content.find(_SIGNATURE, max(end, start + len(_SIGNATURE)))


def _inflated(content: bytes, first: int, most: int) -> tuple[bytes, int, int]:
    """The bytes of a member that begins there, where reading ended, and how many were unpacked; none if not whole."""
    stream, member, end = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), first
    # In pieces: what a stream has not used is copied.
    while not stream.eof and end < len(content) and len(member) <= most:
        try:
            member += stream.decompress(content[end : end + _PIECE_BYTES])
        except zlib.error:
            return b"", min(len(content), end + _PIECE_BYTES), len(member)
        end = min(len(content), end + _PIECE_BYTES)
    is_whole = stream.eof and len(member) <= most
    return bytes(member) if is_whole else b"", end - len(stream.unused_data), len(member)
