"""Threads for what may block, in lanes: searches, however slow, never keep a file from being read.

Each call has a deadline. When it passes, the caller goes on with `DeadlineExceeded`; the thread ends by itself
and counts against its lane until it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio

from magicfs.errors import DeadlineExceeded
from magicfs.tree.nodes import ThreadPool

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

FILES_THREADS = 24
INDEX_THREADS = 24
"""More than searches run at once: who waits for another's search has a thread too."""
FILES_SECONDS = 60.0
"""A disk that has to spin up takes ten."""
SEARCH_GRACE_SECONDS = 1.0
"""A search ends by itself when its time is up; this much later nobody waits for it any more."""


class ThreadPools:
    """Runs blocking functions. Belongs to one trio loop."""

    def __init__(self, *, search_seconds: float) -> None:
        self._limiters = {
            ThreadPool.FILES: trio.CapacityLimiter(FILES_THREADS),
            ThreadPool.INDEX: trio.CapacityLimiter(INDEX_THREADS),
        }
        self._seconds = {ThreadPool.FILES: FILES_SECONDS, ThreadPool.INDEX: search_seconds + SEARCH_GRACE_SECONDS}

    async def run(self, lane: ThreadPool, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Call `function` in a thread of the lane."""
        try:
            with trio.fail_after(self._seconds[lane]):
                return await trio.to_thread.run_sync(
                    function, *arguments, abandon_on_cancel=True, limiter=self._limiters[lane]
                )
        except trio.TooSlowError as error:
            raise DeadlineExceeded(f"gave up after {self._seconds[lane]:.0f} seconds") from error
