"""Locks between processes (`flock`), each on a file that is made for it.

A lock is held as long as its descriptor is open, here or in a child that inherits it, and ends with the process. On a
disk that has become read-only, a lock is taken on the file that is there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


def take_lock(path: Path | str) -> int:
    """The descriptor that holds the lock `path`, once no other process does."""
    return _locked(path, fcntl.LOCK_EX)


def try_lock(path: Path | str) -> int | None:
    """The descriptor that holds the lock `path`; None if another process holds it."""
    try:
        return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def _locked(path: Path | str, operation: int) -> int:
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _opened(path: Path | str) -> int:
    try:
        return os.open(path, _FLAGS, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path)) from None


def lock_descriptor(descriptor: int) -> bool:
    """Lock an open file or directory. Returns False if another process holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path | str) -> bool:
    """Whether a process holds the lock `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_abandoned(path: Path | str) -> bool:
    """Whether the lock `path` was taken once and no process holds it now.

    Asks the kernel first instead of taking it: a process that wants it at this moment gets it. The kernel does not name
    locks of other containers, so the lock of one that has ended is taken for a moment.
    """
    try:
        number = os.stat(path).st_ino
        held = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return False
    return re.search(rf":{number} ", held) is None and not is_locked(path)
