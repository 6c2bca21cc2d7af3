"""The lock that makes a process the one server of a unix socket, by which others find that process and end it.

It is a file beside the socket, locked as long as the server lives, whether that answers or not. Used by `local_server`,
by clients of its servers, and by `magicfs down`. Any thread.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from magicfs.ipc.framing import FramingError, Message, receive, seconds_until, send
from magicfs.linux import locks

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
KILL_SECONDS = 30.0
"""Time for a process that was killed to end, on a busy machine."""
_POLL_SECONDS = 0.02


def lock_path(path: Path) -> Path:
    """The lock file of the server at the socket `path`."""
    return path.with_name(f"{path.name}.lock")


def server_sockets(folder: Path) -> list[Path]:
    """The sockets in a folder that have a lock file, whether a server runs or not."""
    return sorted(lock.with_name(lock.name.removesuffix(".lock")) for lock in folder.glob("*.sock.lock"))


def take_lock(path: Path, *, wait: bool) -> bool:
    """Take the lock that makes this process the one server of the socket `path`, for the rest of its life.

    Without `wait`, return False when another process holds the lock.
    """
    lock = lock_path(path)
    return (locks.take_lock(lock) if wait else locks.try_lock(lock)) is not None


def is_served(path: Path) -> bool:
    """Whether a process holds the lock of the socket `path`."""
    return locks.is_locked(lock_path(path))


def answers_ping(path: Path, *, seconds: float) -> bool:
    """Whether the server of the socket `path` answers within `seconds`. It counts as no request."""
    return _answers(path, Message({"do": "ping"}), time.monotonic() + seconds)


def stop_server(path: Path, *, seconds: float = STOP_SECONDS) -> bool:
    """Ask the server of the socket `path` to end, and wait for that; whether none runs any more.

    One that is just starting is asked as soon as it listens.
    """
    deadline = time.monotonic() + seconds
    has_agreed = False
    while is_served(path):
        if time.monotonic() > deadline:
            return False
        has_agreed = has_agreed or _answers(path, Message({"do": "quit"}), deadline)
        time.sleep(_POLL_SECONDS)
    return True


def _answers(path: Path, request: Message, deadline: float) -> bool:
    """Send a request to the server of a socket; whether it has answered."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds_until(deadline))
            connection.connect(str(path))
            send(connection, request, deadline=deadline)
            receive(connection, max_body_bytes=0, deadline=deadline)
    except (OSError, FramingError) as error:
        log.debug("%s does not answer: %s", path, error)
        return False
    return True


def kill_server(path: Path) -> bool:
    """Kill the server of the socket `path`, and wait for its end; whether none runs any more."""
    deadline = time.monotonic() + KILL_SECONDS
    for pid in holders(path):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while is_served(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def holders(path: Path) -> frozenset[int]:
    """The pids of the processes that hold the lock of the socket `path`: whoever takes it may pass it on."""
    return frozenset(_holders(os.path.realpath(lock_path(path))))


def _holders(name: str) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        # It may end meanwhile, or be another user's.
        with suppress(OSError):
            for descriptor in os.listdir(process / "fd"):
                with suppress(OSError):
                    is_open = os.readlink(process / "fd" / descriptor) == name
                    if is_open and "FLOCK" in (process / "fdinfo" / descriptor).read_text(encoding="ascii"):
                        yield int(process.name)
