"""Opening files below a root, without following links: in a thread, or from what the kernel has in memory."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import time
from collections.abc import Callable
from enum import IntFlag
from functools import cache, lru_cache

from magicfs.linux.calls import last_error
from magicfs.linux.files import AT_FDCWD, mount_of_descriptor
from magicfs.linux.mounts import read_mounts

_OPENAT2 = 437
"""The same number on all architectures."""
OPEN_HOW = struct.Struct("=QQQ")
"""`struct open_how`: flags, mode, resolve."""


class Resolve(IntFlag):
    """How `openat2` may resolve a path: the kernel's `RESOLVE_*` flags."""

    NO_XDEV = 0x01
    """Never cross to another mount."""
    NO_SYMLINKS = 0x04
    """With `O_PATH | O_NOFOLLOW` the last component may still be a symbolic link, which is then opened itself."""
    BENEATH = 0x08
    """Never leave the directory that the path begins in."""
    CACHED = 0x20
    """Only what the kernel has in memory; `EAGAIN` for everything else, and while something is mounted anywhere."""


_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CACHED_DIRECTORY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
"""Without O_DIRECTORY, which some kernels mistake for O_TMPFILE and refuse with `CACHED`. Opening a path below a file
fails anyway."""
_SAFE_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SAFE_PATH_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC
_BELOW = Resolve.BENEATH | Resolve.NO_SYMLINKS
_BELOW_CACHED = _BELOW | Resolve.NO_XDEV | Resolve.CACHED
_OPENAT2_UNUSABLE = frozenset(
    {errno.ENOSYS, errno.EPERM, errno.E2BIG, errno.EINVAL, errno.ENAMETOOLONG, errno.EOVERFLOW}
)
"""The kernel or a filter refuses the call itself, or the path is longer than one call takes."""

_ATTEMPTS = 4
"""To open what may be in memory. What is not costs a thousandth of what reading it costs, and an attempt fails as well
when something is mounted or unmounted anywhere at that moment: one in 200 on a machine that does nothing else."""

_LOCAL_FILE_SYSTEMS = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "tmpfs", "ramfs", "vfat", "exfat")
)
"""File systems that answer from the kernel's memory. Others may ask a server or a program first, and wait for it."""


@cache
def openat2_call() -> Callable[[int, int, bytes, bytes, int], int]:
    """The C function `syscall` for `openat2`: with declared types a call takes half the time."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_long)
    call.restype = ctypes.c_long
    return call


def openat2(directory: int, path: bytes, flags: int, resolve: Resolve) -> int:
    """Open a file like `openat`, restricted by `resolve`, and return the descriptor. Linux 5.6, `CACHED` 5.12.

    Raises `OSError`: `EAGAIN` after several attempts.
    """
    how = OPEN_HOW.pack(flags, 0, resolve)
    for _ in range(_ATTEMPTS):
        descriptor = openat2_call()(_OPENAT2, directory, path, how, len(how))
        if descriptor >= 0:
            return descriptor
        if ctypes.get_errno() != errno.EAGAIN:
            break
    raise last_error()


def open_below(root: bytes, path: bytes, *, flags: int = os.O_RDONLY) -> int:
    """Open `path`, relative to `root`, and return the descriptor.

    Never follows a symbolic link, neither below `root` nor in its place, and never blocks on a FIFO or a device.
    Raises `OSError` as `open` does: `ELOOP` or `ENOTDIR` for a symbolic link on the way, `EXDEV` for `..`.
    """
    directory = os.open(root, _DIRECTORY)
    try:
        try:
            return openat2(directory, path, _with_safe_flags(flags), _BELOW)
        except OSError as error:
            if error.errno not in _OPENAT2_UNUSABLE:
                raise
        return _open_step_by_step(directory, path, flags)
    finally:
        os.close(directory)


def _open_step_by_step(directory: int, path: bytes, flags: int) -> int:
    *parents, name = path.split(b"/")
    if b".." in (*parents, name):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    current = os.dup(directory)
    try:
        for parent in parents:
            child = os.open(parent, _DIRECTORY, dir_fd=current)
            os.close(current)
            current = child
        return os.open(name, _with_safe_flags(flags), dir_fd=current)
    finally:
        os.close(current)


def _with_safe_flags(flags: int) -> int:
    return flags | (_SAFE_PATH_FLAGS if flags & os.O_PATH else _SAFE_FLAGS)


def open_below_cached(root: bytes, path: bytes, *, flags: int = os.O_RDONLY) -> int | None:
    """Open `path` as `open_below` does; None where opening might wait for a disk or a server, or crosses to a mount.

    Not for writing. Also returns None where the kernel lacks the calls. Raises `FileNotFoundError` when the kernel has
    in memory that there is no such file: that is certain, on a file system that only this machine changes.
    """
    try:
        directory = openat2(AT_FDCWD, root, _CACHED_DIRECTORY, Resolve.CACHED)
    except OSError:
        return None
    try:
        if not is_on_local_file_system(directory):
            return None
        return openat2(directory, path, _with_safe_flags(flags), _BELOW_CACHED)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    finally:
        os.close(directory)


def open_child(directory: int, name: bytes) -> int | None:
    """An `O_PATH` descriptor of a name in an open directory, which may be a link itself. May wait for a disk.

    None if there is no such name, and where the file system may wait for a server or a program.
    """
    if not is_on_local_file_system(directory):
        return None
    flags = os.O_PATH | _SAFE_PATH_FLAGS
    try:
        try:
            return openat2(directory, name, flags, _BELOW | Resolve.NO_XDEV)
        except OSError as error:
            if error.errno not in _OPENAT2_UNUSABLE:
                raise
        return os.open(name, flags, dir_fd=directory)
    except OSError:
        return None


def open_name_cached(directory: int, name: bytes) -> int | None:
    """An `O_PATH` descriptor of a name in an open directory of a local file system; None where it is not in memory.

    It may be a link itself. Raises `FileNotFoundError` when the kernel has in memory that there is no such name.
    """
    try:
        return openat2(directory, name, os.O_PATH | _SAFE_PATH_FLAGS, _BELOW_CACHED)
    except FileNotFoundError:
        raise
    except OSError:
        return None


def is_on_local_file_system(descriptor: int) -> bool:
    """Whether what is open lies on a file system that waits for no server or program. Never blocks."""
    try:
        return is_local_file_system(*mount_of_descriptor(descriptor), int(time.monotonic()))
    except OSError:
        return False


@lru_cache(maxsize=64)
def is_local_file_system(mount_id: int, device: int, second: int) -> bool:
    """Whether the file system of a mount answers without waiting for a server or a program.

    The kernel reuses mount ids and device numbers. The cache key contains the `second`, so an answer holds that long.
    """
    del device, second
    return any(mount.mount_id == mount_id and mount.file_system in _LOCAL_FILE_SYSTEMS for mount in read_mounts())
