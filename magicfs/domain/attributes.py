"""What `stat` shows of a node. Pure; made by the nodes, handed to the kernel by the FUSE adapter."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from magicfs.domain.files import FileStat

_BLOCK = 512
"""Bytes: what `st_blocks` counts, whatever the file system."""
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
    """Of 512 bytes each."""

    @classmethod
    def of(cls, status: os.stat_result) -> Attributes:
        """As the file system has them."""
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
        """As the index has them: a regular file, whose time of access nobody recorded."""
        return cls(
            mode=stat.S_IFREG | row.mode,
            size=row.size,
            uid=row.uid,
            gid=row.gid,
            atime_ns=row.mtime_ns,
            mtime_ns=row.mtime_ns,
            ctime_ns=row.ctime_ns,
            blocks=-(-row.size // _BLOCK),
        )

    @classmethod
    def of_virtual(cls, *, mode: int, born_ns: int, size: int = 0) -> Attributes:
        """Of a node that only this mount has; `born_ns` is the time of the mount, so that it never moves."""
        return cls(
            mode=mode,
            size=size,
            uid=os.geteuid(),
            gid=os.getegid(),
            atime_ns=born_ns,
            mtime_ns=born_ns,
            ctime_ns=born_ns,
            links=2 if stat.S_ISDIR(mode) else 1,
            blocks=-(-size // _BLOCK),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Attributes to set; None leaves one as it is. Times are nanoseconds since the epoch."""

    size: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    atime_ns: int | None = None
    mtime_ns: int | None = None
