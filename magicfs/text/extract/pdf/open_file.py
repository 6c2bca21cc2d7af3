"""`OpenFile`: a file that is read from a descriptor, because it is too large to be in memory.

Used in the child process. Every reader gets its own, because a descriptor has one position for all who share it. One
thread.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_END_BYTES: Final = 1 << 20
"""Where a file says that it is encrypted: beside its tables of objects, which are at its ends."""

_TAIL_BYTES: Final = 4096
"""In which a complete file says where its table of objects is."""

_failed: Final[set[int]] = set()
"""The descriptors from which the system has failed to read."""


def expect_reading(descriptor: int) -> None:
    """A file begins that is read from this descriptor: another one may have had the number."""
    _failed.discard(descriptor)


def has_failed_to_read(descriptor: int) -> bool:
    """Whether the disk or the network of the file has failed since then: what was read of it may lack anything."""
    return descriptor in _failed


class OpenFile(io.RawIOBase):
    """A file of a fixed size. What is cut off, or cannot be read, while it is read is missing at its end."""

    def __init__(self, descriptor: int) -> None:
        """The descriptor stays open when this is closed. Raises `OSError`."""
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._position = 0
        self.bytes_read = 0
        """The bytes that were read until now."""

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position of the next reading."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the beginning of a file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """The position of the next reading."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer as far as the file goes. Returns the number of bytes."""
        target = memoryview(buffer).cast("B")[: max(self._size - self._position, 0)]
        filled = 0
        with contextlib.suppress(OSError), self._noted():
            while filled < len(target):
                count = os.preadv(self._descriptor, [target[filled:]], self._position + filled)
                if not count:
                    break
                filled += count
        self._position += filled
        self.bytes_read += filled
        return filled

    def readall(self) -> bytes:
        """Raises `MemoryError`: a library wants all of the file, to search for what a damaged one lacks."""
        raise MemoryError(f"{self._size} bytes are not read at once")

    def is_incomplete(self) -> bool:
        """Whether the file ends in zeros, as one that is still being downloaded into the room that it needs."""
        with self._noted():
            return not os.pread(self._descriptor, _TAIL_BYTES, max(self._size - _TAIL_BYTES, 0)).strip(b"\0")

    def ends(self) -> bytes:
        """The first and the last megabyte."""
        last = max(self._size - _END_BYTES, _END_BYTES)
        with self._noted():
            return b"".join(os.pread(self._descriptor, _END_BYTES, offset) for offset in (0, last))

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Note an error of the system, and raise it."""
        try:
            yield
        except OSError:
            _failed.add(self._descriptor)
            raise
