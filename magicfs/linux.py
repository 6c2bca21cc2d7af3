"""Linux, in one place: system calls that Python has no function for, and opening a file below a root and nowhere else.

Used by every package that touches the disk. Any thread. Each function raises `OSError`: `ENOSYS` where the kernel, or
what confines this process, does not know a call.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import time
from enum import IntFlag
from functools import cache, lru_cache

_OPENAT2 = 437
"""The same number on all architectures."""
_OPEN_HOW = struct.Struct("=QQQ")

_AT_EMPTY_PATH = 0x1000
_AT_STATX_DONT_SYNC = 0x4000
_STATX_MNT_ID = 0x1000
_STATX_BYTES = 256
_MASK = struct.Struct("=I")
_PLACE = struct.Struct("=136xIIQ")
"""Of `struct statx`, the device's numbers and the mount's."""

AT_FDCWD = -100
"""As a `directory`: relative paths begin at the current one."""


class Resolve(IntFlag):
    """Which ways to a file are allowed; the kernel's numbers."""

    NO_OTHER_MOUNT = 0x01
    NO_LINKS = 0x04
    """But the last component may be one for `O_PATH | O_NOFOLLOW`, which stands for the link then."""
    BENEATH = 0x08
    CACHED = 0x20
    """Only what the kernel has in memory; `EAGAIN` for everything else."""


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Call the kernel by a number; its answer. Raises `OSError`."""
    values = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    answer: int = _libc().syscall(ctypes.c_long(number), *values)
    if answer < 0:
        reason = ctypes.get_errno()
        raise OSError(reason, os.strerror(reason))
    return answer


def openat2(directory: int, path: bytes, flags: int, resolve: Resolve) -> int:
    """Open a file as `openat` does, but only by these ways. Returns the descriptor. Linux 5.6, `CACHED` 5.12."""
    how = _OPEN_HOW.pack(flags, 0, resolve)
    return syscall(_OPENAT2, directory, path, how, len(how))


def mount_of_descriptor(descriptor: int) -> tuple[int, int]:
    """The number of the mount, and the device, that a file lies on, without asking its file system. Linux 5.8."""
    status = ctypes.create_string_buffer(_STATX_BYTES)
    try:
        statx = _libc().statx
    except AttributeError as error:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
    flags = _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC
    if statx(descriptor, b"", flags, ctypes.c_uint(_STATX_MNT_ID), status):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if not _MASK.unpack_from(status)[0] & _STATX_MNT_ID:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    major, minor, mount = _PLACE.unpack_from(status)
    return mount, os.makedev(major, minor)


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


def open_below(root: bytes, path: bytes, *, flags: int = os.O_RDONLY) -> int:
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


def open_below_cached(root: bytes, path: bytes, *, flags: int = os.O_RDONLY) -> int | None:
    """The same if it neither waits for a disk nor for a server, nor crosses to another file system; None if it might.

    Not for writing. None too if there is no such file, and where the kernel does not offer this.
    """
    try:
        directory = openat2(AT_FDCWD, root, _ROOT_AT_ONCE, Resolve.CACHED)
    except OSError:
        return None
    try:
        if not _is_local(*mount_of_descriptor(directory), int(time.monotonic())):
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


def regular_file_status(descriptor: int) -> os.stat_result | None:
    """The `fstat` result of an open file; None when it is not a regular file."""
    status = os.fstat(descriptor)
    return status if stat.S_ISREG(status.st_mode) else None
