"""What the tests of the mount say again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

LONG_ENOUGH = 15.0
"""Seconds: for a loaded machine. How quick things are is for the benchmarks to say."""


@contextmanager
def fails_with(*numbers: int) -> Iterator[None]:
    """The block raises an `OSError` with one of these numbers."""
    with pytest.raises(OSError) as error:
        yield
    assert error.value.errno in numbers


def wait_for(holds: Callable[[], bool]) -> None:
    """Until something holds that takes a moment."""
    deadline = time.monotonic() + LONG_ENOUGH
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
