"""The messages of `magicfs-files/1`: what a host asks another one about its files, and the answers.

A request is `REQUEST` and the two paths whose lengths it has; `CLOSE` alone has no answer. An answer is frames, each an
`ANSWER` and as many bytes: `PART` for all but the last of a listing, then `DONE` or `FAILED` with the name of an error
such as `ENOENT`, because numbers of errors differ between machines. All numbers are in network order. Pure. Neither
side trusts the other: every length is bounded before anything of that length is read.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from magicfs.domain.attributes import Attributes
from magicfs.domain.files import clamp_to_int64
from magicfs.tree.remote.files import RemoteStatus

FILES_SERVICE = "magicfs-files/1"
"""The name of the service, by ALPN."""

MAX_PATH_BYTES = 16 * 1024
"""The longest path of a root, and the longest path below it."""

MAX_READ_BYTES = 1 << 20
MAX_FRAME_BYTES = 2 * MAX_READ_BYTES
"""A frame of a listing has a thousand names at most."""
NAMES_A_FRAME = 1000

REQUEST = struct.Struct("!BQqIII")
"""Operation, number of the open file, offset, size, and the lengths of both paths."""
ANSWER = struct.Struct("!BI")
OPENED = struct.Struct("!Q")
"""The number of an open file, before its status."""
_NAME = struct.Struct("!H")
_STATUS = struct.Struct("!IqIIqqqIQQQQ?qq")
_TYPES = frozenset((stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK))
_MAX_MODE = 0o177777
_MAX_BLOCKS = (1 << 63) - 1


class Operation(IntEnum):
    """What is asked. `READ` and `CLOSE` name an open file, the others a root and a path below it."""

    STATUS = 1
    LIST = 2
    TARGET = 3
    OPEN = 4
    READ = 5
    CLOSE = 6


class Kind(IntEnum):
    """What a frame of an answer is."""

    DONE = 0
    PART = 1
    FAILED = 2


class Request(NamedTuple):
    """A request."""

    operation: Operation
    number: int = 0
    offset: int = 0
    size: int = 0
    root: bytes = b""
    path: bytes = b""

    def encoded(self) -> bytes:
        """The bytes of the request. Raises `OSError` for a path that is too long."""
        if max(len(self.root), len(self.path)) > MAX_PATH_BYTES:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        numbers = (self.operation, self.number, self.offset, self.size, len(self.root), len(self.path))
        return REQUEST.pack(*numbers) + self.root + self.path


def frame(kind: Kind, content: bytes = b"") -> bytes:
    """A frame of an answer."""
    return ANSWER.pack(kind, len(content)) + content


def failure(error: OSError) -> bytes:
    """The frame that reports an error."""
    return frame(Kind.FAILED, errno.errorcode.get(error.errno or 0, "EIO").encode("ascii"))


def reported(content: bytes) -> OSError:
    """The error that a frame reports. One that this machine does not know is `EIO`."""
    name = content.decode("ascii", "replace")
    number = getattr(errno, name, errno.EIO) if name.startswith("E") else errno.EIO
    return OSError(number, os.strerror(number))


def encoded_status(status: RemoteStatus) -> bytes:
    """The bytes of a status."""
    seen = status.attributes
    return _STATUS.pack(
        *(seen.mode, seen.size, seen.uid, seen.gid),
        *(clamp_to_int64(time) for time in (seen.atime_ns, seen.mtime_ns, seen.ctime_ns)),
        *(min(seen.links, 0xFFFFFFFF), seen.device, seen.blocks, status.device, status.number),
        *(status.born_ns is not None, clamp_to_int64(status.born_ns or 0), status.seen_ns),
    )


def decoded_status(content: bytes, offset: int = 0) -> RemoteStatus:
    """The status that stands at an offset. Raises `OSError` if there is none, or one that no file has."""
    try:
        values = _STATUS.unpack_from(content, offset)
    except struct.error as error:
        raise malformed() from error
    mode, size, uid, gid, atime, mtime, ctime, links, rdev, blocks, device, number, has_birth, born, seen = values
    if stat.S_IFMT(mode) not in _TYPES or mode > _MAX_MODE or size < 0 or blocks > _MAX_BLOCKS:
        raise malformed()
    attributes = Attributes(mode, size, uid, gid, atime, mtime, ctime, links, rdev, blocks)
    return RemoteStatus(attributes, device, number, born if has_birth else None, seen)


def encoded_name(name: bytes, status: RemoteStatus) -> bytes:
    """The bytes of a name in a listing."""
    return _NAME.pack(len(name)) + name + encoded_status(status)


def decoded_names(content: bytes) -> Iterator[tuple[bytes, RemoteStatus]]:
    """The names in a frame of a listing. Raises `OSError` if it has something else."""
    offset = 0
    while offset < len(content):
        start = offset + _NAME.size
        try:
            (length,) = _NAME.unpack_from(content, offset)
        except struct.error as error:
            raise malformed() from error
        yield content[start : start + length], decoded_status(content, start + length)
        offset = start + length + _STATUS.size


def malformed() -> OSError:
    """The error for an answer that does not follow this protocol."""
    return OSError(errno.EIO, "another host answers what is no answer")
