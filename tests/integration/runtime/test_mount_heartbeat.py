"""The heartbeat of a mount passes new roots on at once, and reports the mount."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from magicfs.db.cluster.heartbeats import live_mounts
from magicfs.db.cluster.roots import ensure_host, insert_root
from magicfs.db.listener import Listener
from magicfs.db.pool import Database
from magicfs.fuse import heartbeat
from magicfs.runtime.processes import wait_until


def test_new_roots_are_announced(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "REPORT_SECONDS", 3600.0)
    names: list[list[str]] = []
    with heartbeat.Heartbeat(
        database,
        host="here",
        mountpoint=Path("/mnt"),
        set_roots=lambda roots: names.append([registered.root.name for registered in roots]),
    ):
        # The second time with the connection of the listener: from now on it hears.
        wait_until(lambda: len(names) >= 2, seconds=60, failed="there is no report")
        with database.transaction() as connection:
            assert [mount.path for mount in live_mounts(connection)] == [b"/mnt"]
            insert_root(
                connection,
                host=ensure_host(connection, name="here"),
                path=b"/docs",
                name="docs",
                folded="docs",
                device=1,
            )
        wait_until(lambda: names[-1] == ["docs"], seconds=60, failed="the root is not passed on")
    with database.transaction() as connection:
        assert live_mounts(connection) == ()


def test_the_thread_may_end_before_the_mount_wakes_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be between two waits when the mount ends, and see that at once."""
    interrupt = Listener.interrupt

    def interrupt_late(listener: Listener) -> None:
        interrupt(listener)
        for thread in threading.enumerate():
            if thread.name == "heartbeat":
                thread.join()
        interrupt(listener)

    monkeypatch.setattr(Listener, "interrupt", interrupt_late)
    with heartbeat.Heartbeat(database, host="here", mountpoint=Path("/mnt"), set_roots=lambda _: None):
        pass
    with database.transaction() as connection:
        assert live_mounts(connection) == ()


def test_an_unexpected_error_does_not_end_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "REPORT_SECONDS", 0.01)
    calls: list[int] = []

    def set_roots(_: object) -> None:
        calls.append(1)
        if len(calls) < 5:
            raise RuntimeError("a bug")

    with heartbeat.Heartbeat(database, host="here", mountpoint=Path("/mnt"), set_roots=set_roots):
        wait_until(lambda: len(calls) >= 8, seconds=60, failed="the heartbeat has ended")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "the heartbeat failed unexpectedly, and goes on"
    ]
