"""Calls in threads: who waits for a place, for how long, and what happens to results that come too late."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from magicfs.errors import DeadlineExceeded
from magicfs.fuse import thread_pools
from magicfs.fuse.thread_pools import ThreadPools
from magicfs.tree.nodes import ThreadPool

HERE, THERE = ThreadPool("8:1"), ThreadPool("8:2")
SHORT_SECONDS = 0.1
LONG_SECONDS = 30.0


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set when the calls that hang go on. A pool has two places."""
    monkeypatch.setattr(thread_pools, "FILES_THREADS", 2)
    event = threading.Event()
    yield event
    event.set()


def test_a_call_without_a_pool_runs_on_the_loop() -> None:
    async def main() -> int:
        return await ThreadPools(search_seconds=1).run(None, threading.get_ident)

    assert trio.run(main) == threading.get_ident()


def test_a_file_system_that_hangs_has_refused_calls_and_others_go_on(
    hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_pools, "FILES_SECONDS", SHORT_SECONDS)

    async def hang(pools: ThreadPools) -> None:
        with pytest.raises(DeadlineExceeded):
            await pools.run(HERE, hanging.wait, LONG_SECONDS)

    async def main() -> None:
        pools = ThreadPools(search_seconds=1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hang, pools)
            nursery.start_soon(hang, pools)
        with pytest.raises(DeadlineExceeded, match="hang"):
            await pools.run(HERE, hanging.is_set)
        monkeypatch.setattr(thread_pools, "FILES_SECONDS", LONG_SECONDS)
        assert not await pools.run(THERE, hanging.is_set)
        hanging.set()
        with trio.fail_after(LONG_SECONDS):
            while True:
                with contextlib.suppress(DeadlineExceeded):
                    assert await pools.run(HERE, hanging.is_set)
                    return
                await trio.sleep(0.01)

    trio.run(main)


def test_waiting_for_a_place_is_no_part_of_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_pools, "FILES_THREADS", 1)
    monkeypatch.setattr(thread_pools, "FILES_SECONDS", LONG_SECONDS)
    clock = trio.testing.MockClock()
    may_end = [threading.Event() for _ in range(6)]
    have_ended = [trio.Event() for _ in may_end]

    async def main() -> None:
        pools = ThreadPools(search_seconds=1)

        async def call(number: int) -> None:
            assert await pools.run(HERE, may_end[number].wait, LONG_SECONDS)
            have_ended[number].set()

        async with trio.open_nursery() as nursery:
            for number in range(len(may_end)):
                nursery.start_soon(call, number)
                await trio.testing.wait_all_tasks_blocked()
            for may, has in zip(may_end, have_ended, strict=True):
                clock.jump(0.75 * LONG_SECONDS)
                may.set()
                await has.wait()
                # The next one takes the place.
                await trio.testing.wait_all_tasks_blocked()

    trio.run(main, clock=clock)


def test_whoever_waits_gives_up_when_nothing_moves(hanging: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_pools, "FILES_SECONDS", SHORT_SECONDS)
    errors = []

    async def call(pools: ThreadPools) -> None:
        with pytest.raises(DeadlineExceeded) as error:
            await pools.run(HERE, hanging.wait, LONG_SECONDS)
        errors.append(error)

    async def main() -> None:
        pools = ThreadPools(search_seconds=1)
        with trio.fail_after(LONG_SECONDS):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(call, pools)

    trio.run(main)
    assert len(errors) == 5


def test_too_many_waiting_calls_are_refused(hanging: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_pools, "MAX_WAITING_FILES", 1)

    async def main() -> None:
        pools = ThreadPools(search_seconds=1)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(pools.run, HERE, hanging.wait, LONG_SECONDS)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(DeadlineExceeded, match="wait already"):
                await pools.run(HERE, hanging.is_set)
            hanging.set()

    trio.run(main)


def test_a_result_that_comes_too_late_is_discarded_in_a_thread(
    hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open file of a server that went away: closing it may block as long as opening it."""
    monkeypatch.setattr(thread_pools, "FILES_SECONDS", SHORT_SECONDS)
    discarded: list[tuple[bool, bool]] = []
    is_discarded = threading.Event()

    def discard(result: bool) -> None:
        discarded.append((result, threading.current_thread() is threading.main_thread()))
        is_discarded.set()

    async def main() -> None:
        pools = ThreadPools(search_seconds=1)
        with pytest.raises(DeadlineExceeded):
            await pools.run(HERE, hanging.wait, LONG_SECONDS, discard=discard)
        assert discarded == []
        hanging.set()
        await trio.to_thread.run_sync(is_discarded.wait, LONG_SECONDS)
        pools._pools[HERE].seconds = LONG_SECONDS
        assert await pools.run(HERE, hanging.is_set, discard=discard)

    trio.run(main)
    assert discarded == [(True, False)]
