"""Directories whose entries are fixed for the life of the mount."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping

from magicfs.domain.attributes import DIRECTORY_MODE, GENERATED_MODE, Attributes
from magicfs.domain.files import FileStat
from magicfs.tree.nodes import (
    FOREVER_SECONDS,
    Directory,
    Entry,
    Handle,
    Node,
    Openable,
    ReadyEntries,
    ThreadPool,
    missing,
)


class OurDirectory(Directory):
    """A directory that only the mount has. Its times are the mount's: a listing again and again shows no change."""

    def __init__(self, key: bytes, *, born_ns: int) -> None:
        super().__init__(b"d" + key)
        self.born_ns = born_ns

    def known_attributes(self) -> Attributes:
        """Always the same."""
        return Attributes.of_virtual(mode=DIRECTORY_MODE, born_ns=self.born_ns)

    def attributes(self) -> Attributes:
        """Always the same."""
        return self.known_attributes()

    def may(self, mode: int) -> bool:
        """To list and to enter."""
        return not mode & os.W_OK


class FixedDirectory(OurDirectory):
    """A directory with the same few entries for ever, all of which know their attributes."""

    missing_seconds = FOREVER_SECONDS

    def __init__(self, key: bytes, entries: Mapping[bytes, Node], *, born_ns: int) -> None:
        super().__init__(key, born_ns=born_ns)
        self._entries = entries

    def peek(self, name: bytes) -> Entry:
        """The entry. Never blocks."""
        node = self._entries.get(name)
        if node is None:
            raise missing(name)
        return Entry(name, node, node.known_attributes() or node.attributes())

    def lookup(self, name: bytes) -> Entry:
        """The same."""
        return self.peek(name)

    def list(self) -> ReadyEntries:
        """The entries. Never blocks."""
        return ReadyEntries([self.peek(name) for name in self._entries])


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

    lane = ThreadPool.INDEX
    attributes_seconds = 0.0

    def __init__(self, key: bytes, make: Callable[[], bytes], *, born_ns: int) -> None:
        super().__init__(b"g" + key)
        self._make = make
        self._born_ns = born_ns

    def known_attributes(self) -> Attributes:
        """All but the size."""
        return Attributes.of_virtual(mode=GENERATED_MODE, born_ns=self._born_ns)

    def attributes(self) -> Attributes:
        """With the true size: some programs read no more than that."""
        return Attributes.of_virtual(mode=GENERATED_MODE, born_ns=self._born_ns, size=len(self._make()))

    def open(self, flags: int) -> Handle:
        """Make the content."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return TextHandle(self._make())
