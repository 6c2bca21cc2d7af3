"""Processes and unix sockets of this machine: whether one runs or listens, and how one ends with its parent.

Used by the other modules of `runtime` and by the command line. Keeps no state; any thread.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from magicfs.errors import ServerError

CONNECT_SECONDS = 1.0
"""A program that listens on a unix socket accepts within milliseconds, unless it hangs."""


def dies_with_parent(command: list[str], *, signal_name: str) -> list[str]:
    """`command` with a prefix that makes the kernel send it `signal_name` when its parent dies.

    A killed supervisor leaves nothing running that way. The prefix is util-linux's `setpriv`.
    """
    return ["setpriv", "--pdeathsig", signal_name, *command]


def is_path(argument: str, path: Path) -> bool:
    """Whether an argument of a process is `path`, perhaps spelled otherwise: a link may lead to a state directory."""
    if argument == str(path):
        return True
    # Only the way to a state directory has other spellings: the names in it are ours.
    is_named_so = os.path.isabs(argument) and os.path.basename(argument) == path.name
    return is_named_so and os.path.realpath(argument) == os.path.realpath(path)


def is_running(pid: int, *, program: str, path: Path) -> bool:
    """Whether `pid` is a process of `program` that was started with `path` as an argument.

    A pid alone proves nothing: pid files outlive their process, and the kernel reuses pids. A Postgres that was started
    for one user, to repair a database, leaves a negative one.
    """
    if pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        return process.name() == program and any(is_path(word, path) for word in process.cmdline())
    except psutil.Error:
        return False


def find_process(matches: Callable[[str, list[str]], bool]) -> psutil.Process | None:
    """The process whose name and command line match, from its start to its very end; None when there is none.

    A fork of it that is about to become another program has its command line too, and is not meant. What a program
    removes when it ends, such as a pid file or its socket, is gone a while before the program is.
    """
    found = {
        process.pid: process
        for process in psutil.process_iter(["name", "cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and matches(process.info["name"] or "", process.info["cmdline"] or [])
    }
    with contextlib.suppress(psutil.Error):
        first = (process for process in found.values() if process.ppid() not in found)
        return next(filter(has_our_root, first), None)
    return None


def has_our_root(process: psutil.Process) -> bool:
    """Whether the paths that a process was started with are paths of this machine: those of a container are not."""
    try:
        return os.path.samefile(f"/proc/{process.pid}/root", "/")
    except PermissionError:
        # It is another user's. Only root of a container may not look: there, all processes are of the container.
        return os.geteuid() == 0
    except OSError:
        # It has ended.
        return False


def has_ended(process: psutil.Process) -> bool:
    """Whether a process has ended. A zombie, which its parent has not waited for, counts as ended."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_listening(path: Path) -> bool:
    """Whether a program listens on the unix socket at `path`."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(CONNECT_SECONDS)
            client.connect(str(path))
    except OSError:
        return False
    return True


def wait_until(ready: Callable[[], bool], *, seconds: float, failed: str, pause: float = 0.05) -> None:
    """Poll `ready` every `pause` seconds until it is true. Raises `ServerError(failed)` after `seconds`.

    It is asked once after that time, so that a process which did not run meanwhile gives nothing up that is ready.
    """
    deadline = time.monotonic() + seconds
    is_over = False
    while not ready():
        if is_over:
            raise ServerError(failed)
        time.sleep(pause)
        is_over = time.monotonic() > deadline


def require_limits(*, files: int, processes: int) -> None:
    """Raise `ServerError` with what to do where a process may not open, or a user not run, as many."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < files:  # no limit is a negative number
        raise ServerError(
            f"a process may open {limit} files, and the supervisor needs {files}: "
            "raise the hard limit of open files, that of 'ulimit -Hn'"
        )
    _, limit = resource.getrlimit(resource.RLIMIT_NPROC)
    if 0 <= limit < processes:
        raise ServerError(
            f"a user may run {limit} processes, and the supervisor needs {processes}: "
            "raise the hard limit of processes, that of 'ulimit -Hu'"
        )
