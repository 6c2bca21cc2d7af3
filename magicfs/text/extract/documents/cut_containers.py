"""Gives a zip container whose end is missing a directory again, so that its whole members can be read.

Runs in the child process, called by `document_parser`: a container has its directory at its end, where a download or a
copy was cut off. Each member has a header of its own, so what is before the cut is all there. Pure functions.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("<4s5H3I2H")
_SIGNATURE, _DESCRIPTOR, _ENTRY, _END_SIGNATURE = b"PK\x03\x04", b"PK\x07\x08", b"PK\x01\x02", b"PK\x05\x06"
_END: Final = struct.Struct("<4s4H2IH")
_DIRECTORY_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_IS_ENCRYPTED, _HAS_DESCRIPTOR = 0x1, 0x8
"""Flags of a member. With a descriptor, its sizes come after it."""
_STORED, _DEFLATED = 0, 8
_IN_EXTRA: Final = 0xFFFFFFFF
"""A size that stands in the extra field, in eight bytes."""
_SIZES_EXTRA: Final = 1
_MAX_MEMBERS: Final = 60_000
"""More than is read of any container."""
_MAX_UNPACKED_BYTES: Final = 1 << 30
_BLOCK_BYTES: Final = 1 << 20


class CutContainer(NamedTuple):
    """What is whole of a container."""

    content: bytes
    """A container of the whole members."""
    last: str
    """The name of the last one."""


def has_end_of_another(content: bytes) -> bool:
    """Whether the directory at the end is that of a container in the last member of this one, which is cut off."""
    end = content.rfind(_END_SIGNATURE) if content.startswith(_SIGNATURE) else -1
    if not 0 <= end <= len(content) - _END.size:
        return False
    size, offset = struct.unpack_from("<II", content, end + 12)
    return bool(size) and offset != _IN_EXTRA and not content.startswith(_ENTRY, offset)


class _Member(NamedTuple):
    start: int
    end: int
    """The place after its data."""
    name: bytes
    crc: int
    packed_bytes: int
    unpacked_bytes: int


def without_cut_members(content: bytes) -> CutContainer | None:
    """The members that are whole; None for a container without any."""
    members: list[_Member] = []
    room = _MAX_UNPACKED_BYTES
    place = content.find(_SIGNATURE)
    while place >= 0 and len(members) < _MAX_MEMBERS:
        member = _member(content, place, most_bytes=room)
        if member is None:
            break
        members.append(member)
        room -= member.unpacked_bytes
        place = content.find(_SIGNATURE, member.end)
    if not members:
        return None
    last = members[-1]
    directory = b"".join(_entry(content, member) for member in members)
    end = _END.pack(_END_SIGNATURE, 0, 0, len(members), len(members), len(directory), last.end, 0)
    return CutContainer(content[: last.end] + directory + end, last.name.decode("utf-8", "replace"))


def _member(content: bytes, start: int, *, most_bytes: int) -> _Member | None:
    """The member with the header at a place; None where it is cut off, or its end is not known."""
    if start + _HEADER.size > len(content):
        return None
    _, _, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = _HEADER.unpack_from(content, start)
    name_start = start + _HEADER.size
    data = name_start + name_length + extra_length
    name = content[name_start : name_start + name_length]
    if _IN_EXTRA in {packed, unpacked}:
        packed, unpacked = _sizes_in_extra(content[data - extra_length : data], packed, unpacked)
    if flags & _HAS_DESCRIPTOR and not packed:
        if method != _DEFLATED or flags & _IS_ENCRYPTED:
            return _stored_member(content, start, data, name) if method == _STORED else None
        return _deflated_member(content, start, data, name, most_bytes=most_bytes)
    end = data + packed
    return _Member(start, end, name, crc, packed, unpacked) if end <= len(content) else None


def _sizes_in_extra(extra: bytes, packed: int, unpacked: int) -> tuple[int, int]:
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == _SIZES_EXTRA and length >= 16 and place + 20 <= len(extra):  # noqa: PLR2004  (two sizes, and its head)
            unpacked, packed = struct.unpack_from("<QQ", extra, place + 4)
            break
        place += 4 + length
    return packed, unpacked


def _deflated_member(content: bytes, start: int, data: int, name: bytes, *, most_bytes: int) -> _Member | None:
    """A member whose data say themselves where they end."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    crc = unpacked = 0
    place = data
    pending = b""
    while not unpacker.eof:
        if not pending:
            pending = content[place : place + _BLOCK_BYTES]
            place += len(pending)
        try:
            block = unpacker.decompress(pending, _BLOCK_BYTES)
        except zlib.error:
            return None
        if not block and not unpacker.eof and not unpacker.unconsumed_tail and place >= len(content):
            return None
        crc, unpacked = zlib.crc32(block, crc), unpacked + len(block)
        if unpacked > most_bytes:
            return None
        pending = unpacker.unconsumed_tail
    end = place - len(unpacker.unused_data)
    return _Member(start, end, name, crc, end - data, unpacked)


def _stored_member(content: bytes, start: int, data: int, name: bytes) -> _Member | None:
    """A member without compression: its descriptor says how many bytes are before it."""
    end = content.find(_DESCRIPTOR, data)
    while end >= 0:
        if end + 16 <= len(content):
            crc, packed = struct.unpack_from("<II", content, end + 4)
            if packed == end - data:
                return _Member(start, end, name, crc, packed, packed)
        end = content.find(_DESCRIPTOR, end + 1)
    return None


def _entry(content: bytes, member: _Member) -> bytes:
    """The entry of a member in a directory."""
    _, version, flags, method, time, date, *_ = _HEADER.unpack_from(content, member.start)
    sizes = (member.crc, member.packed_bytes, member.unpacked_bytes)
    head = (_ENTRY, version, version, flags, method, time, date, *sizes, len(member.name), 0, 0, 0, 0, 0, member.start)
    return _DIRECTORY_ENTRY.pack(*head) + member.name
