"""What the kernel knows of a file that has a name or is open, renaming, and replacing a file."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

from magicfs.linux.calls import last_error, libc
from magicfs.linux.locks import lock_descriptor

AT_FDCWD = -100
"""What stands for an open directory where names are absolute, or relative to the working directory."""

_AT_SYMLINK_NOFOLLOW = 0x100
_AT_NO_AUTOMOUNT = 0x800
_AT_EMPTY_PATH = 0x1000
_AT_STATX_DONT_SYNC = 0x4000
_STATX_BASIC_STATS_AND_BTIME = 0xFFF
_STATX_BTIME = 0x800
_STATX_MNT_ID = 0x1000
_STATX_BYTES = 256
_STATX_MASK = struct.Struct("=I")
_STATX_DEVICE_AND_MOUNT = struct.Struct("=136xIIQ")
"""Major and minor number of the device, and the mount id, within `struct statx`."""
_STATX = struct.Struct("=IIQIIIH2xQQQQ" + "qI4x" * 4 + "IIII")
"""`struct statx` up to the device: its times are those of access, birth, change of attributes and change of content."""
_NANOSECONDS = 10**9


def has_default_access_list(directory: int) -> bool:
    """Whether an open directory has one: then that list takes the place of the umask for what is made in it."""
    try:
        return bool(os.getxattr(f"/proc/self/fd/{directory}", "system.posix_acl_default"))
    except OSError:
        return False


def mount_of_descriptor(descriptor: int) -> tuple[int, int]:
    """The mount id and the device number of an open file. Does not ask its file system. Linux 5.8."""
    status = ctypes.create_string_buffer(_STATX_BYTES)
    try:
        statx = libc().statx
    except AttributeError as error:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
    flags = _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC
    if statx(descriptor, b"", flags, ctypes.c_uint(_STATX_MNT_ID), status):
        raise last_error()
    if not _STATX_MASK.unpack_from(status)[0] & _STATX_MNT_ID:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    major, minor, mount_id = _STATX_DEVICE_AND_MOUNT.unpack_from(status)
    return mount_id, os.makedev(major, minor)


def status_and_birth(directory: int, name: bytes = b"") -> tuple[os.stat_result, int]:
    """What `lstat` returns for a name in an open directory, and when the file was made, in nanoseconds since the epoch.

    An empty name stands for the descriptor itself. The birth is 0 where the file system, or the kernel, knows none.
    """
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    flags = _AT_EMPTY_PATH | _AT_SYMLINK_NOFOLLOW | _AT_NO_AUTOMOUNT
    try:
        failed = libc().statx(directory, name, flags, ctypes.c_uint(_STATX_BASIC_STATS_AND_BTIME), buffer)
    except AttributeError:
        ctypes.set_errno(errno.ENOSYS)
        failed = -1
    if failed:
        if ctypes.get_errno() != errno.ENOSYS:
            raise last_error(name)
        status = os.stat(name, dir_fd=directory, follow_symlinks=False) if name else os.fstat(directory)
        return status, 0
    mask, block, _, links, uid, gid, mode, ino, size, blocks, _, *rest = _STATX.unpack_from(buffer)
    atime, btime, ctime, mtime = (rest[at] * _NANOSECONDS + rest[at + 1] for at in (0, 2, 4, 6))
    device = os.makedev(rest[10], rest[11])
    seconds = (atime // _NANOSECONDS, mtime // _NANOSECONDS, ctime // _NANOSECONDS)
    floats = (atime / _NANOSECONDS, mtime / _NANOSECONDS, ctime / _NANOSECONDS)
    first = (mode, ino, device, links, uid, gid, size, *seconds, *floats)
    status = os.stat_result((*first, atime, mtime, ctime, block, blocks, os.makedev(rest[8], rest[9])))
    return status, btime if mask & _STATX_BTIME else 0


def regular_file_status(descriptor: int) -> os.stat_result | None:
    """The `fstat` result of an open file; None when it is not a regular file."""
    status = os.fstat(descriptor)
    return status if stat.S_ISREG(status.st_mode) else None


def rename(directory: int, name: bytes, new_directory: int, new_name: bytes, *, flags: int = 0) -> None:
    """Rename a name of an open directory to one of another; `flags` are the kernel's `RENAME_*`. Raises `OSError`."""
    if not flags:
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=new_directory)
    elif libc().renameat2(directory, name, new_directory, new_name, ctypes.c_uint(flags)):
        raise last_error(name)


MAX_LOG_BYTES = 10 << 20
"""Twice what the supervisor lets a log of its parts have: it rotates those itself."""


def rotate_log(path: str | os.PathLike[str]) -> None:
    """Move what a log of this user has, once it is long, to `.1`, in the place of an older one.

    Whoever has it open, to append to it, goes on with the empty one: a server that runs for weeks too. A line that is
    written meanwhile may be lost. A log that cannot be moved grows on.
    """
    with suppress(OSError):
        # In the temporary directory, somebody else may have made a link or a pipe of this name.
        log = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(log)
            is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
            # One that has become short was moved by another process.
            if is_ours and lock_descriptor(log) and os.fstat(log).st_size > MAX_LOG_BYTES:
                _copy(log, f"{os.fspath(path)}.1")
                os.ftruncate(log, 0)
        finally:
            os.close(log)


def _copy(file: int, path: str) -> None:
    """Put a copy of an open file in the place of another one. Raises `OSError`."""
    draft = f"{path}.{os.getpid()}"
    copy = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        copied = 0
        while count := os.sendfile(copy, file, copied, 1 << 30):
            copied += count
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    finally:
        os.close(copy)


def replace_file(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace a file by one with this text, which is on the disk then. A reader finds the old one or the new one."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        # Whatever the umask takes from a new file.
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
