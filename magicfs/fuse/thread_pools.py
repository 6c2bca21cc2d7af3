"""Threads for calls that may block: a pool for the index, and one for each file system and host of the roots.

Used by the operations, on the event loop of the mount. A call first waits for a place in its pool. That wait costs
nothing of its deadline, which begins with its thread. After the deadline the caller gets `DeadlineExceeded`; the thread
is abandoned, and keeps its place until the call returns. A pool whose places are all kept so refuses calls at once: a
file system or host that hangs costs the programs that use it, and nobody else.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar, TypeVarTuple, cast

import outcome
import trio

from magicfs.errors import DeadlineExceeded
from magicfs.tree.nodes import ThreadPool
from magicfs.tree.remote.files import ANSWER_SECONDS

ResultT = TypeVar("ResultT")
ArgumentTs = TypeVarTuple("ArgumentTs")

log = logging.getLogger(__name__)

FILES_THREADS = 24
"""For each file system."""
INDEX_THREADS = 16
"""More than the searches that run at once: a request that waits for the search of another one takes a thread too. Each
of them may need a connection to the database."""
FILES_SECONDS = 60.0
"""The deadline of a call that waits for a file system. A disk takes ten seconds to spin up."""
HOST_THREADS = 8
"""For each other host."""
HOST_SECONDS = ANSWER_SECONDS + 1.0
"""The deadline of a call that waits for another host, which has one of its own and says more when it passes."""
SEARCH_GRACE_SECONDS = 1.0
"""Added to the search's own deadline, so that the search reports its error itself."""
MAX_WAITING_FILES = 128
"""Calls that wait for a place in the pool of one file system or host. Further ones are refused, so that the
requests of one that hangs leave some of `MAX_REQUESTS` to all others."""
MAX_WAITING_INDEX = 256
"""Calls that wait for a place in the pool of the index. Further ones are refused."""


class ThreadPools:
    """Runs blocking functions. Belongs to one trio loop."""

    def __init__(self, *, search_seconds: float) -> None:
        self._search_seconds = search_seconds
        self._pools: dict[ThreadPool, _Places] = {}

    async def run(
        self,
        pool: ThreadPool | None,
        function: Callable[[*ArgumentTs], ResultT],
        *arguments: *ArgumentTs,
        discard: Callable[[ResultT], object] | None = None,
    ) -> ResultT:
        """Call `function` in a thread of the pool, or here if there is none: the call does not block then.

        `discard` gets the result of a call that returns after its deadline, in a thread of the pool too. Raises
        `DeadlineExceeded`, and what the function raises.
        """
        if pool is None:
            return function(*arguments)
        places = self._pools.get(pool)
        if places is None:
            places = self._pools[pool] = self._places(pool)
        with trio.CancelScope() as scope:
            call = _Call(places, scope, lambda: function(*arguments), discard)
            try:
                return await trio.to_thread.run_sync(
                    call.run, abandon_on_cancel=True, limiter=cast("trio.CapacityLimiter", call)
                )
            except trio.Cancelled:
                call.abandon()
                raise
        raise DeadlineExceeded(f"gave up after {places.seconds:.0f} seconds")

    def run_detached(self, function: Callable[[], object]) -> None:
        """Call `function` in a thread that nobody waits for. It takes no place: it must come to its turn."""
        trio.lowlevel.start_thread_soon(function, _log_failure, "detached")

    def _places(self, pool: ThreadPool) -> _Places:
        if pool == ThreadPool.INDEX:
            return _Places(INDEX_THREADS, MAX_WAITING_INDEX, self._search_seconds + SEARCH_GRACE_SECONDS)
        if pool.is_of_host:
            return _Places(HOST_THREADS, MAX_WAITING_FILES, HOST_SECONDS)
        return _Places(FILES_THREADS, MAX_WAITING_FILES, FILES_SECONDS)


class _Places:
    """The places of a pool: who waits longest gets the next one."""

    def __init__(self, count: int, max_waiting: int, seconds: float) -> None:
        self.seconds = seconds
        """The deadline of a call."""
        self.abandoned = 0
        """The places of calls that have not returned after their deadline."""
        self._count = count
        self._free = count
        self._max_waiting = max_waiting
        self._waiting: deque[trio.Event] = deque()
        self._moved_at = trio.current_time()
        """When a place was taken or given back last."""

    async def take(self) -> None:
        """Wait for a place. Raises `DeadlineExceeded` when none comes free for the time of a call."""
        if self._free:
            self._free -= 1
            self._moved_at = trio.current_time()
            return
        if self.abandoned >= self._count:
            raise DeadlineExceeded(f"{self.abandoned} calls hang, and no further one is tried")
        if len(self._waiting) >= self._max_waiting:
            raise DeadlineExceeded(f"{len(self._waiting)} calls wait already: try again later")
        given = trio.Event()
        self._waiting.append(given)
        try:
            await self._wait(given)
        except BaseException:
            if given.is_set():
                self.give_back()
            else:
                self._waiting.remove(given)
            raise

    async def _wait(self, given: trio.Event) -> None:
        while not given.is_set():
            with trio.move_on_at(self._moved_at + self.seconds):
                await given.wait()
            if not given.is_set() and trio.current_time() >= self._moved_at + self.seconds:
                raise DeadlineExceeded(f"no thread was free for {self.seconds:.0f} seconds")

    def give_back(self) -> None:
        """Give a place back, which passes to the call that waits longest."""
        self._moved_at = trio.current_time()
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free += 1


class _Call(Generic[ResultT]):
    """A call in a thread. It stands in for trio's limiter, which trio asks for a place and tells when the thread ends.

    Belongs to the loop, but for `run`.
    """

    def __init__(
        self,
        places: _Places,
        scope: trio.CancelScope,
        function: Callable[[], ResultT],
        discard: Callable[[ResultT], object] | None,
    ) -> None:
        self._places = places
        self._scope = scope
        self._function = function
        self._discard = discard
        self._unclaimed: list[ResultT] = []
        """The result, if it has to be discarded when nobody waits for it."""
        self._has_thread = False
        self._is_abandoned = False

    def run(self) -> ResultT:
        """Call the function, in the thread."""
        result = self._function()
        if self._discard is not None:
            self._unclaimed.append(result)
        return result

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """Wait for a place; the deadline begins then."""
        del borrower
        await self._places.take()
        self._has_thread = True
        self._scope.deadline = trio.current_time() + self._places.seconds

    def release_on_behalf_of(self, borrower: object) -> None:
        """Give the place back: the thread has ended."""
        del borrower
        self._has_thread = False
        if self._is_abandoned:
            self._places.abandoned -= 1
            self._discard_result()
        self._places.give_back()

    def abandon(self) -> None:
        """Record that nobody waits for the call any more."""
        self._is_abandoned = True
        if self._has_thread:
            self._places.abandoned += 1
        else:
            self._discard_result()

    def _discard_result(self) -> None:
        """Discard the result in a thread, since that may block too."""
        if self._discard is not None and self._unclaimed:
            discard = functools.partial(self._discard, self._unclaimed.pop())
            trio.lowlevel.start_thread_soon(discard, _log_failure, "discard")


def _log_failure(result: outcome.Outcome[object]) -> None:
    """Log what was raised in a thread that nobody waits for."""
    if isinstance(result, outcome.Error):
        log.warning("a file could not be closed: %s", result.error)
