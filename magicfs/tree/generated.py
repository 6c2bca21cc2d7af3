"""Files that only the mount has: made when they are looked at, and whole for whoever opened them.

Their methods may wait for the index.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from magicfs.domain.files import FileStat
from magicfs.tree.attributes import GENERATED_MODE, Attributes
from magicfs.tree.nodes import Handle, Lane, Openable


class TextHandle:
    """A generated file as it was when it was opened."""

    direct = True
    version: FileStat | None = None

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def read_now(self, offset: int, into: memoryview) -> memoryview:
        """A part of the content; the buffer is not needed."""
        return self._content[offset : offset + len(into)]

    def read(self, offset: int, size: int) -> bytes:
        """A part of the content."""
        return bytes(self._content[offset : offset + size])

    def write(self, offset: int, data: bytes) -> int:
        """Not possible."""
        del offset, data
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def sync(self, *, data_only: bool) -> None:
        """Nothing to be done."""

    def closes_now(self) -> bool:
        """There is nothing to be done."""
        return True

    def close(self) -> None:
        """Nothing to be done."""


class GeneratedFile(Openable):
    """A file whose content is made by a function, which may take its time and fail."""

    lane = Lane.INDEX
    attributes_seconds = 0.0

    def __init__(self, key: bytes, make: Callable[[], bytes], *, born_ns: int) -> None:
        super().__init__(b"g" + key)
        self._make = make
        self._born_ns = born_ns

    def known_attributes(self) -> Attributes:
        """All but the size."""
        return Attributes.of_ours(mode=GENERATED_MODE, born_ns=self._born_ns)

    def attributes(self) -> Attributes:
        """With the true size: some programs read no more than that."""
        return Attributes.of_ours(mode=GENERATED_MODE, born_ns=self._born_ns, size=len(self._make()))

    def open(self, flags: int) -> Handle:
        """Make the content."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return TextHandle(self._make())
