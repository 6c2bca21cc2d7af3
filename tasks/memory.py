"""`MemoryGuard`: a worker whose children the kernel kills for want of memory tries again less and less often.

Each try loads a model in vain. The parent notices why a child has ended, and the next child waits before it takes
memory: `magicfs.state_directory.memory_kills` has for how long, and people see it there. Created in the parent before
the fork; `pool` and `worker` use it. Main threads of the parent and of the child.
"""

from __future__ import annotations

import logging
import mmap
import signal
import time
from collections.abc import Callable

from magicfs.linux.memory import count_memory_kills
from magicfs.linux.process import offer_memory
from magicfs.state_directory.memory_kills import MemoryKills

log = logging.getLogger(__name__)

OFFERED = 500
"""Of a thousand: how much sooner than others a child is killed when the machine has no memory left. Its work is done
again, while a mount that is killed takes open files along, and Postgres all of its connections."""

LOOK_SECONDS = 5.0
"""Pause between two looks at what the kernel has killed while a child lives. A killed process is gone by then: what was
killed earlier was something else on this machine."""

POLL_SECONDS = 0.2
"""Pause between two checks whether the worker stops."""


class MemoryGuard:
    """Counts the kills of a worker's children, and lets them wait. One in a parent, which its children inherit."""

    def __init__(self, kills: MemoryKills, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kills = kills
        self._clock = clock
        self._began = self._looked_at = 0.0
        """When the last child began, and when it was last looked at what the kernel has killed, by the clock."""
        self._before = self._latest = 0
        """How many processes the kernel had killed for want of memory at the last look but one, and at the last."""
        self._stopping = mmap.mmap(-1, 1)
        """Whether the worker stops: a flag that a parent and its children share."""

    def child_begins(self) -> None:
        """Called in the parent before it forks."""
        self._began = self._looked_at = self._clock()
        self._before = self._latest = count_memory_kills()

    def child_lives(self) -> None:
        """Called in the parent every few seconds: forget kills after which the child has lived for a while."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._before, self._latest, self._looked_at = self._latest, count_memory_kills(), now
            self._kills.child_lives(now - self._began)

    def child_ended(self, exit_code: int | None) -> None:
        """Called in the parent, once a child has ended: record it if the kernel has killed it for want of memory.

        The kernel says how many processes of the machine it has killed, and not which: one of the last seconds counts.
        A child that crashes had memory, and what it worked on is to blame: earlier kills are forgotten.
        """
        if exit_code == -signal.SIGKILL and count_memory_kills() > self._before:
            kills = self._kills.record()
            log.warning("killed for want of memory; the next try is in %d seconds", kills.pause_s)
        elif exit_code is not None and exit_code < 0:
            self._kills.end()

    def worker_stops(self) -> None:
        """Called in the parent: let a child that waits go on."""
        self._stopping[0] = 1

    def wait_for_memory(self) -> bool:
        """Called in a child before it takes memory. Returns whether it may: not if the worker has stopped meanwhile."""
        offer_memory(OFFERED)
        kills = self._kills.read()
        until = time.monotonic() + (kills.pause_s if kills is not None else 0.0)
        while not self.is_stopping() and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        return not self.is_stopping()

    def is_stopping(self) -> bool:
        """Whether the worker stops. Asked in the parent and in its children."""
        return bool(self._stopping[0])

    @property
    def kills_in_a_row(self) -> int:
        """How many children were killed for want of memory since one had enough: what they worked on may be well."""
        kills = self._kills.read()
        return 0 if kills is None else kills.times

    def worker_ends(self) -> None:
        """Called in the parent when the worker ends on request."""
        self._kills.end()
