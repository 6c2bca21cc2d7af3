"""What a person is told to do when no Redis answers, by where it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.cli.wiring import probe_broker
from magicfs.config import Settings
from magicfs.runtime import redis


@pytest.fixture
def home(short_path: Path) -> Iterator[Path]:
    """A state directory where something listens in the place of Redis, and ends each connection."""
    path = redis.socket_path(short_path)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def refuse() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=refuse)
        thread.start()
        yield short_path
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({}, "run 'magicfs down', then 'magicfs up'"),
        ({"hub": "10.8.0.1"}, "it is that of the hub 10.8.0.1: run 'magicfs doctor' there"),
        ({"broker_url": "redis://127.0.0.1:1"}, "start it, or correct MAGICFS_BROKER_URL"),
        ({"broker_url": "redis+socket:///nonexistent/redis.sock"}, "start it, or correct MAGICFS_BROKER_URL"),
    ],
)
def test_what_to_do_fits_where_redis_is(home: Path, settings: dict[str, str], remedy: str) -> None:
    detail = probe_broker(Settings(home=home, **settings)).detail
    assert detail is not None
    assert detail.startswith("no Redis answers (")
    assert detail.endswith(f"): {remedy}")
