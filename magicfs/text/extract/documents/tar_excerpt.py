"""Makes a small tar archive of a large one: with the names of its members, and of few members those that may have text.

Used by `magicfs.pipeline.large_files` in the worker itself: the standard library goes from header to header, and reads
nothing between them. Pure functions.
"""

from __future__ import annotations

import io
import tarfile
from itertools import islice
from typing import Final

from magicfs.text.extract.documents.zip_excerpt import (
    MAX_NAMES,
    MAX_READ_MEMBERS,
    ContainerExcerpt,
    Read,
    kept_within,
    may_have_text,
)

_MAX_HEADER_BYTES: Final = 1 << 20
"""The most that is read at once: long names and other attributes of a member."""


def excerpt_of_tar(read: Read, size: int, *, max_bytes: int) -> ContainerExcerpt | None:
    """An archive of hardly more than `max_bytes` with the names in one of `size` bytes; None of what is none."""
    members, end = _members(read, size)
    if not members:
        return None
    is_small = len(members) <= MAX_READ_MEMBERS
    sizes = {
        number: member.size
        for number, member in enumerate(members)
        if is_small and member.isreg() and not member.sparse and may_have_text(member.name)
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
    return ContainerExcerpt(small.getvalue(), left_out + (size - end if len(members) < MAX_NAMES else 0))


def _members(read: Read, size: int) -> tuple[list[tarfile.TarInfo], int]:
    """The first members of an archive, and where the archive ends, or its undamaged part."""
    members: list[tarfile.TarInfo] = []
    end = 0
    try:
        with tarfile.open(fileobj=_Ranges(read, size), mode="r:") as archive:
            for member in islice(archive, MAX_NAMES):
                members.append(member)
                end = archive.offset
                if end > size:
                    return members, member.offset
            return members, size if _is_end(read, end) else end
    except (tarfile.TarError, ValueError, OSError):
        return members, end


def _is_end(read: Read, place: int) -> bool:
    """Whether an archive ends at a place: with a block of zeros, or with the file."""
    return not any(read(place, tarfile.BLOCKSIZE))


class _Ranges(io.RawIOBase):
    """A file of which the library reads headers alone."""

    def __init__(self, read: Read, size: int) -> None:
        self._read, self._size, self._position = read, size, 0

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
        data = self._read(self._position, size)
        self._position += len(data)
        return data
