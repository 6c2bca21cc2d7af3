"""The kernel's reports of changes in directories: inotify(7), with names as bytes.

Used by the agent and the mount. Knows nothing of trees, roots or rules. One thread at a time.
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
from enum import IntEnum

from magicfs.linux.calls import last_error, libc


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


_WATCH_MASK = (
    InotifyMask.MODIFY
    | InotifyMask.ATTRIB
    | InotifyMask.CLOSE_WRITE
    | InotifyMask.MOVED_FROM
    | InotifyMask.MOVED_TO
    | InotifyMask.CREATE
    | InotifyMask.DELETE
    | InotifyMask.DELETE_SELF
    | InotifyMask.MOVE_SELF
    | InotifyMask.ONLYDIR
    | InotifyMask.DONT_FOLLOW
    | InotifyMask.EXCL_UNLINK
)
_EVENT_HEADER = struct.Struct("iIII")
"""`struct inotify_event`: watch, mask, cookie, length of the name."""
_READ_BYTES = 256 * 1024

_COALESCE_SECONDS = 0.005
"""Pause before events are read: the kernel merges equal ones, so a program that writes byte by byte costs little."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened in a watched directory."""

    watch: int
    """The watch's number; -1 when the kernel has dropped events."""
    mask: int
    """Bits of `InotifyMask`."""
    name: bytes
    """The name of the entry of the directory; empty when the event is about the directory itself."""


class Inotify:
    """Watches single directories, not the directories below them."""

    def __init__(self) -> None:
        """Raises `OSError` when the user has too many inotify instances."""
        self._descriptor = inotify_init()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    @property
    def descriptor(self) -> int:
        """Can be read when something has happened."""
        return self._descriptor

    def close(self) -> None:
        """End all watches."""
        os.close(self._descriptor)

    def add(self, path: bytes) -> int:
        """Watch a directory and return the watch's number; a directory that is watched already keeps its number.

        Raises `OSError`: `is_watch_limit` tells whether the user has as many watches as the system allows.
        """
        return inotify_add_watch(self._descriptor, path, _WATCH_MASK)

    def remove(self, watch: int) -> None:
        """Stop watching a directory; an `IGNORED` event follows. Does nothing when the watch has ended already."""
        inotify_remove_watch(self._descriptor, watch)

    def read(self, *, timeout_s: float, pause_s: float = _COALESCE_SECONDS) -> Iterator[Event]:
        """Wait for events and return them, after a pause for more; none when nothing happens for `timeout_s`."""
        if not self._poll.poll(timeout_s * 1000):
            return
        time.sleep(pause_s)
        data = os.read(self._descriptor, _READ_BYTES)
        offset = 0
        while offset < len(data):
            watch, mask, _, length = _EVENT_HEADER.unpack_from(data, offset)
            offset += _EVENT_HEADER.size + length
            yield Event(watch, mask, data[offset - length : offset].rstrip(b"\0"))


def is_watch_limit(error: OSError) -> bool:
    """Whether the system allows no more watches, or no more memory for them."""
    return error.errno in (errno.ENOSPC, errno.ENOMEM)


def max_user_watches() -> int:
    """How many directories a user may watch. Raises `OSError`."""
    with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as file:
        return int(file.read())


def inotify_init() -> int:
    """Return a new non-blocking inotify descriptor. Raises `OSError`: `EMFILE` when the user has too many."""
    descriptor = int(libc().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
    if descriptor < 0:
        raise last_error()
    return descriptor


def inotify_add_watch(descriptor: int, path: bytes, mask: int) -> int:
    """Watch a path and return the watch number. Raises `OSError`: `ENOSPC` when the user has too many watches."""
    number = int(libc().inotify_add_watch(descriptor, path, ctypes.c_uint32(mask)))
    if number < 0:
        raise last_error(path)
    return number


def inotify_remove_watch(descriptor: int, watch: int) -> None:
    """End a watch; an `IGNORED` event follows. Does nothing when the watch has ended already."""
    libc().inotify_rm_watch(descriptor, watch)
