"""`Starvation`: for how long a process has waited for a processor that others had; `output_of` waits for it.

Used where a time limit is to end what hangs: on a machine with too much to do, a process that is well gets a fraction
of a processor, and must not be taken for one that hangs.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_NANOSECONDS = 1e9


class _Thread(NamedTuple):
    """What the kernel says of a thread, in seconds since it began."""

    ran: float
    waited: float
    """Without the time that it has been waiting now."""
    is_runnable: bool


class Starvation:
    """Measures a process from now on. A process that sleeps, or is stopped, waits for no processor."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._first = _threads(pid)
        now = time.monotonic()
        self._changed = {name: (thread, now) for name, thread in self._first.items()}
        """The last observation of each thread that differed from the one before, and its time."""

    def seconds(self) -> float:
        """The seconds that its thread that waited longest has waited; 0 where the kernel does not say."""
        now = time.monotonic()
        longest = 0.0
        for name, thread in _threads(self._pid).items():
            before, since = self._changed.get(name, (None, now))
            if before is None or before[:2] != thread[:2]:
                since = now
            self._changed[name] = thread, since
            waited = thread.waited - (self._first[name].waited if name in self._first else 0.0)
            # The kernel counts a wait when it is over.
            longest = max(longest, waited + (now - since if thread.is_runnable else 0.0))
        return longest


def output_of(command: Sequence[str], *, seconds: float, patience_s: float) -> str:
    """What a program prints. It has `seconds` beside what it waits for a processor, which may be `patience_s`.

    Raises `OSError` when it cannot be started, and `subprocess.SubprocessError` when it fails or takes longer.
    """
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        starvation, began, limit = Starvation(process.pid), time.monotonic(), seconds
        try:
            while True:
                try:
                    printed, errors = process.communicate(timeout=max(began + limit - time.monotonic(), 0.0))
                    break
                except subprocess.TimeoutExpired:
                    limit = seconds + min(starvation.seconds(), patience_s)
                    if time.monotonic() - began >= limit:
                        raise
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), printed, errors)
    return printed.decode(errors="replace")


def _threads(pid: int) -> dict[str, _Thread]:
    """The threads of a process by their ids; none of a process that is gone."""
    threads = {}
    try:
        for folder in Path(f"/proc/{pid}/task").iterdir():
            ran, waited, _ = (folder / "schedstat").read_text("ascii").split()
            state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0]
            threads[folder.name] = _Thread(int(ran) / _NANOSECONDS, int(waited) / _NANOSECONDS, state == b"R")
    except (OSError, IndexError, ValueError):
        # The process or a thread has just ended, or the kernel keeps no such statistics.
        return threads
    return threads
