"""The kernel's reports about directories (inotify): a binding with names as bytes. Linux only.

Used by `Watches`. Knows nothing of trees, roots or rules. One thread at a time.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

MODIFY, ATTRIB, CLOSE_WRITE = 0x2, 0x4, 0x8
MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x40, 0x80, 0x100, 0x200
DELETE_SELF, MOVE_SELF = 0x400, 0x800
UNMOUNT, OVERFLOW, IGNORED = 0x2000, 0x4000, 0x8000
IS_DIRECTORY = 0x40000000

_ONLY_DIRECTORIES, _DO_NOT_FOLLOW, _EXCLUDE_UNLINKED = 0x01000000, 0x02000000, 0x04000000
_ADDED = (MODIFY | ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF) | (
    _ONLY_DIRECTORIES | _DO_NOT_FOLLOW | _EXCLUDE_UNLINKED
)
_HEADER = struct.Struct("iIII")
_READ_BYTES = 256 * 1024

_GATHER_SECONDS = 0.005
"""Meanwhile the kernel makes one event of equal ones: a program that writes byte by byte costs us next to nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something has happened in the directory with this watch number; -1 when the kernel has dropped events."""

    watch: int
    mask: int
    name: bytes
    """Of the entry of the directory; empty when it is about the directory itself."""


class Inotify:
    """Watches single directories. What goes on in directories below them is not reported."""

    def __init__(self) -> None:
        """Raises `OSError` when the user has too many of them."""
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor < 0:
            raise _last_error()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def close(self) -> None:
        """End all watches."""
        os.close(self._descriptor)

    def add(self, path: bytes) -> int:
        """Watch a directory and return its number. A directory that is watched already keeps it, by whatever path.

        Raises `OSError`: `ENOSPC` when the user has as many watches as the system allows.
        """
        number = int(self._library.inotify_add_watch(self._descriptor, path, ctypes.c_uint32(_ADDED)))
        if number < 0:
            raise _last_error(path)
        return number

    def remove(self, watch: int) -> None:
        """Stop watching a directory; an `IGNORED` event follows. Harmless when it is gone."""
        self._library.inotify_rm_watch(self._descriptor, watch)

    def read(self, *, timeout_s: float) -> Iterator[Event]:
        """Wait for events; none when nothing happens for so long."""
        if not self._poll.poll(timeout_s * 1000):
            return
        time.sleep(_GATHER_SECONDS)
        data = os.read(self._descriptor, _READ_BYTES)
        at = 0
        while at < len(data):
            watch, mask, _, length = _HEADER.unpack_from(data, at)
            at += _HEADER.size + length
            yield Event(watch, mask, data[at - length : at].rstrip(b"\0"))


def _last_error(path: bytes | None = None) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)


def is_limit(error: OSError) -> bool:
    """Whether the system allows no more watches, or no more memory for them."""
    return error.errno in (errno.ENOSPC, errno.ENOMEM)
