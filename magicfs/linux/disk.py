"""Whether a disk takes what is written: it may be full, over a quota, read-only after an error, or broken.

The disk is asked by writing a little to a file without a name, which leaves nothing. What `statvfs` says is not enough:
it knows no quota, and not that the kernel takes no more writes after an error. Any thread.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

LOG_SEGMENT_BYTES = 16 << 20
"""What Postgres takes from the disk at a time, for its log. Without it, Postgres ends."""

_BYTES = b"\0" * 4096


def why_no_writes(folder: Path, *, flush: bool = True) -> str | None:
    """Why nothing can be written to the disk of a folder, and what to do; None if it can, or nobody knows.

    Without `flush` nothing reaches the disk: its file system says what it knows.
    """
    try:
        _write(folder, flush=flush)
        status = os.statvfs(folder)
    except OSError as error:
        return _explained(folder, error.errno)
    if status.f_bavail * status.f_frsize < LOG_SEGMENT_BYTES:
        return _explained(folder, errno.ENOSPC)
    return None


def why_no_room(folder: Path, *, size: int, files: int) -> str | None:
    """Why the disk of a folder has no room for `files` more files of `size` bytes together; None if it has.

    Where only a quota knows, this is None too.
    """
    status = os.statvfs(folder)
    has_bytes = status.f_bavail * status.f_frsize >= size
    if has_bytes and (status.f_files == 0 or status.f_favail >= files):  # some file systems have no limit of files
        return None
    lack = f"{files} files more" if has_bytes else f"{size >> 20} MB more"
    return f"the disk of {folder} has no room for {lack}: make room there"


def remove_if_writable(path: Path) -> None:
    """Remove a file if it is there. On a disk that has become read-only it stays. Raises other errors (`OSError`)."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise


def _write(folder: Path, *, flush: bool) -> None:
    """Write to a file without a name. Some file systems have none: they are taken to be written."""
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL}:
            return
        raise
    try:
        os.write(descriptor, _BYTES)
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(folder: Path, number: int | None) -> str | None:
    match number:
        case errno.ENOSPC if _has_no_inode(folder):
            return f"the disk of {folder} takes no more files, whatever room it has: delete small files"
        case errno.ENOSPC:
            return f"the disk of {folder} is full: make room"
        case errno.EDQUOT:
            return f"the quota of the disk of {folder} is used up: make room, or have it raised"
        case errno.EROFS:
            return f"the disk of {folder} is read-only, as after an error that 'dmesg' names: mount it to be written"
        case errno.EIO:
            return f"the disk of {folder} fails, and 'dmesg' says how: move it to another one, or set MAGICFS_HOME"
    return None


def _has_no_inode(folder: Path) -> bool:
    status = os.statvfs(folder)
    return status.f_files > 0 and status.f_favail == 0
