"""Ringing for workers, when the broker is not itself."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from celery import Celery

from tasks.queue import CeleryQueue


def test_a_broker_that_hangs_holds_up_one_ring_and_not_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tasks.queue.SOCKET_SECONDS", 0.5)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "redis.sock"))
        silent.listen()
        queue = CeleryQueue(Celery(broker=f"redis+socket://{tmp_path}/redis.sock"))
        queue.notify_extract("here")
        began = time.monotonic()
        for _ in range(20):
            queue.notify_extract("here")
        assert time.monotonic() - began < 0.4, "nobody waits again for what has just not answered"
        time.sleep(max(0.0, queue._spared_until - time.monotonic()))
        began = time.monotonic()
        queue.notify_embed()
        assert time.monotonic() - began > 0.2, "but after a while, somebody tries"
    assert len([record for record in caplog.records if "does not answer" in record.message]) == 1
