"""Interrupts a parser written in Python that works on one object of a damaged file for minutes.

Used in the child process, whose main thread parses. Such a parser looks at no clock; one that is native is not
interrupted, and its process is killed in the end.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from typing import Final

_AGAIN_SECONDS: Final = 0.25
"""The alarm rings again after this time: libraries catch exceptions of any kind."""
_SOONEST_SECONDS: Final = 0.001
"""A timer of 0 would never ring."""


class _OverTimeError(BaseException):
    """The time is over. No `Exception`: a library would take it for damage, and go on."""


@contextlib.contextmanager
def interrupted_at(until: float) -> Iterator[None]:
    """Raise `TimeoutError` in the block at a moment on the monotonic clock. For the main thread; may be nested."""
    is_running = True

    def ring(*_: object) -> None:
        if is_running:
            raise _OverTimeError

    before = signal.signal(signal.SIGALRM, ring)
    began = time.monotonic()
    outer, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        # The alarm may ring at any line from here until `is_running` is false, also outside the block.
        try:
            signal.setitimer(signal.ITIMER_REAL, max(until - began, _SOONEST_SECONDS), _AGAIN_SECONDS)
            yield
        finally:
            is_running = False
    except _OverTimeError:
        raise TimeoutError("not done in time") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            left = outer - (time.monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(left, _SOONEST_SECONDS), _AGAIN_SECONDS)


@contextlib.contextmanager
def not_interrupted() -> Iterator[None]:
    """Stop the time in the block: what it does has a limit of its own."""
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, left, _AGAIN_SECONDS)
