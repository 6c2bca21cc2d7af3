"""The nodes of the tree, and what can be done with the attributes and the content of each. `directories` has the rest.

Implemented by the other modules of this package, called by the FUSE adapter.

Threading: `cached_attributes`, `extended_attributes`, `update`, `forgotten`, and the methods that end in `_nowait` run
on the event loop of the mount and never block. The other methods may block, up to the deadline of the node's thread
pool, and may run in any thread, several at once; those of a node without a pool never block.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.domain.files import FileStat

INDEX_ATTRIBUTE_PREFIX = b"user.magicfs."
"""The extended attributes that the index has begin so. They cannot be set."""
FILE_CAPABILITIES = b"security.capability"
"""The kernel asks for this attribute before each write. The file system below takes it away itself, and the mount is
`nosuid`."""
FILE_LABEL = b"security.selinux"
"""`ls -l` asks for it for each file, unless it has learned that the mount has no labels: so says one that is missing.
Where labels are in use, the kernel answers by itself."""
STATIC_TIMEOUT_SECONDS = 300.0
"""The kernel caches names and attributes that never change for this long."""
_HOST_PREFIX = "host:"


@dataclass(frozen=True, slots=True)
class ThreadPool:
    """What a blocking method waits for. Each has threads and a deadline of its own."""

    device: str = ""
    """The device, `major:minor`, of a file system of the roots, or `host:` and the name of another host."""

    INDEX: ClassVar[ThreadPool]
    """The database and the query embedder."""

    @classmethod
    def of_host(cls, host: str) -> ThreadPool:
        """The pool for calls that wait for another host."""
        return cls(_HOST_PREFIX + host)

    @property
    def is_of_host(self) -> bool:
        """Whether its calls wait for another host."""
        return self.device.startswith(_HOST_PREFIX)


ThreadPool.INDEX = ThreadPool("index")


class Node(ABC):
    """Anything with an inode."""

    attribute_timeout_seconds: float = STATIC_TIMEOUT_SECONDS
    """How long the kernel may cache the attributes."""
    lookup_count = 0
    """How many replies to the kernel have named it that the kernel has not forgotten. Belongs to the inode table."""

    def __init__(self, key: bytes) -> None:
        """`key` identifies what the node stands for: nodes with the same key that `is_same` share an inode."""
        self.key = key
        self.ino = 0
        """Assigned by the inode table; 0 before that."""

    @property
    def thread_pool(self) -> ThreadPool | None:
        """Where the methods of the node run that may block; None if none of them does."""
        return None

    @property
    def file_pool(self) -> ThreadPool | None:
        """Where the methods run that change the file, or read its extended attributes."""
        return self.thread_pool

    @property
    def number_seed(self) -> bytes:
        """What the inode number depends on beside the key."""
        return b""

    def is_same(self, other: Node) -> bool:
        """Whether `other`, which has the same key, stands for the same thing."""
        return type(other) is type(self)

    def cached_attributes(self) -> Attributes | None:
        """The attributes if they are available without blocking, else None.

        Where `attribute_timeout_seconds` is 0 they may be incomplete, and `attributes` is exact.
        """
        return None

    def exact_attributes_nowait(self) -> Attributes | None:
        """What `attributes` returns if that is available without blocking, else None."""
        return self.cached_attributes()

    @abstractmethod
    def attributes(self) -> Attributes:
        """The current attributes. May block."""

    def update(self, newer: Self) -> None:
        """Take over what a newer node of the same thing holds."""
        del newer

    def forget_pages(self) -> None:
        """Note that the kernel may have pages that are not those of the version that was opened last."""
        return

    def forgotten(self) -> None:
        """Let go of what is kept for programs: the kernel does not refer to the node any more."""
        return

    def extended_attributes(self) -> Mapping[bytes, bytes]:
        """The extended attributes by name that the index has: those that begin with `INDEX_ATTRIBUTE_PREFIX`."""
        return {}

    def computed_attribute(self, name: bytes) -> bytes | None:
        """The value of an extended attribute that is not among `extended_attributes`; None without. May block."""
        del name
        return None

    def stored_attribute(self, name: bytes, handle: Handle | None) -> bytes:
        """The value of an extended attribute of the file itself, through an open file if there is one. May block."""
        del handle
        raise OSError(errno.ENODATA, os.strerror(errno.ENODATA), name)

    def stored_attribute_names(self, handle: Handle | None) -> Sequence[bytes]:
        """The names of the extended attributes of the file itself. May block."""
        del handle
        return ()

    def store_attribute(self, name: bytes, value: bytes, handle: Handle | None) -> None:
        """Set an extended attribute of the file itself. May block."""
        del value, handle
        raise refused(name)

    def remove_stored_attribute(self, name: bytes, handle: Handle | None) -> None:
        """Remove an extended attribute of the file itself. May block."""
        del handle
        raise refused(name)

    def set_attributes(self, change: AttributeChange, handle: Handle | None) -> None:
        """Change attributes; `handle` is the open file that the program changes them through, if any. May block."""
        del change, handle
        raise read_only()

    def access_nowait(self, mode: int) -> bool | None:
        """What `access` returns if that is available without blocking, else None."""
        return self.access(mode)

    def access(self, mode: int) -> bool:
        """Whether this process has access; `mode` is that of `os.access`. Blocks only where `access_nowait` does not.

        Here: whether `mode` asks only to read and to enter.
        """
        return not mode & os.W_OK


class Handle(Protocol):
    """An open file."""

    direct_io: bool
    """Whether reads bypass the kernel's page cache."""
    version: FileStat | None
    """The file as it was opened; None for a file without one on disk."""

    @property
    def descriptor(self) -> int:
        """The descriptor of the file below a root; -1 for a file that exists only in the mount."""

    @property
    def needs_flush(self) -> bool:
        """Whether `flush` may fail. Never blocks."""

    def read_nowait(self, offset: int, buffer: memoryview) -> memoryview | None:
        """As many bytes as `buffer` holds, fewer only at the end of the file; None if reading would block.

        The result may lie in `buffer`.
        """

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes, fewer only at the end of the file. May block."""

    def write(self, offset: int, data: bytes) -> int:
        """Write `data` and return how much was written: less where the rest has no room. May block."""

    def sync(self, *, data_only: bool) -> None:
        """Flush what was written to the disk. May block."""

    def flush(self) -> None:
        """Raise what a program is to be told that closes the file. May block."""

    def can_close_nowait(self) -> bool:
        """Whether `close` does not block."""

    def close(self) -> None:
        """Close the file. May block."""


class ReadOnlyHandle:
    """An open file that is only read: what is left of a `Handle` is to read and to close it."""

    direct_io = False
    needs_flush = False
    version: FileStat | None = None
    descriptor = -1

    def read_nowait(self, offset: int, buffer: memoryview) -> memoryview | None:
        """None: reading blocks."""
        del offset, buffer
        return None

    def write(self, offset: int, data: bytes) -> int:
        """Raise `EBADF`."""
        del offset, data
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def sync(self, *, data_only: bool) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""


class Openable(Node):
    """A node that can be opened as a file."""

    def open_nowait(self, flags: int) -> Handle | None:
        """Open as `open` does, if that is possible without blocking; else None."""
        del flags
        return None

    @abstractmethod
    def open(self, flags: int) -> Handle:
        """Open with the flags of `os.open`. May block."""


class Link(Node):
    """A node that is a symbolic link."""

    @abstractmethod
    def target(self) -> bytes:
        """The path that the link holds. May block."""


def read_only() -> OSError:
    """The error for something that cannot be made, changed or removed in the mount."""
    return OSError(errno.EROFS, os.strerror(errno.EROFS))


def refused(name: bytes) -> OSError:
    """The error for what must not be done with a name or an attribute."""
    return OSError(errno.EPERM, os.strerror(errno.EPERM), name)


def stale(name: bytes | None = None) -> OSError:
    """The error for what is not what it was: the kernel looks the name up again."""
    return OSError(errno.ESTALE, os.strerror(errno.ESTALE), name)


def not_found(name: bytes) -> FileNotFoundError:
    """The error for a name that does not exist."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
