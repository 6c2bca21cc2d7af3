"""Assertions of the tests of the mount."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fuse.conftest import MountProcess
from tests.plugins.kernel_caches import kept_caches


@contextmanager
def raises_errno(*numbers: int) -> Iterator[None]:
    """The block raises an `OSError` with one of these numbers."""
    with pytest.raises(OSError) as error:
        yield
    assert error.value.errno in numbers


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
        with kept_caches():
            before = python_cpu_seconds(mount)
            action()
            costs.append(python_cpu_seconds(mount) - before)
        if costs[-1] < seconds:
            return
    pytest.fail(f"{costs} are not below {seconds}")


def served(mount: MountProcess) -> int:
    """End the mount; return how many requests Python had nothing to do with."""
    assert mount.process is not None
    mount.process.send_signal(signal.SIGTERM)
    words = mount.process.stdout.read().split()
    assert mount.wait() == 0
    return int(words[words.index("served") + 1])
