"""A child ends when it has had no task for a while, and its successor knows why."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable
from functools import partial

import pytest
from billiard.pool import EX_RECYCLE

from magicfs.runtime.processes import wait_until
from tasks.idle_timeout import IdleTimeout


def end_of_child(life: Callable[[], None]) -> int:
    """The exit code of a child that lives so, and then waits for a task that never comes."""
    pid = os.fork()
    if pid == 0:
        life()
        time.sleep(60)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_child_without_tasks_ends_and_the_next_one_builds_nothing() -> None:
    timeout = IdleTimeout(seconds=0.05)
    assert end_of_child(lambda: os._exit(3) if timeout.child_started() else None) == EX_RECYCLE
    assert end_of_child(lambda: os._exit(3) if timeout.child_started() else None) == 3
    assert end_of_child(lambda: os._exit(3) if timeout.child_started() else None) == EX_RECYCLE, "the last one has died"


def test_a_child_that_has_built_nothing_lives_until_it_has_had_a_task() -> None:
    timeout = IdleTimeout(seconds=0.05)

    def work() -> None:
        with timeout.working():
            time.sleep(0.3)
            # It may end as soon as its task has.
            os.write(done, b"x")

    def live() -> None:
        if not timeout.child_started():
            return
        time.sleep(0.3)
        work()

    reading, done = os.pipe()
    assert end_of_child(live) == EX_RECYCLE
    assert end_of_child(live) == EX_RECYCLE
    assert os.read(reading, 9) == b"x", "it has ended neither before its task nor during it"


def test_a_child_that_goes_on_frees_something_once_after_each_task() -> None:
    freed: list[bool] = []
    timeout = IdleTimeout(seconds=0.05, free=lambda: freed.append(True))

    def freed_more_than(times: int) -> bool:
        return len(freed) > times

    assert not timeout.child_started()
    for _ in range(2):
        with timeout.working():
            freed_before = len(freed)
            time.sleep(0.2)
            assert len(freed) == freed_before, "not during a task"
        wait_until(partial(freed_more_than, freed_before), seconds=60, failed="nothing is freed")
        time.sleep(0.2)
        assert len(freed) == freed_before + 1


class Clock:
    """The `time` of a thread that is woken by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: queue.Queue[float] = queue.Queue()
        """For how long the thread wants to sleep."""
        self.wakings: queue.Queue[None] = queue.Queue()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.put(seconds)
        self.wakings.get()


def test_the_time_without_a_task_begins_at_the_end_of_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def live() -> None:
        clock, freed = Clock(), list[float]()
        # Here, where the threads of other tests are not.
        monkeypatch.setattr("tasks.idle_timeout.time", clock)
        timeout = IdleTimeout(seconds=10.0, free=lambda: freed.append(clock.now))
        timeout.child_started()
        slept = [clock.sleeps.get()]
        with timeout.working():
            clock.now = 9.0
        for now in (10.0, 19.0):
            clock.now = now
            clock.wakings.put(None)
            slept.append(clock.sleeps.get())
        os._exit(0 if (slept, freed) == ([10.0, 9.0, 10.0], [19.0]) else 1)

    assert end_of_child(live) == 0


def test_the_parent_of_a_child_knows_whether_it_works() -> None:
    timeout = IdleTimeout(seconds=60.0)
    begun, begin = os.pipe()
    may_end, end = os.pipe()

    def live() -> None:
        timeout.child_started()
        with timeout.working():
            os.write(begin, b"x")
            os.read(may_end, 1)
        os._exit(0)

    pid = os.fork()
    if pid == 0:
        live()
    assert os.read(begun, 1) == b"x"
    assert timeout.child_works()
    os.write(end, b"x")
    assert os.waitpid(pid, 0)[1] == 0
    assert not timeout.child_works()


def test_a_child_does_not_work_on_the_task_of_one_that_has_died_over_it() -> None:
    # With something to free, this process goes on: as a child that ends, it would end the tests after a minute.
    timeout = IdleTimeout(seconds=60.0, free=lambda: None)

    def die_at_work() -> None:
        with timeout.working():
            os._exit(3)

    assert end_of_child(die_at_work) == 3
    assert not timeout.child_started()
    assert not timeout.child_works()
