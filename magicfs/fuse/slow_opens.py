"""The file systems where opening a file takes long although it should not, as with a virus scanner.

Used by the operations, on the event loop of the mount: files of such a file system are opened in threads for a while.
Pure; the clock is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from magicfs.tree.nodes import ThreadPool

SLOW_SECONDS = 0.05
"""An open that takes longer has waited for something, or the machine is busy."""
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class _Pause:
    seconds: float
    until: float


class SlowOpens:
    """Remembers slow opens by file system.

    A single one says little on a busy machine: files are opened in threads for a second. Each further one that follows
    such a pause doubles it, and each open on the loop that is quick halves it.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pauses: dict[ThreadPool | None, _Pause] = {}

    def is_paused(self, pool: ThreadPool | None) -> bool:
        """Whether files of this file system should be opened in a thread now."""
        pause = self._pauses.get(pool)
        return pause is not None and self._clock() < pause.until

    def record(self, pool: ThreadPool | None, seconds: float) -> None:
        """Record how long an open on the loop took."""
        pause = self._pauses.get(pool)
        if seconds > SLOW_SECONDS:
            length = FIRST_PAUSE_SECONDS if pause is None else min(2 * pause.seconds, MAX_PAUSE_SECONDS)
            self._pauses[pool] = _Pause(length, self._clock() + length)
        elif pause is not None:
            pause.seconds /= 2
            if pause.seconds < FIRST_PAUSE_SECONDS:
                del self._pauses[pool]
