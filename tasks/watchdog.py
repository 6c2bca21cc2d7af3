"""`Watchdog`: ends a worker that has stopped consuming, so that whoever runs it starts it again.

After a reconnection to Redis, Celery's consumer may live on and take no message, take messages that no child gets, or
wait for the end of a task that has ended; nothing in it notices that. A thread of the worker's parent looks from
outside of the consumer's loop, and asks Redis over a connection of its own whether messages wait. `worker` starts it;
`Stall` decides, without I/O.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from celery.worker import state

from tasks.app import LONGEST_SECONDS, START_SECONDS
from tasks.consumer import counts
from tasks.queue import CeleryQueue

log = logging.getLogger(__name__)

CHECK_SECONDS = 20.0
"""Pause between two checks. A check takes some two milliseconds of a core, and idle workers take little more."""

UNTAKEN_SECONDS = 60.0
"""A connected consumer takes a message at once, and learns at once that a task has ended; before a reconnection it
pauses for half a minute at most."""

UNSTARTED_SECONDS = START_SECONDS + 60.0
"""The longest from a message that was taken to its task: a child may start before."""

UNFINISHED_SECONDS = LONGEST_SECONDS + 60.0
"""The longest that a task runs: its child is killed at the time limit."""

STOP_SECONDS = 15.0
"""How long the worker has for an orderly end. The supervisor waits as long."""

EXIT_CODE = 1
"""Tells every supervisor that the worker is to be started again."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a worker does and has before it, at one moment."""

    begun: int
    """Tasks that its children have begun so far."""
    taken: int
    """Messages that its consumer has taken so far, each for a task that is to begin at once."""
    connected: int
    """Connections to Redis that its consumer has made so far."""
    is_working: bool
    """Whether a child works on a task, as far as the consumer knows."""
    child_works: bool
    """Whether it does, as the child says."""
    waiting: int | None
    """Messages in its queues; None while Redis takes none itself."""


class Stall:
    """Measures for how long a worker has had something to do and has done nothing. The clock is passed in."""

    def __init__(self, now: float) -> None:
        self._checked_at = now
        self._progress: tuple[int, int, bool, bool] | None = None
        self._taken = 0
        self.seconds = 0.0
        """For how long it has lasted."""

    def reason(self, seen: Observation, now: float) -> str | None:
        """Why the worker is to be ended, after this observation; None while it is well, or may be."""
        # A machine that slept, or a process that was stopped, has not waited.
        elapsed, self._checked_at = min(now - self._checked_at, CHECK_SECONDS), now
        progress = (seen.begun, seen.connected, seen.is_working, seen.child_works)
        has_taken = progress == self._progress and seen.taken > self._taken
        if progress != self._progress or seen.waiting is None or not (seen.waiting or has_taken or seen.is_working):
            self._progress, self._taken, self.seconds = progress, seen.taken, 0.0
            return None
        self.seconds += elapsed
        if seen.is_working and not seen.child_works:
            return "it does not learn that its task has ended" if self.seconds >= UNTAKEN_SECONDS else None
        if seen.is_working:
            return "its task does not end" if self.seconds >= UNFINISHED_SECONDS else None
        if has_taken:
            return "it begins no task for the messages that it takes" if self.seconds >= UNSTARTED_SECONDS else None
        return "messages wait, and it takes none" if self.seconds >= UNTAKEN_SECONDS else None


class Watchdog:
    """Watches the worker of this process. One in a parent; children do not inherit its thread."""

    def __init__(
        self,
        queue: CeleryQueue,
        names: Sequence[str],
        *,
        children: Callable[[], Iterable[int]],
        child_works: Callable[[], bool],
    ) -> None:
        """`names` are the queues that the worker consumes. `children` gives the ids of its child processes.

        `child_works` says whether one of them works on a task, without asking the consumer.
        """
        self._queue = queue
        self._names = names
        self._children = children
        self._child_works = child_works
        self._calling = threading.Lock()
        """Held while this thread calls libraries: a child must not be born with locks that nobody releases."""

    def start(self) -> None:
        """Watch from now on."""
        os.register_at_fork(
            before=self._calling.acquire,
            after_in_parent=self._calling.release,
            after_in_child=self._calling.release,
        )
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        stall = Stall(time.monotonic())
        while True:
            time.sleep(CHECK_SECONDS)
            reason = stall.reason(self._observe(), time.monotonic())
            if reason is not None:
                log.error("the worker ends, to be started again: %s, for %d seconds", reason, stall.seconds)
                self._end()

    def _observe(self) -> Observation:
        with self._calling:
            depths = self._queue.depths(self._names)
        return Observation(
            begun=state.all_total_count[0],
            taken=counts.taken,
            connected=counts.connected,
            is_working=bool(len(state.active_requests)),
            child_works=self._child_works(),
            waiting=None if depths is None else sum(depths.values()),
        )

    def _end(self) -> None:
        """End the worker in an orderly way, or at once if its loop does not even check whether to stop."""
        state.should_stop = EXIT_CODE
        time.sleep(STOP_SECONDS)
        for child in self._children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os._exit(EXIT_CODE)
