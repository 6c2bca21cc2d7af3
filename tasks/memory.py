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

from magicfs.linux.memory import count_memory_kills
from magicfs.linux.process import offer_memory
from magicfs.state_directory.memory_kills import MemoryKills

log = logging.getLogger(__name__)

OFFERED = 500
"""Of a thousand: how much sooner than others a child is killed when the machine has no memory left. Its work is done
again, while a mount that is killed takes open files along, and Postgres all of its connections."""

POLL_SECONDS = 0.2
"""Pause between two checks whether the worker stops."""


class MemoryGuard:
    """Counts the kills of a worker's children, and lets them wait. One in a parent, which its children inherit."""

    def __init__(self, kills: MemoryKills) -> None:
        self._kills = kills
        self._before = 0
        """What the kernel had killed for want of memory when the last child began."""
        self._stopping = mmap.mmap(-1, 1)
        """Whether the worker stops: a flag that a parent and its children share."""

    def child_begins(self) -> None:
        """Called in the parent before it forks."""
        self._before = count_memory_kills()

    def child_ended(self, exit_code: int | None) -> None:
        """Called in the parent, once a child has ended: record it if the kernel has killed it for want of memory."""
        if exit_code == -signal.SIGKILL and count_memory_kills() > self._before:
            kills = self._kills.record()
            log.warning("killed for want of memory; the next try is in %d seconds", kills.pause_s)

    def worker_stops(self) -> None:
        """Let a child that waits go on."""
        self._stopping[0] = 1

    def wait_for_memory(self) -> bool:
        """Called in a child before it takes memory. Returns whether it may: not if the worker has stopped meanwhile."""
        offer_memory(OFFERED)
        kills = self._kills.read()
        until = time.monotonic() + (kills.pause_s if kills is not None else 0.0)
        while not self._stopping[0] and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        return not self._stopping[0]

    @property
    def is_short(self) -> bool:
        """Whether a child was killed for want of memory a while ago: what it worked on may be well."""
        return self._kills.read() is not None

    def task_done(self) -> None:
        """Called in a child after each task."""
        self._kills.task_done()

    def worker_ends(self) -> None:
        """Called in the parent when the worker ends on request."""
        self._kills.end()
