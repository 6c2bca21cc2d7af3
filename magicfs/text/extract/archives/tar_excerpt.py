"""Makes a small tar archive of a large one: with the names of its members, and of few members those that may have text.

Used by `magicfs.pipeline.large_files` in the worker itself: the standard library goes from header to header, and reads
nothing between them, as long as the headers are sound. Pure functions.
"""

from __future__ import annotations

import io
import re
import tarfile
import time
from itertools import islice
from typing import Final

from magicfs.text.extract.archives.zip_excerpt import (
    MAX_NAMES,
    MAX_READ_MEMBERS,
    ContainerExcerpt,
    Read,
    kept_within,
    may_have_text,
    within_file,
)

_MAX_HEADER_BYTES: Final = 1 << 20
"""The most that is read at once: long names and other attributes of a member."""
_MAX_HEADERS_BYTES: Final = 16 << 20
"""The most that is read of all headers: three times what so many members have with long names."""
READ_SECONDS: Final = 60.0
"""The time for reading them from a slow disk. What is said of all members costs the library time for each one."""
_ATTRIBUTES: Final = frozenset((tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE))
_RECORD: Final = re.compile(rb"(\d{1,10}) [^=\n]{1,1000}=")
_MANY_DIGITS: Final = re.compile(rb"\d{256}")
"""More than a name has. The library takes the square of their number to search them."""


def excerpt_of_tar(read: Read, size: int, *, max_bytes: int) -> ContainerExcerpt | None:
    """An archive of hardly more than `max_bytes` with the names in one of `size` bytes; None of what is none."""
    read = within_file(read, size)
    members, end = _members(read, size)
    if not members:
        return None
    is_small = len(members) <= MAX_READ_MEMBERS
    sizes = {
        number: member.size
        for number, member in enumerate(members)
        if is_small and member.isreg() and not member.sparse and member.size > 0 and may_have_text(member.name)
    }
    kept = kept_within(sizes, max_bytes)
    small = io.BytesIO()
    with tarfile.open(fileobj=small, mode="w") as archive:
        for number, member in enumerate(members):
            data = read(member.offset_data, member.size) if number in kept else b""
            entry = tarfile.TarInfo(member.name)
            entry.type = tarfile.DIRTYPE if member.isdir() else tarfile.REGTYPE
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    left_out = sum(sizes.values()) - sum(sizes[number] for number in kept)
    unread = size - end if len(members) < MAX_NAMES else 0
    return ContainerExcerpt(small.getvalue(), min(left_out + unread, size))


def _members(read: Read, size: int) -> tuple[list[tarfile.TarInfo], int]:
    """The first members of an archive, and where the archive ends, or its undamaged part."""
    members: list[tarfile.TarInfo] = []
    end = 0
    try:
        with tarfile.open(fileobj=_Ranges(read, size), mode="r:") as archive:
            for member in islice(archive, MAX_NAMES):
                member.pax_headers = {}  # a megabyte of each
                members.append(member)
                end = archive.offset
                if end > size:
                    return members, member.offset
            return members, size if _is_end(read, end) else end
    # The library calls itself for each header that describes the next one.
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, OSError):
        return members, end


def _is_end(read: Read, place: int) -> bool:
    """Whether an archive ends at a place: with a block of zeros, or with the file."""
    return not any(read(place, tarfile.BLOCKSIZE))


def _describes_next(block: bytes) -> bool:
    """Whether a block is a header with attributes of the next member, or of all."""
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape").type in _ATTRIBUTES
    except tarfile.TarError:
        return False


def _are_records(attributes: bytes) -> bool:
    """Whether attributes are records of the lengths that they state. Others take the library the square of theirs."""
    position = 0
    while record := _RECORD.match(attributes, position):
        position += int(record[1])
        if position <= record.end() or attributes[position - 1 : position] != b"\n":
            return False
    return not attributes[position:].strip(b"\0") and not _MANY_DIGITS.search(attributes)


class _Ranges(io.RawIOBase):
    """A file that the library reads headers of, and nothing else."""

    def __init__(self, read: Read, size: int) -> None:
        self._read, self._size, self._position = read, size, 0
        self._left = _MAX_HEADERS_BYTES
        self._until = time.monotonic() + READ_SECONDS
        self._are_attributes_next = False

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _MAX_HEADER_BYTES:
            raise tarfile.ReadError("a header of more than a megabyte")
        self._left -= size
        if self._left < 0 or time.monotonic() >= self._until:
            raise tarfile.ReadError("headers without an end")
        data = self._read(self._position, size)
        if self._are_attributes_next and not _are_records(data):
            raise tarfile.ReadError("attributes that are none")
        self._are_attributes_next = size == tarfile.BLOCKSIZE and _describes_next(data)
        self._position += len(data)
        return data
