"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 120.0
"""For what takes a moment, on a busy machine."""

SHORTEST_PAUSE = 0.02
LONGEST_PAUSE = 0.25


def eventually(
    condition: Callable[[], bool],
    what: str = "the condition",
    *,
    seconds: float = SECONDS,
    pause: float = LONGEST_PAUSE,
    logs: Callable[[], object] = str,
) -> None:
    """Ask `condition` until it holds, the last time after `seconds`. A test that fails shows `logs()`.

    Between two questions is a tenth of the time that has passed, and no more than `pause`: questions take processor
    time from what is waited for. A condition that starts a command costs a second of it each time: ask the database or
    the mount.
    """
    began = time.monotonic()
    waited = 0.0
    while not condition():
        if waited > seconds:
            raise AssertionError(f"{what}: not in {seconds} s\n{logs()}")
        time.sleep(min(max(waited / 10, SHORTEST_PAUSE), pause))
        waited = time.monotonic() - began
