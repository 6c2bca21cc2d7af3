"""When the process of a task is killed: at its time limit, unless it has waited for a processor."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from magicfs.linux.starvation import Starvation
from tasks.app import LONGEST_SECONDS
from tasks.pool import Pool


class Timer:
    """A call that is to be made."""

    def cancel(self) -> None:
        """Do nothing: nobody makes the call."""


class Hub:
    """The event loop of a worker: it remembers what is to be called."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.timer: Timer | None = None

    def call_later(self, seconds: float, _: Callable[..., object], *arguments: object) -> Timer:
        self.calls.append(seconds)
        self.timer = Timer()
        return self.timer


class Result:
    """A task that runs, as the pool knows it."""

    def __init__(self, pid: int, *, limit: float) -> None:
        self._job, self._worker_pid, self._timeout, self._time_accepted = 1, pid, limit, time.monotonic()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def killed() -> list[Result]:
    return []


@pytest.fixture
def tasks(hub: Hub, killed: list[Result]) -> Pool:
    made = Pool.__new__(Pool)
    made._cache = {}
    made._create_timelimit_handlers(hub)
    made.on_hard_timeout = killed.append
    return made


def run(tasks: Pool, result: Result) -> Result:
    tasks._cache[result._job] = result
    tasks.on_timeout_set(result, None, result._timeout)
    return result


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_task_that_hangs_is_killed_at_its_limit(
    tasks: Pool, killed: list[Result], process: subprocess.Popen[bytes]
) -> None:
    result = run(tasks, Result(process.pid, limit=60.0))
    result._time_accepted -= 61.0
    tasks._on_hard_timeout(1)
    assert killed == [result]


def test_a_task_has_the_time_that_it_waited_for_a_processor(
    tasks: Pool, hub: Hub, killed: list[Result], process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(tasks, Result(process.pid, limit=60.0))
    monkeypatch.setattr(Starvation, "seconds", lambda _: 30.0)
    result._time_accepted -= 70.0
    tasks._on_hard_timeout(1)
    assert not killed
    assert 0 < hub.calls[-1] <= 20.0
    monkeypatch.setattr(Starvation, "seconds", lambda _: 1e6)
    result._time_accepted -= LONGEST_SECONDS
    tasks._on_hard_timeout(1)
    assert killed == [result]


def test_a_task_keeps_the_time_that_it_waited_when_redis_is_connected_again(
    tasks: Pool, hub: Hub, killed: list[Result], process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(tasks, Result(process.pid, limit=60.0))
    monkeypatch.setattr(Starvation, "seconds", lambda _: 30.0)
    tasks._create_timelimit_handlers(hub)
    result._time_accepted -= 70.0
    tasks._on_hard_timeout(1)
    assert not killed
