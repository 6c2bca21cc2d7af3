"""Small things that every process we start needs."""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from magicfs.errors import ServerError

CONNECT_SECONDS = 1.0
"""A program that listens on a unix socket accepts at once, unless it hangs."""


def dies_with_parent(command: list[str], *, signal_name: str) -> list[str]:
    """Prefix `command` so that the kernel sends it `signal_name` when its parent dies.

    The supervisor can be killed outright; what it started must not be left behind. Uses util-linux's `setpriv`.
    """
    return ["setpriv", "--pdeathsig", signal_name, *command]


def running(pid: int, *, program: str, argument: str) -> bool:
    """Whether `pid` lives, is `program`, and was started with `argument`: pids are reused, pid files are left over."""
    try:
        process = psutil.Process(pid)
        return process.name() == program and argument in process.cmdline()
    except psutil.Error:
        return False


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, be it that nobody has taken note yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def accepts(path: Path) -> bool:
    """Whether somebody listens on a unix socket."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(CONNECT_SECONDS)
            client.connect(str(path))
    except OSError:
        return False
    return True


def wait_until(ready: Callable[[], bool], *, seconds: float, failed: str, pause: float = 0.05) -> None:
    """Poll `ready` until it holds; raises `ServerError(failed)` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise ServerError(failed)
        time.sleep(pause)


def terminate(pid: int, *, seconds: float) -> None:
    """End a process of ours: politely, then by force."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(seconds)


def find_program(name: str) -> str | None:
    """The path of `name`, when it is on PATH."""
    return shutil.which(name)
