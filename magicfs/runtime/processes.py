"""Small things that every process we start needs."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable

import psutil

from magicfs.errors import ServerError


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
