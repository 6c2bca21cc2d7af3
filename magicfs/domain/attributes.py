"""The attributes of a node, as `stat` shows them. The nodes make them, the FUSE adapter gives them to the kernel."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from magicfs.domain.files import FileStat

_BLOCK_BYTES = 512
"""The unit of `st_blocks` on every file system."""

DIRECTORY_MODE = stat.S_IFDIR | 0o555
GENERATED_MODE = stat.S_IFREG | 0o444


@dataclass(frozen=True, slots=True)
class Attributes:
    """Type and permissions, size in bytes, times in nanoseconds since the epoch."""

    mode: int
    size: int
    uid: int
    gid: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    links: int = 1
    device: int = 0
    blocks: int = 0
    """512 bytes each."""

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
    def of_indexed(cls, row: FileStat) -> Attributes:
        """The attributes of a regular file in the index, which has no access time: mtime stands in for it."""
        return cls(
            mode=stat.S_IFREG | row.mode,
            size=row.size,
            uid=row.uid,
            gid=row.gid,
            atime_ns=row.mtime_ns,
            mtime_ns=row.mtime_ns,
            ctime_ns=row.ctime_ns,
            blocks=-(-row.size // _BLOCK_BYTES),
        )

    @classmethod
    def of_virtual(cls, *, mode: int, born_ns: int, size: int = 0) -> Attributes:
        """The attributes of a node that exists only in this mount. `born_ns`, the time of the mount, never changes."""
        return cls(
            mode=mode,
            size=size,
            uid=os.geteuid(),
            gid=os.getegid(),
            atime_ns=born_ns,
            mtime_ns=born_ns,
            ctime_ns=born_ns,
            links=2 if stat.S_ISDIR(mode) else 1,
            blocks=-(-size // _BLOCK_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Attributes to set; None leaves one unchanged. Times are nanoseconds since the epoch."""

    size: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    atime_ns: int | None = None
    mtime_ns: int | None = None
