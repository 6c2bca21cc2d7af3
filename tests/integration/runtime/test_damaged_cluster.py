"""A damaged cluster of the embedded Postgres: what is said of it, what is mended, and that it is left in its place."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from magicfs.cli.part_logs import explain_failure
from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.errors import DatabaseUnavailable, ServerError
from magicfs.runtime import postgres, postgres_cluster
from magicfs.runtime.processes import wait_until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cluster")
    postgres_cluster.prepare(home)
    return home


@pytest.fixture
def home(cluster: Path, tmp_path: Path) -> Path:
    """A state directory with a cluster of its own."""
    shutil.copytree(cluster, tmp_path / "h")
    (tmp_path / "h/run").mkdir(mode=0o700)
    return tmp_path / "h"


def explained(home: Path) -> str:
    """What is said of a server that ends at once."""
    done = subprocess.run(
        [sys.executable, "-m", "magicfs.runtime.postgres", str(home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    log = home / "postgres.log"
    log.write_text(done.stdout + done.stderr)
    return explain_failure("postgres", log, home=home)


def no_version(data: Path) -> None:
    (data / "PG_VERSION").unlink()


def empty_version(data: Path) -> None:
    (data / "PG_VERSION").write_text("")


def no_control(data: Path) -> None:
    (data / "global/pg_control").unlink()


def zeroed_control(data: Path) -> None:
    (data / "global/pg_control").write_bytes(bytes(8192))


def no_log(data: Path) -> None:
    for segment in (data / "pg_wal").glob("0*"):
        segment.unlink()


def no_log_directory(data: Path) -> None:
    shutil.rmtree(data / "pg_wal")


def no_transactions(data: Path) -> None:
    shutil.rmtree(data / "pg_xact")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_version, "PG_VERSION"),
        (empty_version, "not a valid data directory"),
        (no_control, "pg_control"),
        (zeroed_control, "incompatible with server"),
        (no_log, "checkpoint record"),
        (no_log_directory, "pg_wal"),
        (no_transactions, "pg_xact"),
    ],
)
def test_damage_is_named_with_what_to_do(home: Path, damage: Callable[[Path], None], said: str) -> None:
    data = postgres_cluster.data_dir(home)
    damage(data)
    before = sorted(path.name for path in data.iterdir())
    message = explained(home)
    assert said in message
    assert message.count(postgres_cluster.REMEDY) == 1
    assert "Error:" not in message
    assert "\n" not in message
    assert set(before) <= {path.name for path in data.iterdir()}


def test_a_cluster_of_another_version_is_not_damaged(home: Path) -> None:
    (postgres_cluster.data_dir(home) / "PG_VERSION").write_text("17\n")
    message = explained(home)
    assert "version 17" in message
    assert "install the version of the package" in message
    assert postgres_cluster.REMEDY not in message


def test_a_copied_cluster_is_closed_to_others(home: Path) -> None:
    postgres_cluster.data_dir(home).chmod(0o770)
    postgres_cluster.prepare(home)
    assert postgres_cluster.data_dir(home).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"])
def test_a_configuration_file_that_is_missing_is_made_anew(home: Path, name: str) -> None:
    (postgres_cluster.data_dir(home) / name).unlink()
    with serving(home):
        wait_until(lambda: postgres.answers(home / "run"), seconds=60, failed="it does not answer")
    assert f"{name} was missing" in (home / "postgres.log").read_text()


@pytest.mark.parametrize("name", ["magicfs", "postgres"])
def test_a_database_that_is_missing_is_named_with_what_to_do(home: Path, name: str) -> None:
    run_dir = home / "run"
    with serving(home):
        wait_until(lambda: postgres.answers(run_dir), seconds=60, failed="it does not answer")
        with psycopg.connect(postgres.admin_dsn(run_dir)) as connection:
            row = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,)).fetchone()
    assert row is not None
    shutil.rmtree(postgres_cluster.data_dir(home) / "base" / str(row[0]))
    with serving(home), pytest.raises((ServerError, DatabaseUnavailable), match=r"is damaged.*move it away"):
        wait_until(lambda: postgres.answers(run_dir), seconds=60, failed="it does not answer")
        dsn = Settings(home=home).database_dsn
        with Database(dsn, application="test", connect_seconds=1) as database, database.transaction():
            pass


@contextmanager
def serving(home: Path) -> Iterator[None]:
    """A server of the cluster inside the block."""
    command = [sys.executable, "-m", "magicfs.runtime.postgres", str(home)]
    with (home / "postgres.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    "complaints",
    [
        ["FATAL: could not write to file: No space left on device", "PANIC: cannot abort transaction 1"],
        ["initdb: error: could not write: No space left on device", "initdb: removing data directory"],
    ],
)
def test_a_cluster_that_cannot_be_made_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaints: list[str]
) -> None:
    """What initdb says at last is what it does because of that."""
    program = tmp_path / "initdb"
    program.write_text("".join(["#!/bin/sh\n", *(f"echo '{line}' >&2\n" for line in complaints), "exit 1\n"]))
    program.chmod(0o755)
    monkeypatch.setattr(postgres_cluster, "binaries", lambda: tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(ServerError, match="No space left on device"):
        postgres_cluster.prepare(home)
