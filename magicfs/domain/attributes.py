"""What `stat` shows of a node of the mount. Pure records: the tree makes them, the FUSE adapter sends them.

`FileStat` is what the index stores of a file; this is what programs see, of directories and links too.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import NamedTuple

from magicfs.domain.files import FileStat

STAT_BLOCK_BYTES = 512
"""The unit of `st_blocks` on every file system."""
DIRECTORY_MODE = stat.S_IFDIR | 0o755
"""Nothing can be created there, but a copy of a directory has its mode, and its owner must be able to change that."""
PRIVATE_DIRECTORY_MODE = stat.S_IFDIR | 0o700
READ_ONLY_FILE_MODE = stat.S_IFREG | 0o444


class Attributes(NamedTuple):
    """Type and permissions, size in bytes, times in nanoseconds since the epoch. A tuple: a listing makes hundreds."""

    mode: int
    size: int
    uid: int
    gid: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    links: int = 1
    device: int = 0
    """The number of the device that a device file stands for."""
    blocks: int = 0
    """The number of blocks of 512 bytes."""

    @classmethod
    def of(cls, status: os.stat_result) -> Attributes:
        """The attributes in a `stat` result."""
        return cls(
            mode=status.st_mode,
            size=status.st_size,
            uid=status.st_uid,
            gid=status.st_gid,
            atime_ns=status.st_atime_ns,
            mtime_ns=status.st_mtime_ns,
            ctime_ns=status.st_ctime_ns,
            links=status.st_nlink,
            device=status.st_rdev,
            blocks=status.st_blocks,
        )

    @classmethod
    def of_indexed(cls, indexed: FileStat) -> Attributes:
        """The attributes of a regular file in the index. The index stores no atime: mtime takes its place."""
        return cls(
            mode=stat.S_IFREG | indexed.mode,
            size=indexed.size,
            uid=indexed.uid,
            gid=indexed.gid,
            atime_ns=indexed.mtime_ns,
            mtime_ns=indexed.mtime_ns,
            ctime_ns=indexed.ctime_ns,
            blocks=-(-indexed.size // STAT_BLOCK_BYTES),
        )

    @classmethod
    def of_virtual(cls, *, mode: int, mounted_at_ns: int, size: int = 0) -> Attributes:
        """The attributes of a node without a file behind it. Its times are the time of the mount and never change."""
        return cls(
            mode=mode,
            size=size,
            uid=os.geteuid(),
            gid=os.getegid(),
            atime_ns=mounted_at_ns,
            mtime_ns=mounted_at_ns,
            ctime_ns=mounted_at_ns,
            links=2 if stat.S_ISDIR(mode) else 1,
            blocks=-(-size // STAT_BLOCK_BYTES),
        )


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """Attributes to set; None keeps one as it is. Size in bytes, times in nanoseconds since the epoch."""

    size: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    atime_ns: int | None = None
    mtime_ns: int | None = None
    clears_set_id: bool = False
    """Whether a new size takes the set-user-ID and set-group-ID bits away, as it does for all but the superuser."""

    @property
    def is_of_size_alone(self) -> bool:
        """Whether nothing but the size is set."""
        return all(part is None for part in (self.mode, self.uid, self.gid, self.atime_ns, self.mtime_ns))
