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


def test_an_alarm_that_rings_before_the_work_begins_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    set_timer, rings = signal.setitimer, iter([signal.SIGALRM])

    def set_late(which: int, seconds: float, interval: float = 0.0) -> tuple[float, float]:
        before = set_timer(which, seconds, interval)
        if seconds:
            for ring in rings:
                signal.raise_signal(ring)
        return before

    with monkeypatch.context() as patched:
        patched.setattr(signal, "setitimer", set_late)
        with pytest.raises(TimeoutError), interrupted_at(time.monotonic() + 60):
            pytest.fail("the time was over before")


def test_work_with_a_limit_of_its_own_is_not_interrupted() -> None:
    with interrupted_at(time.monotonic() + 60):
        with not_interrupted():
            assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
