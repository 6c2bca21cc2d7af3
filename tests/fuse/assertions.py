"""Assertions of the tests of the mount."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

DEADLINE_SECONDS = 15.0
"""Generous, for a loaded machine: the benchmarks measure speed, not the tests."""


@contextmanager
def raises_errno(*numbers: int) -> Iterator[None]:
    """The block raises an `OSError` with one of these numbers."""
    with pytest.raises(OSError) as error:
        yield
    assert error.value.errno in numbers


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
