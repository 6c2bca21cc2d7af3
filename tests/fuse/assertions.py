"""Assertions of the tests of the mount."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fuse.conftest import MountProcess

DEADLINE_SECONDS = 60.0
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


def python_cpu_seconds(mount: MountProcess) -> float:
    """The processor time of the main thread of a mount, which is that of Python."""
    assert mount.process is not None
    pid = mount.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def assert_without_python(mount: MountProcess, action: Callable[[], object], *, seconds: float) -> None:
    """Python has next to nothing to do with an action: its time is shorter than `seconds`.

    On a busy machine an action takes so long that names are looked up anew meanwhile: then it is tried again.
    """
    costs = []
    for _ in range(5):
        before = python_cpu_seconds(mount)
        action()
        costs.append(python_cpu_seconds(mount) - before)
        if costs[-1] < seconds:
            return
    pytest.fail(f"{costs} are not below {seconds}")
