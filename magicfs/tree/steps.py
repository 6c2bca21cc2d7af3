"""Work that may take longer than one call may: it is done in steps, and can be given up between two of them.

Made by directories, and run by the FUSE adapter in threads: each `proceed` has a deadline of its own. Work that was
given up never happens later, however long one of its steps hangs.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Generator
from typing import Generic, TypeVar

from magicfs.tree.nodes import ThreadPool

ResultT = TypeVar("ResultT")

PROCEED_SECONDS = 1.0
"""`proceed` returns after the step that takes it beyond this."""
WAIT_SECONDS = 20.0
"""How long a program waits for a save that another one began: it cannot be ended meanwhile."""
_STEP_SECONDS = 0.5


class Steps(Generic[ResultT]):
    """Work that a generator does: it stops where it may be given up, and cleans up when it is closed there."""

    def __init__(self, pool: ThreadPool | None, generator: Generator[None, None, ResultT]) -> None:
        """`pool` is where the steps run."""
        self.pool = pool
        self._generator = generator
        self._running = threading.Lock()
        self._is_given_up = False
        self._result: list[ResultT] = []

    def proceed(self) -> bool:
        """Do some of the steps, and return whether all are done. May block. Raises what they raise."""
        with self._running:
            ends_at = time.monotonic() + PROCEED_SECONDS
            while not self._is_given_up:
                try:
                    next(self._generator)
                except StopIteration as end:
                    self._result.append(end.value)
                    return True
                if time.monotonic() > ends_at:
                    return False
            self._generator.close()
        raise timed_out()

    def result(self) -> ResultT:
        """What the work has returned, once it is done."""
        return self._result[0]

    def finish(self) -> ResultT:
        """Do all that is left, however long it takes. Raises what the steps raise."""
        while not self.proceed():
            pass
        return self.result()

    def give_up(self) -> None:
        """Do no further step. Cleans up after the one that is running, in a thread. Never blocks."""
        self._is_given_up = True
        threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        with self._running:
            self._generator.close()


def timed_out() -> OSError:
    """The error for a wait that takes too long: a `TimeoutError`."""
    return OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def acquiring(lock: threading.Lock, *, seconds: float = WAIT_SECONDS) -> Generator[None]:
    """Acquire a lock that may be held for long; stops every now and then. Raises `TimeoutError` after `seconds`."""
    ends_at = time.monotonic() + seconds
    while not lock.acquire(timeout=_STEP_SECONDS):
        _check_time(ends_at)
        yield


def waiting(event: threading.Event, *, seconds: float = WAIT_SECONDS) -> Generator[None]:
    """Wait for an event; stops every now and then. Raises `TimeoutError` after `seconds`."""
    ends_at = time.monotonic() + seconds
    while not event.wait(_STEP_SECONDS):
        _check_time(ends_at)
        yield


def _check_time(ends_at: float) -> None:
    if time.monotonic() > ends_at:
        raise timed_out()
