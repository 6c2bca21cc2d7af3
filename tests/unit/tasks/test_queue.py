"""What `CeleryQueue` does while the broker does not answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from tasks import broker
from tasks.queue import BACKOFF_FACTOR, CeleryQueue


@pytest.fixture
def silent_broker(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that takes connections and answers nothing, as a broker that hangs."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "redis.sock"))
        listener.listen()
        listener.setblocking(False)
        yield listener


def new_connections(listener: socket.socket) -> int:
    """How many connections came since the last call. Each call of the queue that tries to send makes one or more."""
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


class Clock:
    """A clock that the test may stop and put forward."""

    def __init__(self) -> None:
        self.stopped_at: float | None = None

    def monotonic(self) -> float:
        return time.monotonic() if self.stopped_at is None else self.stopped_at


def test_a_broker_that_hangs_delays_one_notification_and_is_tried_again_after_a_pause(
    tmp_path: Path, silent_broker: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    monkeypatch.setattr("tasks.queue.time", clock)
    monkeypatch.setattr("tasks.queue.SOCKET_SECONDS", 0.5)
    queue = CeleryQueue(Celery(broker=f"redis+socket://{tmp_path}/redis.sock"))
    began = time.monotonic()
    queue.notify_extract("here")
    seconds = time.monotonic() - began
    assert new_connections(silent_broker) >= 1
    clock.stopped_at = began + 0.9 * 0.5 * (1 + BACKOFF_FACTOR)
    for _ in range(20):
        queue.notify_extract("here")
    assert new_connections(silent_broker) == 0, "nothing is sent during the backoff"
    clock.stopped_at = began + seconds * (1 + BACKOFF_FACTOR)
    queue.notify_embed()
    assert new_connections(silent_broker) >= 1, "the broker is not tried again after the backoff"
    assert len([record for record in caplog.records if "does not answer" in record.message]) == 1


def test_no_worker_is_asked_without_a_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery tries for six seconds, for which an agent that stops waits."""
    app = Celery(broker=f"redis+socket://{tmp_path}/none.sock")
    monkeypatch.setattr(app.control, "inspect", lambda **_: pytest.fail("Celery tries again and again"))
    assert CeleryQueue(app).workers() == []


def test_where_no_thread_can_be_started_the_broker_counts_as_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's watchdog asks; an exception would end it."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    queue = CeleryQueue(Celery(broker="redis://localhost:1"))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert queue.depths(["embed"]) is None
    assert "can't start new thread" in (queue.probe("here").detail or "")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (redis.ConnectionError("max number of clients reached"), "raise its maxclients"),
        (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots, but it is not able to"), "make room"),
    ],
)
def test_what_redis_refuses_is_told_with_a_remedy(error: redis.RedisError, remedy: str) -> None:
    assert remedy in broker.trouble_of(error, "start it")


def test_a_probe_has_time_for_a_hub_that_is_far_away() -> None:
    round_trip_s = 0.4  # docs/cluster.md promises as much
    connection, tls, question = 1, 1, 1
    assert (connection + tls + question) * round_trip_s + 1.0 < broker.PROBE_SECONDS
    assert broker.MAX_PROBE_SECONDS > broker.PROBE_SECONDS
