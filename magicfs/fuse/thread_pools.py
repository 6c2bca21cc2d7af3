"""Threads for calls that may block. Each pool has threads of its own, so that slow searches never delay reading files.

Used by the operations, on the event loop of the mount. Each call has a deadline. After it the caller gets
`DeadlineExceeded`; the thread is abandoned, and occupies its place in the pool until the call returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio

from magicfs.errors import DeadlineExceeded
from magicfs.tree.nodes import ThreadPool

ResultT = TypeVar("ResultT")
ArgumentTs = TypeVarTuple("ArgumentTs")

FILES_THREADS = 24
INDEX_THREADS = 16
"""More than the searches that run at once: a request that waits for the search of another one takes a thread too. Each
of them may need a connection to the database."""
FILES_SECONDS = 60.0
"""The deadline of a call that waits for a file system. A disk takes ten seconds to spin up."""
SEARCH_GRACE_SECONDS = 1.0
"""Added to the search's own deadline, so that the search reports its error itself."""


class ThreadPools:
    """Runs blocking functions. Belongs to one trio loop."""

    def __init__(self, *, search_seconds: float) -> None:
        self._limiters = {
            ThreadPool.FILES: trio.CapacityLimiter(FILES_THREADS),
            ThreadPool.INDEX: trio.CapacityLimiter(INDEX_THREADS),
        }
        self._seconds = {ThreadPool.FILES: FILES_SECONDS, ThreadPool.INDEX: search_seconds + SEARCH_GRACE_SECONDS}

    async def run(
        self, pool: ThreadPool, function: Callable[[*ArgumentTs], ResultT], *arguments: *ArgumentTs
    ) -> ResultT:
        """Call `function` in a thread of the pool. Raises `DeadlineExceeded`, and what the function raises."""
        try:
            with trio.fail_after(self._seconds[pool]):
                return await trio.to_thread.run_sync(
                    function, *arguments, abandon_on_cancel=True, limiter=self._limiters[pool]
                )
        except trio.TooSlowError as error:
            raise DeadlineExceeded(f"gave up after {self._seconds[pool]:.0f} seconds") from error
