"""What `magicfs doctor` and `status --check` say of an agent that runs, but does nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from magicfs.cli import environment, index_checks
from magicfs.cli.index_checks import IndexChecks
from magicfs.config import Settings
from magicfs.db.cluster.heartbeats import LeaseTerms, take_host
from magicfs.db.pool import Database
from magicfs.domain.status import PartStatus
from magicfs.errors import CheckFailed


@pytest.fixture
def settings(database_url: str, short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A machine whose supervisor has run an agent for two minutes."""
    agent = PartStatus("agent", "running", pid=os.getpid(), uptime_s=120.0, restarts=0, detail="")
    supervisor = SimpleNamespace(parts=lambda: [agent], stopped_pid=lambda: None, has_changed_program=lambda: False)
    monkeypatch.setattr(environment, "supervisor", lambda *_, **__: supervisor)
    settings = Settings(home=short_path / "home", database_url=database_url, host="box")
    settings.make_home()
    return settings


def lease(database: Database, *, seconds: float) -> None:
    with database.transaction() as connection:
        assert take_host(connection, LeaseTerms("box", "here", "", seconds)) is None


def test_an_agent_that_has_its_host_is_well(settings: Settings, database: Database) -> None:
    lease(database, seconds=3600)
    assert IndexChecks(settings).parts() == "1 running"


def test_an_agent_that_hangs_is_found_by_its_lease(settings: Settings, database: Database) -> None:
    lease(database, seconds=-1)
    with pytest.raises(CheckFailed, match="the agent does not answer: run 'magicfs down', then 'magicfs up'"):
        IndexChecks(settings).parts()


def test_an_agent_that_has_just_started_need_not_have_it(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(database, seconds=-1)
    monkeypatch.setattr(index_checks, "AGENT_SECONDS", 300.0)
    assert IndexChecks(settings).parts() == "1 running"


def test_an_agent_whose_database_is_away_is_not_blamed(settings: Settings, short_path: Path) -> None:
    without = replace(settings, database_url=f"postgresql:///none?host={short_path}")
    assert IndexChecks(without).parts() == "1 running"
