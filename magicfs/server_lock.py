"""The lock that makes a process the one server of a unix socket: a file beside it, locked as long as the process lives.

Used by `local_server`, and by clients that want to know whether a server runs, whether it answers or not. Any thread.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def lock_path(path: Path) -> Path:
    """The lock file of the server at the socket `path`."""
    return path.with_name(f"{path.name}.lock")


def take_lock(path: Path, *, wait: bool) -> bool:
    """Take the lock that makes this process the one server of the socket `path`, for the rest of its life.

    Without `wait`, return False when another process holds the lock.
    """
    lock = os.open(lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(lock)
        return False
    return True


def is_served(path: Path) -> bool:
    """Whether a process holds the lock of the socket `path`."""
    try:
        descriptor = os.open(lock_path(path), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
