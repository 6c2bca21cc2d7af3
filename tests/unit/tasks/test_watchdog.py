"""When a worker that does nothing is ended, by what the watchdog observes. And no observation harms a child."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace

from tasks.watchdog import CHECK_SECONDS, UNFINISHED_SECONDS, UNSTARTED_SECONDS, UNTAKEN_SECONDS, Observation, Stall

IDLE = Observation(begun=5, taken=5, connected=1, is_working=False, child_works=False, waiting=0)
WAITING = replace(IDLE, waiting=1)
WORKING = replace(IDLE, begun=6, taken=6, is_working=True, child_works=True)


def seconds_until_its_end(observations: Iterable[Observation], *, step: float = CHECK_SECONDS) -> float | None:
    """After how many seconds of the first observation a worker is ended; None when it is not."""
    stall, now = Stall(0.0), 0.0
    for number, seen in enumerate(observations):
        now += step
        if stall.reason(seen, now) is not None:
            return number * CHECK_SECONDS
    return None


def test_a_worker_that_takes_no_message_is_ended_within_two_minutes() -> None:
    """Nothing is read or embedded meanwhile."""
    ends_after = seconds_until_its_end(itertools.repeat(WAITING, 100))
    assert ends_after == UNTAKEN_SECONDS
    assert CHECK_SECONDS + ends_after <= 120


def test_one_without_messages_lives() -> None:
    assert seconds_until_its_end(itertools.repeat(IDLE, 1000)) is None


def test_one_that_begins_tasks_lives() -> None:
    assert seconds_until_its_end(replace(WAITING, begun=number, taken=number) for number in range(1000)) is None


def test_one_whose_queue_is_empty_now_and_then_lives() -> None:
    assert seconds_until_its_end(itertools.islice(itertools.cycle([WAITING, WAITING, IDLE]), 1000)) is None


def test_messages_that_are_taken_and_lost_end_it() -> None:
    observations = (replace(IDLE, taken=5 + number) for number in range(1000))
    assert seconds_until_its_end(observations) == UNSTARTED_SECONDS


def test_a_child_that_starts_has_time() -> None:
    starting = itertools.repeat(replace(WAITING, taken=6), 14)
    assert seconds_until_its_end(itertools.chain([IDLE], starting, itertools.repeat(WORKING, 9))) is None


def test_a_long_task_lives_and_one_without_end_does_not() -> None:
    assert seconds_until_its_end(itertools.repeat(replace(WORKING, waiting=8), 1000)) == UNFINISHED_SECONDS
    ended = replace(WORKING, is_working=False, child_works=False, waiting=1)
    assert seconds_until_its_end([*itertools.repeat(WORKING, 12), ended, replace(ended, waiting=0)]) is None


def test_one_that_does_not_learn_that_its_task_has_ended_is_ended() -> None:
    unread = replace(WORKING, child_works=False)
    assert seconds_until_its_end(itertools.repeat(unread, 100)) == UNTAKEN_SECONDS
    assert seconds_until_its_end(itertools.islice(itertools.cycle([WORKING, unread, unread]), 100)) is None


def test_a_connection_begins_the_time_anew() -> None:
    observations = [*itertools.repeat(WAITING, 3), *itertools.repeat(replace(WAITING, connected=2), 3)]
    assert seconds_until_its_end(observations) is None


def test_a_broker_in_trouble_is_not_the_workers_fault() -> None:
    for seen in (WAITING, WORKING, replace(WORKING, child_works=False)):
        assert seconds_until_its_end(itertools.repeat(replace(seen, waiting=None), 1000)) is None


def test_a_machine_that_slept_has_not_waited() -> None:
    assert seconds_until_its_end(itertools.repeat(WAITING, 2), step=36_000.0) is None


def test_one_that_sleeps_with_a_message_on_its_way_has_time_to_take_it() -> None:
    stall = Stall(0.0)
    observations = [(IDLE, 20.0), (WAITING, 40.0), (WAITING, 36_000.0), (replace(WORKING, waiting=0), 36_020.0)]
    assert [stall.reason(seen, now) for seen, now in observations] == [None] * 4


FORK_DURING_AN_OBSERVATION = """
import os, threading, time
from tasks import watchdog

class Queue:
    def depths(self, names):
        begun.set()
        time.sleep(0.5)
        ended.set()
        return {}

begun, ended = threading.Event(), threading.Event()
watchdog.CHECK_SECONDS = 0.01
watchdog.Watchdog(Queue(), [], children=list, child_works=bool).start()
begun.wait()
pid = os.fork()
if pid == 0:
    os._exit(0 if ended.is_set() else 3)
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_no_child_is_born_during_an_observation() -> None:
    """It would inherit locks that the thread holds, and nobody would release them."""
    assert subprocess.run([sys.executable, "-c", FORK_DURING_AN_OBSERVATION], timeout=150, check=False).returncode == 0


END_WITH_A_CHILD = """
import subprocess, threading
from tasks import watchdog

class Queue:
    def depths(self, names):
        return {"queue": 1}

child = subprocess.Popen(["sleep", "600"])
watchdog.CHECK_SECONDS = watchdog.UNTAKEN_SECONDS = watchdog.STOP_SECONDS = 0.01
watchdog.Watchdog(Queue(), [], children=lambda: [child.pid, 2**22 + 1], child_works=bool).start()
threading.Event().wait()
"""


def test_a_worker_that_does_not_stop_is_ended_with_its_children() -> None:
    """One that went on without it would hold its model, and the claim of what it reads."""
    # The pipe ends when the child has ended too.
    worker = subprocess.run([sys.executable, "-c", END_WITH_A_CHILD], stdout=subprocess.PIPE, timeout=150, check=False)
    assert worker.returncode == 1
