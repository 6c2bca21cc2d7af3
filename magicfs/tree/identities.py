"""The identity of a file: which file something is, whatever its names are.

Used by the nodes that stand for something below a root. A path says where a file was seen last; the device, the inode
number and the time of birth say which file it is. File systems use inode numbers again, so the birth belongs to it.
Pure; any thread.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import NamedTuple

from magicfs.domain.files import FileStat

_KEY = struct.Struct("=IQQ")
_SEED = struct.Struct("=Qq")
_UNSIGNED = (1 << 64) - 1


class FileIdentity(NamedTuple):
    """A file, directory, link or special file of this host. A tuple: a listing makes hundreds."""

    kind: int
    """The type, as `stat.S_IFMT` returns it."""
    device: int
    inode: int
    born_ns: int | None
    """The birth in nanoseconds since the epoch: 0 where the file system knows none, None for a file of the index."""
    seen_ns: int = 0
    """The ctime of a file of the index: it was born before that."""

    @classmethod
    def of(cls, status: os.stat_result, born_ns: int) -> FileIdentity:
        """The identity of what `linux.status_and_birth` returns."""
        return cls(stat.S_IFMT(status.st_mode), status.st_dev, status.st_ino, born_ns)

    @classmethod
    def of_indexed(cls, indexed: FileStat) -> FileIdentity:
        """The identity of a regular file as far as the index knows it."""
        return cls(stat.S_IFREG, indexed.dev, indexed.ino & _UNSIGNED, None, indexed.ctime_ns)

    @property
    def key(self) -> bytes:
        """What a file has in common with a later one that gets its inode number, and with no other."""
        return _KEY.pack(self.kind, self.device, self.inode)

    @property
    def seed(self) -> bytes:
        """What tells files with the same `key` apart."""
        return _SEED.pack(self.seen_ns & _UNSIGNED, -1 if self.born_ns is None else self.born_ns)

    def is_same_file(self, other: FileIdentity) -> bool:
        """Whether both are the same file. One that the index has seen is not one that was born afterwards."""
        if (self.kind, self.device, self.inode) != (other.kind, other.device, other.inode):
            return False
        if self.born_ns is None:
            return other.born_ns is None or other.born_ns <= self.seen_ns
        return self.born_ns <= other.seen_ns if other.born_ns is None else self.born_ns == other.born_ns
