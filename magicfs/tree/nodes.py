"""The kinds of nodes and what each can do.

Threading: `peek`, `known_attributes`, `open_now`, `read_now` and `absorb` run on the thread that serves the tree and
never block. The other methods may block, each no longer than its lane allows, and may run in any thread, several at
once.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, Self

from magicfs.domain.attributes import Attributes, Change
from magicfs.domain.files import FileStat

FOREVER_SECONDS = 300.0
"""How long the kernel may believe what never changes."""


class ThreadPool(Enum):
    """What a blocking method waits for. Each lane has threads and a deadline of its own."""

    FILES = "files"
    """The file systems of the roots."""
    INDEX = "index"
    """The database and the query embedder."""


class Node(ABC):
    """Anything with an inode."""

    lane: ThreadPool = ThreadPool.FILES
    attributes_seconds: float = FOREVER_SECONDS
    """How long the kernel may believe the attributes."""

    def __init__(self, key: bytes) -> None:
        """`key` says which thing this is: nodes with the same key share an inode."""
        self.key = key
        self.ino = 0
        """Given by the inode table."""

    def known_attributes(self) -> Attributes | None:
        """The attributes, when they are known without looking.

        The kernel believes them for `attributes_seconds`; where that is 0, `attributes` knows better.
        """
        return None

    @abstractmethod
    def attributes(self) -> Attributes:
        """The attributes as they are now. May block."""

    def absorb(self, newer: Self) -> None:
        """Take over what another node of the same key has learnt since."""
        del newer

    def extended(self) -> Mapping[bytes, bytes]:
        """The extended attributes. Does not block."""
        return {}

    def change(self, wanted: Change, handle: Handle | None) -> None:
        """Change attributes; `handle` is the open file that the caller names, if any. May block."""
        del wanted, handle
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def may(self, mode: int) -> bool:
        """Whether access as in `os.access` is possible. May block."""
        return not mode & os.W_OK


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a directory."""

    name: bytes
    node: Node
    attributes: Attributes
    seconds: float = FOREVER_SECONDS
    """How long the kernel may believe that the name is there."""


class Entries(Protocol):
    """The entries of a directory as they were when it was opened."""

    @property
    def waits(self) -> bool:
        """Whether `batch` may block."""

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """Up to `count` entries from position `start`, each with the position after it; empty at the end."""


@dataclass(frozen=True, slots=True)
class ReadyEntries:
    """Entries that are all at hand."""

    entries: Sequence[Entry]
    waits: bool = field(default=False, init=False)

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """A slice."""
        return list(enumerate(self.entries[start : start + count], start + 1))


class Directory(Node):
    """A node with names in it."""

    missing_seconds: float = 0.0
    """How long the kernel may believe that a name is not there."""

    def peek(self, name: bytes) -> Entry | None:
        """The entry of that name when this is known without looking; None when it takes a `lookup`.

        Raises `FileNotFoundError` when it is known that there is none.
        """
        del name
        return None

    @abstractmethod
    def lookup(self, name: bytes) -> Entry:
        """The entry of that name, or `FileNotFoundError`. May block."""

    @abstractmethod
    def list(self) -> Entries:
        """The entries as they are now. May block."""


class Handle(Protocol):
    """An open file."""

    direct: bool
    """Whether reads pass the kernel's page cache by."""
    version: FileStat | None
    """Which version of which file was opened, where there is a file."""

    def read_now(self, offset: int, into: memoryview) -> memoryview | None:
        """As much as fits into a buffer, less only at the end of the file; None when that would block."""

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes, fewer only at the end of the file. May block."""

    def write(self, offset: int, data: bytes) -> int:
        """Write all of `data` and say how much that was. May block."""

    def sync(self, *, data_only: bool) -> None:
        """Bring what was written to the disk. May block."""

    def closes_now(self) -> bool:
        """Whether `close` would not block."""

    def close(self) -> None:
        """Give the file back. May block."""


class Openable(Node):
    """A node that can be opened as a file."""

    def open_now(self, flags: int) -> Handle | None:
        """Open as `open` does; None when that might block, or cannot be done."""
        del flags
        return None

    @abstractmethod
    def open(self, flags: int) -> Handle:
        """Open with flags as of `os.open`. May block."""


def missing(name: bytes) -> FileNotFoundError:
    """The error for a name that is not there."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
