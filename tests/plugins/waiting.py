"""Waiting for what other processes do."""

from __future__ import annotations

from collections.abc import Callable

from magicfs.errors import ServerError
from magicfs.runtime.processes import wait_until

SECONDS = 120.0
"""For what takes a moment, on a busy machine."""


def eventually(
    condition: Callable[[], bool],
    what: str = "the condition",
    *,
    seconds: float = SECONDS,
    pause: float = 0.02,
    logs: Callable[[], object] = str,
) -> None:
    """Ask `condition` every `pause` seconds until it holds. A test that fails shows `logs()`.

    A condition that starts a command costs a second of processor time each time: ask the database or the mount.
    """
    try:
        wait_until(condition, seconds=seconds, failed=what, pause=pause)
    except ServerError:
        raise AssertionError(f"{what}: not in {seconds} s\n{logs()}") from None
