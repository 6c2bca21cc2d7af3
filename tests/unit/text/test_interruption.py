"""The alarm that ends work of a parser which looks at no clock."""

from __future__ import annotations

import contextlib
import signal
import time

import pytest

from magicfs.text.extract.process.interruption import interrupted_at, not_interrupted


def work_forever() -> None:
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def test_work_that_catches_every_exception_ends() -> None:
    with pytest.raises(TimeoutError), interrupted_at(time.monotonic() + 0.01):
        work_forever()


def test_a_moment_that_is_past_ends_work_at_once() -> None:
    with pytest.raises(TimeoutError), interrupted_at(time.monotonic() - 1):
        work_forever()


def test_work_that_is_done_in_time_is_not_interrupted_later() -> None:
    before, (left, _) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    with interrupted_at(time.monotonic() + 60):
        pass
    assert signal.getsignal(signal.SIGALRM) is before
    # The tests have an alarm of their own.
    assert bool(signal.getitimer(signal.ITIMER_REAL)[0]) == bool(left)


def test_the_outer_time_goes_on_after_an_inner_one() -> None:
    with pytest.raises(TimeoutError), interrupted_at(time.monotonic() + 0.05):
        with contextlib.suppress(TimeoutError), interrupted_at(time.monotonic() + 0.01):
            work_forever()
        work_forever()


def test_work_with_a_limit_of_its_own_is_not_interrupted() -> None:
    done = False
    with pytest.raises(TimeoutError), interrupted_at(time.monotonic() + 0.02):
        with not_interrupted():
            ended = time.monotonic() + 0.1
            while time.monotonic() < ended:
                pass
            done = True
        work_forever()
    assert done
