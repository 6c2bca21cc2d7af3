"""A Postgres that recovers from a crash for longer than a start may take: it is waited for, and what waits says so."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from magicfs.cli import environment, part_readiness, waiting
from magicfs.cli.part_readiness import PartReadiness
from magicfs.config import Settings
from magicfs.db.migrate import migrate
from magicfs.db.pool import Database
from magicfs.errors import DatabaseStarting
from magicfs.runtime import postgres, postgres_cluster
from magicfs.runtime.parts import server_parts
from magicfs.runtime.processes import has_ended
from magicfs.runtime.supervisor import Supervisor
from tests.integration.runtime.crashes import recovers
from tests.plugins.waiting import eventually

LIMIT_SECONDS = 3.0
"""How long a start may take here, and a server on a busy machine to answer once it has recovered."""
OUTAGE_SECONDS = 4.0
"""How long another outage may last here: the pool connects anew some seconds after the server is ready."""
RECOVERY_SECONDS = 8.0


def startup_process(server: int) -> psutil.Process | None:
    """The process of a server that recovers."""
    for process in psutil.Process(server).children():
        try:
            if "startup" in " ".join(process.cmdline()):
                return process
        except psutil.Error:
            continue
    return None


def until_searchable(settings: Settings, database: Database) -> None:
    """Wait for an index without files."""
    waiting.wait_until_searchable(settings, database, since=datetime.now(UTC))


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, broker_url="redis://127.0.0.1:1/0")


@pytest.fixture
def recovery(supervisor: Supervisor, settings: Settings) -> Iterator[psutil.Process]:
    """The process that recovers, and has been stopped at it."""
    supervisor.apply(server_parts(settings.home, database=True, broker=False))
    eventually(lambda: postgres.answers(settings.run_dir), "the server")
    with Database(settings.database_dsn, application="test", size=1) as database:
        migrate(database)
    server = postgres_cluster.server_pid(settings.home)
    assert server is not None
    held: list[psutil.Process] = []

    def is_held() -> bool:
        if recovers(settings.home) and (process := startup_process(server)) is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
                # One that has done its work is gone, or about to be.
                held.extend([process] if process.status() == psutil.STATUS_STOPPED else [])
        return bool(held)

    eventually(is_held, "its recovery", pause=0.01)
    [process] = held
    yield process
    if process.is_running():
        process.resume()


def test_a_recovery_is_waited_for_and_explained(
    recovery: psutil.Process,
    supervisor: Supervisor,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(part_readiness, "SERVER_SECONDS", LIMIT_SECONDS)
    monkeypatch.setattr(part_readiness, "EXPLAIN_SECONDS", LIMIT_SECONDS / 2)
    monkeypatch.setattr(part_readiness, "REPEAT_SECONDS", LIMIT_SECONDS / 2)
    assert postgres.is_starting(settings.run_dir)
    with (
        pytest.raises(DatabaseStarting, match="recovers first if it has crashed: nothing is lost"),
        Database(settings.database_dsn, application="command", size=1, connect_seconds=1) as database,
        database.transaction(),
    ):
        pass
    end = threading.Timer(RECOVERY_SECONDS, recovery.resume)
    end.start()
    PartReadiness(settings, supervisor).wait_for_servers()
    end.join()
    assert "waiting for the database, which recovers first" in capsys.readouterr().err
    assert not postgres.is_starting(settings.run_dir)


def test_what_outlives_a_killed_server_does_not_keep_the_next_one_from_starting(
    recovery: psutil.Process, settings: Settings
) -> None:
    server = postgres_cluster.server_pid(settings.home)
    assert server is not None
    os.kill(server, signal.SIGKILL)
    # The supervisor starts another one.
    eventually(lambda: postgres.answers(settings.run_dir), "the server again", seconds=60)
    assert has_ended(recovery)


@pytest.mark.parametrize("waits", [environment.prepare_when_reachable, until_searchable])
def test_services_and_waits_for_the_index_go_on(
    recovery: psutil.Process,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    waits: Callable[[Settings, Database], None],
) -> None:
    monkeypatch.setattr(environment, "SERVICE_CONNECT_SECONDS", OUTAGE_SECONDS)
    monkeypatch.setattr(waiting, "OUTAGE_SECONDS", OUTAGE_SECONDS)
    end = threading.Timer(RECOVERY_SECONDS, recovery.resume)
    with Database(settings.database_dsn, application="service", size=1, connect_seconds=1) as database:
        end.start()
        waits(settings, database)
        assert not end.is_alive()
