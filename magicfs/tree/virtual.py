"""Directories and files that exist only in the mount: the building blocks of `search/` and `.magic/`.

Their times are the time of the mount, so that listing them again shows no change. Nothing here touches the disk; only
the function behind a generated file may block.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping

from magicfs.domain.attributes import DIRECTORY_MODE, PRIVATE_DIRECTORY_MODE, READ_ONLY_FILE_MODE, Attributes
from magicfs.tree.directories import Directory, Entry, InMemoryListing
from magicfs.tree.nodes import STATIC_TIMEOUT_SECONDS, Handle, Node, Openable, ReadOnlyHandle, ThreadPool, not_found


class VirtualDirectory(Directory):
    """A directory that exists only in the mount."""

    def __init__(self, key: bytes, *, mounted_at_ns: int) -> None:
        super().__init__(b"d" + key)
        self.mounted_at_ns = mounted_at_ns
        self._mode = DIRECTORY_MODE

    def make_private(self) -> None:
        """Let nobody enter but the user of the mount."""
        self._mode = PRIVATE_DIRECTORY_MODE

    def cached_attributes(self) -> Attributes:
        """The attributes, which never change."""
        return Attributes.of_virtual(mode=self._mode, mounted_at_ns=self.mounted_at_ns)

    def attributes(self) -> Attributes:
        """The attributes, which never change. Never blocks."""
        return self.cached_attributes()


class StaticDirectory(VirtualDirectory):
    """A directory whose entries stay the same as long as the mount lives."""

    negative_timeout_seconds = STATIC_TIMEOUT_SECONDS

    def __init__(self, key: bytes, entries: Mapping[bytes, Node], *, mounted_at_ns: int) -> None:
        super().__init__(key, mounted_at_ns=mounted_at_ns)
        self._entries = entries

    def lookup_cached(self, name: bytes) -> Entry:
        """The entry of that name. Raises `FileNotFoundError`."""
        node = self._entries.get(name)
        if node is None:
            raise not_found(name)
        return Entry(name, node, node.cached_attributes() or node.attributes())

    def lookup(self, name: bytes) -> Entry:
        """The entry of that name. Never blocks."""
        return self.lookup_cached(name)

    def list(self) -> InMemoryListing:
        """The entries. Never blocks."""
        return InMemoryListing([self.lookup_cached(name) for name in self._entries])


class GeneratedFileHandle(ReadOnlyHandle):
    """An open generated file, with the content that was generated when it was opened."""

    direct_io = True

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def read_nowait(self, offset: int, buffer: memoryview) -> memoryview:
        """A slice of the content; `buffer` stays as it is."""
        return self._content[offset : offset + len(buffer)]

    def read(self, offset: int, size: int) -> bytes:
        """A slice of the content."""
        return bytes(self._content[offset : offset + size])

    def can_close_nowait(self) -> bool:
        """True: there is no descriptor to close."""
        return True

    def close(self) -> None:
        """Do nothing."""


class GeneratedFile(Openable):
    """A read-only file whose content a function returns. The function may block and fail."""

    thread_pool = ThreadPool.INDEX
    attribute_timeout_seconds = 0.0

    def __init__(self, key: bytes, generate: Callable[[], bytes], *, mounted_at_ns: int) -> None:
        super().__init__(b"g" + key)
        self._generate = generate
        self._mounted_at_ns = mounted_at_ns

    def cached_attributes(self) -> Attributes:
        """The attributes without the size, which is 0."""
        return Attributes.of_virtual(mode=READ_ONLY_FILE_MODE, mounted_at_ns=self._mounted_at_ns)

    def exact_attributes_nowait(self) -> None:
        """None: the size takes the content."""

    def attributes(self) -> Attributes:
        """The attributes with the real size: some programs read no further than that. May block."""
        return Attributes.of_virtual(
            mode=READ_ONLY_FILE_MODE, mounted_at_ns=self._mounted_at_ns, size=len(self._generate())
        )

    def open(self, flags: int) -> Handle:
        """Generate the content. Raises `EROFS` unless opened to read. May block."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return GeneratedFileHandle(self._generate())
