"""The messages of the kernel's FUSE protocol, as `linux/fuse.h` has them: how requests are read and replies are packed.

Used by `session`, `device` and `kernel_cache`. Pure; any thread. All numbers are in the order of this machine.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from enum import IntEnum

from magicfs.domain.attributes import AttributeChange, Attributes

VERSION = (7, 38)
"""The protocol that is spoken, of Linux 6.2. An older kernel speaks its own, a newer one this."""
EXPIRES_NAMES = (7, 38)
"""Since then a name can be made to be looked up again without being taken away from those who use it."""
MAX_WRITE_BYTES = 1 << 20
"""The largest write and read request. Both take as many pages at most."""
REQUEST_BYTES = MAX_WRITE_BYTES + 4096
"""The largest request with its header."""
MAX_BACKGROUND = 64
"""Requests of read-ahead that the kernel has out at a time; its own limit is twelve for a whole mount."""
_PREFERRED_IO_BYTES = 128 << 10
"""`st_blksize`: the size of reads and writes that programs should prefer."""
_NANOSECONDS = 10**9


class Opcode(IntEnum):
    """What a request asks for."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    READLINK = 5
    SYMLINK = 6
    MKNOD = 8
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    LINK = 13
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    SETXATTR = 21
    GETXATTR = 22
    LISTXATTR = 23
    REMOVEXATTR = 24
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIRPLUS = 44
    RELEASEDIR = 29
    FSYNCDIR = 30
    ACCESS = 34
    CREATE = 35
    INTERRUPT = 36
    DESTROY = 38
    NOTIFY_REPLY = 41
    BATCH_FORGET = 42
    RENAME2 = 45


class Capability(IntEnum):
    """What the kernel offers, and what this file system wants of it."""

    ASYNC_READ = 1 << 0
    ATOMIC_O_TRUNC = 1 << 3
    BIG_WRITES = 1 << 5
    IOCTL_DIR = 1 << 11
    AUTO_INVAL_DATA = 1 << 12
    """The kernel drops pages when it learns of another size or time."""
    DO_READDIRPLUS = 1 << 13
    ASYNC_DIO = 1 << 15
    PARALLEL_DIROPS = 1 << 18
    POSIX_ACL = 1 << 20
    MAX_PAGES = 1 << 22
    HANDLE_KILLPRIV_V2 = 1 << 28
    """This side takes set-user-ID bits away, so that the kernel asks for no attribute before each write."""


WANTED = (
    Capability.ASYNC_READ
    | Capability.ATOMIC_O_TRUNC
    | Capability.BIG_WRITES
    | Capability.IOCTL_DIR
    | Capability.AUTO_INVAL_DATA
    | Capability.DO_READDIRPLUS
    | Capability.ASYNC_DIO
    | Capability.PARALLEL_DIROPS
    | Capability.MAX_PAGES
    | Capability.HANDLE_KILLPRIV_V2
)

REQUEST = struct.Struct("=IIQQIIIHxx")
"""Length, opcode, number, inode, user, group, process, length of extensions."""
REPLY = struct.Struct("=IiQ")
"""Length, negative error number, number of the request. Where that is 0 it is a notification: its code is the error."""
INIT_IN = struct.Struct("=IIII")
_INIT_OUT = struct.Struct("=IIIIHHIIHHI28x")
FORGET_ONE = struct.Struct("=QQ")
COUNT = struct.Struct("=Q")
WORD = struct.Struct("=I")
TWO_WORDS = struct.Struct("=II")
OPEN_IN = TWO_WORDS
CREATE_IN = struct.Struct("=IIII")
MKNOD_IN = struct.Struct("=IIII")
RENAME2_IN = struct.Struct("=QII")
READ_IN = struct.Struct("=QQIIQII")
WRITE_IN = READ_IN
RELEASE_IN = struct.Struct("=QIIQ")
FSYNC_IN = struct.Struct("=QII")
SETXATTR_IN = TWO_WORDS
GETXATTR_IN = TWO_WORDS
_SETATTR_IN = struct.Struct("=IIQQQQQQIIIIIIII")
_ATTRIBUTES = struct.Struct("=QQQQQQIIIIIIIIII")
_ENTRY = struct.Struct("=QQQQII")
_ATTRIBUTES_OUT = struct.Struct("=QIxxxx")
_OPEN_OUT = struct.Struct("=QIxxxx")
_DIRECTORY_ENTRY = struct.Struct("=QQII")
_STATFS_OUT = struct.Struct("=QQQQQIIIxxxx24x")
NOTIFY_INODE = struct.Struct("=Qqq")
NOTIFY_NAME = struct.Struct("=QII")
NOTIFY_INODE_CODE = 2
NOTIFY_NAME_CODE = 3
NOTIFY_EXPIRE_ONLY = 1

_SET_MODE, _SET_UID, _SET_GID, _SET_SIZE, _SET_ATIME, _SET_MTIME, _SET_HANDLE, _SET_ATIME_NOW, _SET_MTIME_NOW = (
    1 << bit for bit in range(9)
)
_OPEN_DIRECT_IO, _OPEN_KEEP_CACHE, _OPEN_CACHE_DIRECTORY = 1, 2, 8


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who has sent a request."""

    uid: int
    gid: int
    pid: int


@dataclass(slots=True)
class EntryAttributes:
    """A node with its attributes in a reply; the kernel keeps the name and the attributes for so many seconds."""

    ino: int
    attributes: Attributes | None
    """None for the reply that a name does not exist: its number is 0."""
    entry_timeout: float = 0.0
    attribute_timeout: float = 0.0

    def as_entry(self) -> bytes:
        """The reply to a lookup."""
        entry, entry_part = _seconds(self.entry_timeout)
        attribute, attribute_part = _seconds(self.attribute_timeout)
        head = _ENTRY.pack(self.ino, 0, entry, attribute, entry_part, attribute_part)
        return head + (_packed(self.ino, self.attributes) if self.attributes is not None else bytes(_ATTRIBUTES.size))

    def as_attributes(self) -> bytes:
        """The reply to a request for attributes."""
        if self.attributes is None:
            raise ValueError("a name that does not exist has no attributes")
        return _ATTRIBUTES_OUT.pack(*_seconds(self.attribute_timeout)) + _packed(self.ino, self.attributes)


def _packed(ino: int, attributes: Attributes) -> bytes:
    atime, atime_part = divmod(attributes.atime_ns, _NANOSECONDS)
    mtime, mtime_part = divmod(attributes.mtime_ns, _NANOSECONDS)
    ctime, ctime_part = divmod(attributes.ctime_ns, _NANOSECONDS)
    return _ATTRIBUTES.pack(
        ino,
        attributes.size,
        attributes.blocks,
        atime & _UNSIGNED,
        mtime & _UNSIGNED,
        ctime & _UNSIGNED,
        atime_part,
        mtime_part,
        ctime_part,
        attributes.mode,
        attributes.links,
        attributes.uid,
        attributes.gid,
        _kernel_device(attributes.device),
        _PREFERRED_IO_BYTES,
        0,
    )


_UNSIGNED = (1 << 64) - 1


def _kernel_device(device: int) -> int:
    """A device number as the kernel encodes it in 32 bits."""
    if not device:
        return 0
    major, minor = os.major(device), os.minor(device)
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)


def device_of_kernel(device: int) -> int:
    """The device number that `os.makedev` returns, of one in 32 bits."""
    return os.makedev((device & 0xFFF00) >> 8, (device & 0xFF) | ((device >> 12) & 0xFFF00))


def _seconds(timeout: float) -> tuple[int, int]:
    whole = int(timeout)
    return whole, int((timeout - whole) * _NANOSECONDS)


class ListingReply:
    """The entries of a reply to a listing, which has room for a limited number of bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._parts: list[bytes] = []

    def add(self, name: bytes, entry: EntryAttributes, position: int) -> bool:
        """Add an entry, after which the listing goes on at `position`; False if there is no room for it."""
        size = _ENTRY.size + _ATTRIBUTES.size + _DIRECTORY_ENTRY.size + len(name)
        padding = -size % 8
        if size + padding > self._room:
            return False
        self._room -= size + padding
        mode = entry.attributes.mode if entry.attributes is not None else 0
        head = _DIRECTORY_ENTRY.pack(entry.ino, position, len(name), stat.S_IFMT(mode) >> 12)
        self._parts += (entry.as_entry(), head, name, bytes(padding))
        return True

    @property
    def data(self) -> bytes:
        """The reply."""
        return b"".join(self._parts)


@dataclass(frozen=True, slots=True)
class OpenReply:
    """An open file or directory, by the number that the kernel is to use for it."""

    fh: int
    direct_io: bool = False
    """Whether reads and writes bypass the kernel's pages."""
    keep_cache: bool = False
    """Whether the pages, or the listing, that the kernel has are still true."""
    cache_listing: bool = False
    """Whether the kernel may keep the listing."""

    def packed(self) -> bytes:
        """The reply."""
        flags = self.direct_io * _OPEN_DIRECT_IO | self.keep_cache * _OPEN_KEEP_CACHE
        return _OPEN_OUT.pack(self.fh, flags | self.cache_listing * _OPEN_CACHE_DIRECTORY)


def statfs_reply(space: os.statvfs_result | None, *, block_bytes: int, name_bytes: int) -> bytes:
    """The reply with the space of a file system; without one there is no space."""
    if space is None:
        return _STATFS_OUT.pack(0, 0, 0, 0, 0, block_bytes, name_bytes, block_bytes)
    blocks = (space.f_blocks, space.f_bfree, space.f_bavail, space.f_files, space.f_ffree)
    return _STATFS_OUT.pack(*blocks, space.f_bsize, name_bytes, space.f_frsize)


def init_reply(major: int, read_ahead: int, offered: int, *, wanted: int) -> bytes:
    """The reply to the first request: what is `wanted` of the kernel's offer. One with another major asks again."""
    if major > VERSION[0]:
        return _INIT_OUT.pack(*VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    pages = MAX_WRITE_BYTES // os.sysconf("SC_PAGE_SIZE")
    background = (MAX_BACKGROUND, MAX_BACKGROUND * 3 // 4)
    return _INIT_OUT.pack(*VERSION, read_ahead, offered & wanted, *background, MAX_WRITE_BYTES, 1, pages, 0, 0)


def attribute_change(body: memoryview, *, now_ns: int) -> tuple[AttributeChange, int | None]:
    """What a request changes, and the number of the open file that it is made through, if any."""
    valid, _, handle, size, _, atime, mtime, _, atime_part, mtime_part, _, mode, _, uid, gid, _ = (
        _SETATTR_IN.unpack_from(body)
    )
    change = AttributeChange(
        size=size if valid & _SET_SIZE else None,
        mode=mode if valid & _SET_MODE else None,
        uid=uid if valid & _SET_UID else None,
        gid=gid if valid & _SET_GID else None,
        atime_ns=now_ns if valid & _SET_ATIME_NOW else _time(atime, atime_part) if valid & _SET_ATIME else None,
        mtime_ns=now_ns if valid & _SET_MTIME_NOW else _time(mtime, mtime_part) if valid & _SET_MTIME else None,
    )
    return change, handle if valid & _SET_HANDLE else None


def _time(seconds: int, nanoseconds: int) -> int:
    """A time in nanoseconds; one before 1970 is negative."""
    return (seconds - (1 << 64) if seconds >> 63 else seconds) * _NANOSECONDS + nanoseconds


def names(body: bytes) -> list[bytes]:
    """The names in the rest of a request: each ends with a zero byte."""
    return body.split(b"\0")[:-1]
