"""System calls of Linux that Python has no function for. Any thread.

Each raises `OSError`: `ENOSYS` where the kernel, or what confines this process, does not know it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from enum import IntFlag
from functools import cache

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

HERE = -100
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


def mount_of(descriptor: int) -> tuple[int, int]:
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
