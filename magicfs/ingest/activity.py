"""`Activity`: whether a host had work lately, by which its agent looks for more of it often or rarely.

Used by `Agent`, whose threads all note work here. Without locks: what one thread writes late costs a look.
"""

from __future__ import annotations

import time
from collections.abc import Callable

IDLE_AFTER_SECONDS = 10.0
"""A host is idle after this time in which no work waited that somebody does, and nobody asked for a scan."""


class Activity:
    """The work of a host. At its start it has some."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.busy_until = clock() + IDLE_AFTER_SECONDS
        """The moment, by the clock, from which the host is idle."""
        self.has_changed = True
        """Whether there was work since maintenance was last due."""
        self._was_idle = False

    def is_idle(self) -> bool:
        """Whether there was no work for a while."""
        return self._clock() >= self.busy_until

    def note_work(self) -> None:
        """Be busy for a while from now on."""
        self.busy_until = self._clock() + IDLE_AFTER_SECONDS
        self.has_changed = True

    def has_become_idle(self) -> bool:
        """Whether the host is idle and was not when this was asked last. Asked by one thread."""
        was_idle, self._was_idle = self._was_idle, self.is_idle()
        return self._was_idle and not was_idle

    def begin_maintenance(self) -> None:
        """Forget what has changed so far, which is maintained now, unless there is work."""
        # In this order: another thread may note work meanwhile.
        self.has_changed = False
        self.has_changed |= not self.is_idle()
