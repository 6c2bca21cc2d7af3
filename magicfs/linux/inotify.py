"""The kernel's reports of changes in directories: inotify(7). `magicfs.ingest.inotify` reads the events."""

from __future__ import annotations

import ctypes
import os
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
