"""Files of other hosts, to read: what the tree asks of whoever reaches them.

Implemented by the gateway, which talks to the other hosts, and used by the nodes of `remote.nodes` alone. A host is
known by its name, a root by its absolute path there, and what is below by its path relative to the root, which is empty
for the root itself. No link below a root is followed.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol

from magicfs.domain.attributes import Attributes

ANSWER_SECONDS: Final = 30.0
"""Each call of `RemoteFiles` and `RemoteFile` has returned or raised by then."""


class RemoteStatus(NamedTuple):
    """What a host says of a file, directory, link or special file: that of a link itself, as `lstat` does."""

    attributes: Attributes
    """As on that host. All fit into the fields of `stat`; the mode has the type."""
    device: int
    """The device, inode number and birth say which file it is. The birth is in nanoseconds since the epoch, None where
    the file system knows none. Both numbers are unsigned and have at most 64 bits."""
    number: int
    born_ns: int | None
    seen_ns: int
    """When this was read, in nanoseconds since the epoch by the clock of that host, not later than the reading."""


class RemoteFile(Protocol):
    """An open regular file of another host. It stays the one that was opened, whatever happens to its name.

    All methods are safe in any thread, several at once.
    """

    status: RemoteStatus
    """When the file was opened."""

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes, which is a megabyte at most, fewer only at the end of the file. May block.

        Raises `OSError`: `ESTALE` if the connection was lost and the file cannot be had again, because it is gone or
        another one has its name; and what `RemoteFiles` raises.
        """

    def close(self) -> None:
        """Close the file; a second call does nothing. Neither blocks for long nor raises, even during other calls."""


class RemoteFiles(Protocol):
    """The files below the roots of other hosts.

    All methods but `hosts` may block, for `ANSWER_SECONDS` at most, and raise `OSError`: `EHOSTUNREACH` if the host
    does not serve, cannot be reached or does not know us, at once where that was found a moment ago; `ETIMEDOUT` if it
    does not answer in time; otherwise what the host's own file system says, such as `ENOENT`, `ENOTDIR`, `EACCES` or
    `ELOOP`. All are safe in any thread, several at once.
    """

    def hosts(self) -> Collection[str]:
        """The hosts whose files can be asked for. From memory: never blocks."""

    def status(self, host: str, root: bytes, path: bytes) -> RemoteStatus:
        """What a path leads to. May block."""

    def list(self, host: str, root: bytes, path: bytes) -> Sequence[tuple[bytes, RemoteStatus]]:
        """All names in a directory in any order, without `.` and `..`, and what each leads to. May block.

        What vanishes meanwhile is left out.
        """

    def target(self, host: str, root: bytes, path: bytes) -> bytes:
        """The path that a symbolic link holds. May block."""

    def open(self, host: str, root: bytes, path: bytes) -> RemoteFile:
        """Open a regular file to read. `EINVAL` for anything else; a FIFO never blocks this. May block."""


class NoRemoteFiles:
    """There are none: this host reaches no other one."""

    def hosts(self) -> Collection[str]:
        """No host."""
        return ()

    def status(self, host: str, root: bytes, path: bytes) -> RemoteStatus:
        """Raise `EHOSTUNREACH`."""
        del root, path
        raise unreachable(host)

    def list(self, host: str, root: bytes, path: bytes) -> Sequence[tuple[bytes, RemoteStatus]]:
        """Raise `EHOSTUNREACH`."""
        del root, path
        raise unreachable(host)

    def target(self, host: str, root: bytes, path: bytes) -> bytes:
        """Raise `EHOSTUNREACH`."""
        del root, path
        raise unreachable(host)

    def open(self, host: str, root: bytes, path: bytes) -> RemoteFile:
        """Raise `EHOSTUNREACH`."""
        del root, path
        raise unreachable(host)


def unreachable(host: str) -> OSError:
    """The error for a host whose files cannot be asked for."""
    return OSError(errno.EHOSTUNREACH, f"the file is on {host}")
