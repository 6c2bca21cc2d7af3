"""Makes a small zip container of a large one: with the names of all members, and without pictures, sound and films.

Presentations, books and archives are large by these. The readers of containers read the small one like any other.
Used by `magicfs.pipeline.large_files` in the worker itself: it follows the directory of the container and copies its
members as they are; nothing is decompressed. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from magicfs.domain.file_groups import EXTENSIONS

_END: Final = struct.Struct("<4s4H2IH")
_END_SIGNATURE: Final = b"PK\x05\x06"
_MAX_COMMENT_BYTES: Final = 0xFFFF
_LOCATOR: Final = struct.Struct("<4sIQI")
_LARGE_END: Final = struct.Struct("<4sQ2H2I4Q")
_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_ENTRY_SIGNATURE: Final = b"PK\x01\x02"
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_LOCAL_SIGNATURE: Final = b"PK\x03\x04"
_FIELD: Final = struct.Struct("<2H")
_NUMBER: Final = struct.Struct("<Q")
_LARGE_FIELD: Final = 1
"""The extra field that has the sizes and the offset that four bytes do not hold."""
_UNKNOWN: Final = 0xFFFFFFFF
_DESCRIBED_BEHIND: Final = 0x8
"""The flag of a member whose sizes follow it."""
_SOME_DAY: Final = 1 << 5 | 1
"""The first one of 1980. There is none without a month."""

MAX_NAMES: Final = 5000
"""The names of an archive that are read, in its own order, before those in archives inside of it."""
MAX_READ_MEMBERS: Final = 200
"""The members of an archive up to which their texts are read: larger ones are source code, photos and backups, whose
texts would outnumber those of all other files."""
_MAX_MEMBERS: Final = 50_000
"""What the readers of containers take."""
_MAX_UNPACKED_BYTES: Final = 64 << 20
_MAX_UNPACKED_BYTES_OF_DOCUMENT: Final = 1 << 30
"""Readers take no larger member of an archive, and no document that unpacks to more."""
_DIRECTORY_BYTES: Final = 32 << 20
"""The most that is read of a directory: no container of so many members has a longer one."""
_NOT_TEXT: Final = frozenset().union(*(EXTENSIONS[group] for group in ("image", "audio", "video"))) | {
    *("ttf", "otf", "odttf", "woff", "woff2", "fntdata", "emf", "wmf")
}
_MARKS_OF_DOCUMENTS: Final = frozenset(
    {
        *(b"[Content_Types].xml", b"mimetype", b"META-INF/container.xml", b"META-INF/manifest.xml", b"content.xml"),
        *(b"Index/Document.iwa", b"QuickLook/Preview.pdf", b"Contents/content.hpf"),
    }
)
"""Members that tell that a container is a document, of whichever program."""

Read = Callable[[int, int], bytes]
"""Reads so many bytes of the file from an offset; fewer at its end."""


@dataclass(frozen=True, slots=True)
class ContainerExcerpt:
    """A small container with the names of a large one."""

    content: bytes
    left_out: int
    """Bytes of members that may have text, and are too large: at most those of the file, whatever it says of them."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int


def excerpt_of_zip(read: Read, size: int, *, max_bytes: int) -> ContainerExcerpt | None:
    """A container of hardly more than `max_bytes` that has what the readers of one of `size` bytes look for.

    None of what is no zip container, or a damaged one.
    """
    read = within_file(read, size)
    try:
        members = list(_members(read, size))
    except struct.error:
        return None
    if not members:
        return None
    is_document = not _MARKS_OF_DOCUMENTS.isdisjoint(member.name for member in members)
    if not is_document:
        members = members[:MAX_NAMES]
    # By their numbers: several may claim to be at one place.
    sizes = {
        number: member.packed
        for number, member in enumerate(members)
        if (is_document or len(members) <= MAX_READ_MEMBERS) and may_have_text(member.name.decode("ascii", "replace"))
    }
    largest = _MAX_UNPACKED_BYTES_OF_DOCUMENT if is_document else _MAX_UNPACKED_BYTES
    readable = {number: packed for number, packed in sizes.items() if members[number].size <= largest}
    kept = kept_within(readable, max_bytes)
    left_out = sum(sizes.values()) - sum(sizes[number] for number in kept)
    return ContainerExcerpt(_container(members, kept, read), min(left_out, size))


def within_file(read: Read, size: int) -> Read:
    """What reads nothing outside of a file of `size` bytes: damaged ones have offsets that no system takes."""
    return lambda offset, length: read(offset, length) if 0 <= offset < size else b""


def may_have_text(name: str) -> bool:
    """Whether a member may have text that is read: no picture, sound, film or font has, by its name."""
    return name.rpartition(".")[2].lower() not in _NOT_TEXT


def kept_within(sizes: Mapping[int, int], max_bytes: int) -> frozenset[int]:
    """The numbers of the smallest members of some sizes, as many as fit into `max_bytes`."""
    numbers = sorted(sizes, key=sizes.__getitem__)
    totals = accumulate(sizes[number] for number in numbers)
    return frozenset(number for number, total in zip(numbers, totals, strict=True) if total <= max_bytes)


def _members(read: Read, size: int) -> Iterator[_Member]:
    """Yield the members that the directory of a container has. Raises `struct.error` where it is damaged."""
    tail_bytes = min(size, _END.size + _MAX_COMMENT_BYTES)
    tail = read(size - tail_bytes, tail_bytes)
    at = tail.rfind(_END_SIGNATURE)
    if at < 0:
        return
    place = size - tail_bytes + at
    *_, count, length, offset, _ = _END.unpack_from(tail, at)
    locator = read(max(0, place - _LOCATOR.size), _LOCATOR.size)
    if locator.startswith(b"PK\x06\x07"):
        place = _LOCATOR.unpack(locator)[2]
        *_, count, length, offset = _LARGE_END.unpack(read(place, _LARGE_END.size))
    # What stands before the container, such as a program that unpacks it, counts in no offset.
    before = max(0, place - length - offset)
    directory = read(before + offset, min(length, _DIRECTORY_BYTES))
    position = 0
    for _ in range(min(count, _MAX_MEMBERS)):
        if not directory.startswith(_ENTRY_SIGNATURE, position):
            return
        entry = _ENTRY.unpack_from(directory, position)
        flags, method, checksum = entry[3], entry[4], entry[7]
        name_bytes, extra_bytes, comment_bytes = entry[10:13]
        name_end = position + _ENTRY.size + name_bytes
        name, extra = directory[position + _ENTRY.size : name_end], directory[name_end : name_end + extra_bytes]
        unpacked, packed, offset = _large_numbers(extra, (entry[9], entry[8], entry[16]))
        yield _Member(name, flags, method, checksum, packed, unpacked, before + offset)
        position = name_end + extra_bytes + comment_bytes


def _large_numbers(extra: bytes, numbers: tuple[int, int, int]) -> Sequence[int]:
    """The size, the packed size and the offset of a member, from its extra field where four bytes do not hold one."""
    position = 0
    while position + _FIELD.size <= len(extra) and _UNKNOWN in numbers:
        kind, length = _FIELD.unpack_from(extra, position)
        position += _FIELD.size
        if kind == _LARGE_FIELD:
            larger = (value for (value,) in _NUMBER.iter_unpack(extra[position : position + length // 8 * 8]))
            return [next(larger, number) if number == _UNKNOWN else number for number in numbers]
        position += length
    return numbers


def _container(members: Sequence[_Member], kept: Collection[int], read: Read) -> bytes:
    """A container of all members, of which some, by their numbers, have their bytes, and the others none."""
    content, directory = bytearray(), bytearray()
    for number, member in enumerate(members):
        data = _data(member, read) if number in kept else b""
        method, checksum, size = (member.method, member.checksum, member.size) if data else (0, 0, 0)
        flags = member.flags & ~_DESCRIBED_BEHIND
        fields = (flags, method, 0, _SOME_DAY, checksum, len(data), size, len(member.name), 0)
        directory += _ENTRY.pack(_ENTRY_SIGNATURE, 20, 20, *fields, 0, 0, 0, 0, len(content)) + member.name
        content += _LOCAL.pack(_LOCAL_SIGNATURE, 20, *fields) + member.name + data
    end = _END.pack(_END_SIGNATURE, 0, 0, len(members), len(members), len(directory), len(content), 0)
    return bytes(content + directory + end)


def _data(member: _Member, read: Read) -> bytes:
    """The bytes of a member as they are packed; empty where they are not all there."""
    header = read(member.offset, _LOCAL.size)
    if not header.startswith(_LOCAL_SIGNATURE) or len(header) < _LOCAL.size:
        return b""
    *_, name_bytes, extra_bytes = _LOCAL.unpack(header)
    data = read(member.offset + _LOCAL.size + name_bytes + extra_bytes, member.packed)
    return data if len(data) == member.packed else b""
