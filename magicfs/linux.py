"""The Linux kernel in one place: system calls that Python lacks, opening files below a root, the table of mounts.

Used by every package that touches the disk. It knows nothing of roots, rules or the index. Any thread may call it.
Functions raise `OSError`; its `ENOSYS` means that the kernel, or a filter around this process, lacks the call.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import re
import stat
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cache, lru_cache

MOUNTINFO = "/proc/self/mountinfo"

AT_FDCWD = -100
"""As the `directory` of a call: a relative path begins at the working directory."""

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
"""Options of `prctl`."""

_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)
"""The version of `_CAPABILITIES`, and the calling thread."""
_CAPABILITIES = struct.Struct("=6I")
"""Effective, permitted and inheritable capabilities: the low halves, then the high halves."""

_OPENAT2 = 437
"""The same number on all architectures."""
_OPEN_HOW = struct.Struct("=QQQ")
"""`struct open_how`: flags, mode, resolve."""

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

_MNT_FORCE = 1
_UMOUNT_NOFOLLOW = 8

_CAP_FSETID = 1 << 4
"""Keeps set-user-ID and set-group-ID bits where the kernel would clear them."""


class Resolve(IntFlag):
    """How `openat2` may resolve a path: the kernel's `RESOLVE_*` flags."""

    NO_XDEV = 0x01
    """Never cross to another mount."""
    NO_SYMLINKS = 0x04
    """With `O_PATH | O_NOFOLLOW` the last component may still be a symbolic link, which is then opened itself."""
    BENEATH = 0x08
    """Never leave the directory that the path begins in."""
    CACHED = 0x20
    """Only what the kernel has in memory; `EAGAIN` for everything else."""


class InotifyMask(IntEnum):
    """What happened in a watched directory, and how to watch it: the kernel's `IN_*` flags.

    Not an `IntFlag`: its operators take microseconds, and each event needs several.
    """

    MODIFY = 0x2
    ATTRIB = 0x4
    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    CREATE = 0x100
    DELETE = 0x200
    DELETE_SELF = 0x400
    MOVE_SELF = 0x800
    UNMOUNT = 0x2000
    Q_OVERFLOW = 0x4000
    """The kernel has dropped events."""
    IGNORED = 0x8000
    """The watch has ended."""
    ONLYDIR = 0x01000000
    DONT_FOLLOW = 0x02000000
    EXCL_UNLINK = 0x04000000
    ISDIR = 0x40000000


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


@cache
def _openat2_call() -> Callable[[int, int, bytes, bytes, int], int]:
    """The C function `syscall` for `openat2`: with declared types a call takes half the time."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_long)
    call.restype = ctypes.c_long
    return call


def _last_error(path: bytes | None = None) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Call the kernel by the call's number and return its result. Raises `OSError`."""
    values = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    result: int = _libc().syscall(ctypes.c_long(number), *values)
    if result < 0:
        raise _last_error()
    return result


def return_free_memory() -> None:
    """Collect garbage, and give memory back that imports or the load of a model have left free."""
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Give memory back that native code has left free, which takes about a millisecond. Only glibc keeps it."""
    trim = getattr(_libc(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def prctl(option: int, *arguments: int) -> None:
    """Change an attribute of this thread or process. Raises `OSError`."""
    values = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc().prctl(ctypes.c_int(option), *values):
        raise _last_error()


def capabilities() -> int:
    """The capabilities that this thread has or may take, as bits."""
    effective, permitted, _ = _thread_capabilities()
    return effective | permitted


def keep_capabilities(kept: int) -> None:
    """Give up every capability of this thread, and of threads that it starts, that is not among the bits `kept`."""
    held = capabilities()
    kept &= held
    if kept == held:
        return
    _set_thread_capabilities(kept, kept, 0)


def openat2(directory: int, path: bytes, flags: int, resolve: Resolve) -> int:
    """Open a file like `openat`, restricted by `resolve`, and return the descriptor. Linux 5.6, `CACHED` 5.12."""
    how = _OPEN_HOW.pack(flags, 0, resolve)
    descriptor = _openat2_call()(_OPENAT2, directory, path, how, len(how))
    if descriptor < 0:
        raise _last_error()
    return descriptor


def mount_of_descriptor(descriptor: int) -> tuple[int, int]:
    """The mount id and the device number of an open file. Does not ask its file system. Linux 5.8."""
    status = ctypes.create_string_buffer(_STATX_BYTES)
    try:
        statx = _libc().statx
    except AttributeError as error:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
    flags = _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC
    if statx(descriptor, b"", flags, ctypes.c_uint(_STATX_MNT_ID), status):
        raise _last_error()
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
        failed = _libc().statx(directory, name, flags, ctypes.c_uint(_STATX_BASIC_STATS_AND_BTIME), buffer)
    except AttributeError:
        ctypes.set_errno(errno.ENOSYS)
        failed = -1
    if failed:
        if ctypes.get_errno() != errno.ENOSYS:
            raise _last_error(name)
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


def abort_mount(mountpoint: bytes) -> None:
    """End all requests of a mount with an error, and unmount it if nothing is open there. For the superuser alone."""
    if _libc().umount2(mountpoint, _MNT_FORCE | _UMOUNT_NOFOLLOW):
        raise _last_error(mountpoint)


def rename(directory: int, name: bytes, new_directory: int, new_name: bytes, *, flags: int = 0) -> None:
    """Rename a name of an open directory to one of another; `flags` are the kernel's `RENAME_*`. Raises `OSError`."""
    if not flags:
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=new_directory)
    elif _libc().renameat2(directory, name, new_directory, new_name, ctypes.c_uint(flags)):
        raise _last_error(name)


@contextmanager
def file_system_user(uid: int, gid: int) -> Iterator[None]:
    """What this thread makes within the context belongs to the user and the group, as if they had made it.

    For a process of the superuser that acts for others. The thread keeps its rights, but not the one to set bits that
    the user must not set. A process of another user makes files of its own.
    """
    own_uid, own_gid = os.geteuid(), os.getegid()
    if own_uid != 0 or (uid, gid) == (own_uid, own_gid):
        yield
        return
    effective, permitted, inheritable = _thread_capabilities()
    libc = _libc()
    libc.setfsgid(ctypes.c_uint(gid))
    libc.setfsuid(ctypes.c_uint(uid))
    try:
        if uid:
            _set_thread_capabilities(permitted & ~_CAP_FSETID, permitted, inheritable)
        yield
    finally:
        libc.setfsuid(ctypes.c_uint(own_uid))
        libc.setfsgid(ctypes.c_uint(own_gid))
        _set_thread_capabilities(effective, permitted, inheritable)


def _thread_capabilities() -> tuple[int, int, int]:
    """The effective, permitted and inheritable capabilities of this thread, as bits."""
    data = ctypes.create_string_buffer(_CAPABILITIES.size)
    if _libc().capget(_CAPABILITY_HEADER, data):
        raise _last_error()
    low = _CAPABILITIES.unpack(data.raw)
    return low[0] | low[3] << 32, low[1] | low[4] << 32, low[2] | low[5] << 32


def _set_thread_capabilities(*sets: int) -> None:
    """Set what `_thread_capabilities` returns."""
    low, high = [bits & 0xFFFFFFFF for bits in sets], [bits >> 32 for bits in sets]
    if _libc().capset(_CAPABILITY_HEADER, _CAPABILITIES.pack(*low, *high)):
        raise _last_error()


def inotify_init() -> int:
    """Return a new non-blocking inotify descriptor. Raises `OSError`: `EMFILE` when the user has too many."""
    descriptor = int(_libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
    if descriptor < 0:
        raise _last_error()
    return descriptor


def inotify_add_watch(descriptor: int, path: bytes, mask: int) -> int:
    """Watch a path and return the watch number. Raises `OSError`: `ENOSPC` when the user has too many watches."""
    number = int(_libc().inotify_add_watch(descriptor, path, ctypes.c_uint32(mask)))
    if number < 0:
        raise _last_error(path)
    return number


def inotify_remove_watch(descriptor: int, watch: int) -> None:
    """End a watch; an `IGNORED` event follows. Does nothing when the watch has ended already."""
    _libc().inotify_rm_watch(descriptor, watch)


@dataclass(frozen=True, slots=True)
class MountEntry:
    """A line of the kernel's table of mounts."""

    mount_id: int
    device: str
    """`major:minor`."""
    mount_point: bytes
    """As seen by this process."""
    file_system: str
    """Its type, such as `ext4` or `fuse.magicfs`."""

    @property
    def is_magicfs(self) -> bool:
        """Whether it is a mount of MagicFS, of whatever index."""
        return self.file_system == "fuse.magicfs"


def read_mounts() -> Iterator[MountEntry]:
    """The mounts that this process sees, later mounts after earlier ones. Never touches a mount itself."""
    with open(MOUNTINFO, "rb") as lines:
        yield from map(parse_mount, lines)


def device_of_path(path: bytes) -> str:
    """The device, `major:minor`, of the mount that an absolute path lies in, by the table of mounts.

    Never touches the path or a mount. The table is at most a second old.
    """
    devices = _devices_by_mount_point(int(time.monotonic()))
    while path not in devices and path not in (b"", b"/"):
        path = path.rpartition(b"/")[0]
    return devices.get(path or b"/", "")


_SHARED_FILE_SYSTEMS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "ceph", "afs", "lustre", "beegfs", "gpfs", "9p", "virtiofs", "ocfs2", "gfs2")
)


def is_shared_file_system(path: bytes) -> bool:
    """Whether an absolute path lies on a file system that other machines or programs change without an event here.

    Never touches the path.
    """
    device = device_of_path(path)
    types = [mount.file_system for mount in read_mounts() if mount.device == device]
    return any(name in _SHARED_FILE_SYSTEMS or name.startswith("fuse.") for name in types)


@lru_cache(maxsize=1)
def _devices_by_mount_point(second: int) -> Mapping[bytes, str]:  # noqa: ARG001 - the cache's key
    return {mount.mount_point: mount.device for mount in read_mounts()}


def parse_mount(line: bytes) -> MountEntry:
    """The entry in a line of `/proc/self/mountinfo`; proc(5) has the format."""
    # A variable number of optional fields ends with a lone dash.
    fields, _, source = line.partition(b" - ")
    mount_id, _, device, _, mount_point, *_ = fields.split(b" ")
    file_system = source.split(b" ", 1)[0]
    return MountEntry(int(mount_id), device.decode("ascii"), _unescaped(mount_point), os.fsdecode(file_system))


def _unescaped(path: bytes) -> bytes:
    r"""A path of the table: blanks, line breaks and backslashes stand there as `\` and three octal digits."""
    return re.sub(rb"\\([0-7]{3})", lambda digits: bytes([int(digits[1], 8)]), path)


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

_LOCAL_FILE_SYSTEMS = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "tmpfs", "ramfs", "vfat", "exfat")
)
"""File systems that answer from the kernel's memory. Others may ask a server or a program first, and wait for it."""


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
        if not _answers_from_memory(directory):
            return None
        return openat2(directory, path, _with_safe_flags(flags), _BELOW_CACHED)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    finally:
        os.close(directory)


def open_child_cached(directory: int, name: bytes) -> int | None:
    """An `O_PATH` descriptor of a name in an open directory, which may be a link itself.

    None where it is not in memory, or where the file system may wait for a server or a program.
    """
    try:
        if not _answers_from_memory(directory):
            return None
        return openat2(directory, name, os.O_PATH | _SAFE_PATH_FLAGS, _BELOW_CACHED)
    except OSError:
        return None


def _answers_from_memory(directory: int) -> bool:
    """Whether an open directory lies on a file system that waits for no server or program."""
    try:
        return _is_local_file_system(*mount_of_descriptor(directory), int(time.monotonic()))
    except OSError:
        return False


@lru_cache(maxsize=64)
def _is_local_file_system(mount_id: int, device: int, second: int) -> bool:  # noqa: ARG001 - part of the cache's key
    """Whether the file system of a mount answers without waiting for a server or a program.

    The kernel reuses mount ids and device numbers. The cache key contains the `second`, so an answer holds that long.
    """
    return any(mount.mount_id == mount_id and mount.file_system in _LOCAL_FILE_SYSTEMS for mount in read_mounts())


def regular_file_status(descriptor: int) -> os.stat_result | None:
    """The `fstat` result of an open file; None when it is not a regular file."""
    status = os.fstat(descriptor)
    return status if stat.S_ISREG(status.st_mode) else None
