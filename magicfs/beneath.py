"""Open a file below a root and nowhere else: neither the root nor a component below it may be a symbolic link.

Used by extraction and by the mount. Between a scan and an open, a directory can become a link to `/etc`;
so the kernel is told to follow none, or each component is opened on its own, relative to the one above it.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from functools import lru_cache

from magicfs.domain.files import FileStat
from magicfs.kernel import HERE, Resolve, mount_of, openat2

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOT_AT_ONCE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
"""Some kernels take O_DIRECTORY for a temporary file, which they never make at once; what is opened below tells too."""
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SAFE_PATH = os.O_NOFOLLOW | os.O_CLOEXEC
_BELOW = Resolve.BENEATH | Resolve.NO_LINKS
_BELOW_AT_ONCE = _BELOW | Resolve.NO_OTHER_MOUNT | Resolve.CACHED
_NOT_SO = frozenset({errno.ENOSYS, errno.EPERM, errno.E2BIG, errno.EINVAL, errno.ENAMETOOLONG, errno.EOVERFLOW})
"""The kernel, or what confines this process, does not know the call; or the path is longer than one call takes."""

_LOCAL = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "tmpfs", "ramfs", "vfat", "exfat")
)
"""File systems of this machine's kernel: what they have in memory they give at once. Others may ask a server or a
program first, and wait for it."""


def open_beneath(root: bytes, path: bytes, *, flags: int = os.O_RDONLY) -> int:
    """Open `path`, relative to `root`, and return the file descriptor.

    Never follows a symbolic link, be it below `root` or in its place, never blocks on a FIFO or a device. Raises
    `OSError` as `open` does; `ELOOP` or `ENOTDIR` where a link stands in the way, `EXDEV` for a way up.
    """
    directory = os.open(root, _DIRECTORY)
    try:
        try:
            return openat2(directory, path, _safe(flags), _BELOW)
        except OSError as error:
            if error.errno not in _NOT_SO:
                raise
        return _step_by_step(directory, path, flags)
    finally:
        os.close(directory)


def _step_by_step(directory: int, path: bytes, flags: int) -> int:
    *parents, name = path.split(b"/")
    if b".." in (*parents, name):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    at = os.dup(directory)
    try:
        for parent in parents:
            below = os.open(parent, _DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, _safe(flags), dir_fd=at)
    finally:
        os.close(at)


def _safe(flags: int) -> int:
    return flags | (_SAFE_PATH if flags & os.O_PATH else _SAFE)


def open_at_once(root: bytes, path: bytes, *, flags: int = os.O_RDONLY) -> int | None:
    """The same if it neither waits for a disk nor for a server, nor crosses to another file system; None if it might.

    Not for writing. None too if there is no such file, and where the kernel does not offer this.
    """
    try:
        directory = openat2(HERE, root, _ROOT_AT_ONCE, Resolve.CACHED)
    except OSError:
        return None
    try:
        if not _is_local(*mount_of(directory), int(time.monotonic())):
            return None
        return openat2(directory, path, _safe(flags), _BELOW_AT_ONCE)
    except OSError:
        return None
    finally:
        os.close(directory)


@lru_cache(maxsize=64)
def _is_local(mount: int, device: int, second: int) -> bool:  # noqa: ARG001 - the cache's key
    """Whether a mount's file system never waits for anybody.

    The numbers of a mount and its device may be given to another one after it: so this is known for a second.
    """
    number = b"%d" % mount
    with open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            fields, _, source = line.partition(b" - ")
            if fields.split(b" ", 1)[0] == number:
                return source.split(b" ", 1)[0].decode("ascii", "replace") in _LOCAL
    return False


def regular_file_stat(descriptor: int) -> FileStat | None:
    """The metadata of an open file; None when it is not a regular file."""
    status = os.fstat(descriptor)
    return FileStat.of(status) if stat.S_ISREG(status.st_mode) else None
