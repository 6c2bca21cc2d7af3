"""A dump of the index, made and restored by the commands of docs/cluster.md."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from magicfs.db.migrate import migrate
from magicfs.db.pool import Database
from magicfs.runtime import postgres, postgres_cluster
from tests.plugins.index import Index
from tests.plugins.servers import Servers

DOCUMENTED = re.findall(
    r"^docker compose exec -T postgres ((?:pg_dump|dropdb|createdb|pg_restore|vacuumdb) .+)$",
    (Path(__file__).parents[3] / "docs" / "cluster.md").read_text(),
    re.MULTILINE,
)
ORDINARY_ROLE = "restorer"

Run = Callable[[str], None]


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """The address of a database of the server's superuser, whom the commands name."""
    with servers.new_database() as url:
        yield url.replace(f"user={postgres.OWNER}", f"user={postgres_cluster.USER}")


@pytest.fixture
def run(servers: Servers, database_url: str, tmp_path: Path) -> Run:
    """Runs a documented command with the programs of the embedded server, on the database of the test."""
    name = database_url.partition("///")[2].partition("?")[0]
    environment = {
        **os.environ,
        "PATH": f"{postgres_cluster.binaries()}:/usr/bin:/bin",
        "PGHOST": str(servers.home / "run"),
    }

    def run_command(command: str) -> None:
        command = re.sub(r"(?<= )magicfs(?= |$)|(?<=dbname=)magicfs", name, command)
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"

    return run_command


@pytest.fixture
def dumped(index: Index, run: Run) -> Index:
    """An index with two files, which is in a dump."""
    (index.folder / "Größe.txt").write_text("Eine naïve Frage: snake_case und camelCase.\n\nA second paragraph.")
    (index.folder / "two.txt").write_text("tax invoice of 2026")
    index.settle()
    run(DOCUMENTED[0])
    return index


@pytest.fixture
def administrator(servers: Servers) -> Iterator[psycopg.Connection]:
    """A connection of the server's administrator, with an ordinary role for the test."""
    with psycopg.connect(postgres.admin_dsn(servers.home / "run"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ORDINARY_ROLE} LOGIN")
        yield connection


TABLES = ("hosts", "roots", "files", "contents", "chunks", "content_chunks", "models", "embeddings", "meta")


def rows(index: Index) -> dict[str, list[tuple[Any, ...]]]:
    return {table: sorted(index.rows(f"SELECT {table}::text FROM {table}")) for table in TABLES}


def test_the_documented_commands_restore_a_database_in_use(dumped: Index, run: Run) -> None:
    assert [command.partition(" ")[0] for command in DOCUMENTED] == [
        "pg_dump",
        "dropdb",
        "createdb",
        "pg_restore",
        "vacuumdb",
    ]
    before = rows(dumped)
    (dumped.folder / "two.txt").unlink()
    dumped.settle()
    for command in DOCUMENTED[1:]:
        run(command)
    assert rows(dumped) == before
    assert migrate(dumped.database) == 0
    # What has changed since the dump.
    dumped.restart_agent()
    (dumped.folder / "three.txt").write_text("a third file")
    dumped.settle()
    assert set(dumped.states()) == {"Größe.txt", "three.txt"}
    assert dumped.rows("SELECT count(*) FROM embeddings WHERE state = 'pending'") == [(0,)]


def test_an_ordinary_role_restores_where_the_administrator_made_the_extension(
    dumped: Index, run: Run, administrator: psycopg.Connection, servers: Servers, database_url: str
) -> None:
    before = rows(dumped)
    name = database_url.partition("///")[2].partition("?")[0]
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    administrator.execute(f"CREATE DATABASE {name} OWNER {ORDINARY_ROLE}")
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE EXTENSION vector")
    restore = next(command for command in DOCUMENTED if command.startswith("pg_restore"))
    run(restore.replace("--username=magicfs", f"--username={ORDINARY_ROLE}"))
    assert rows(dumped) == before
    with Database(database_url.replace("user=magicfs", f"user={ORDINARY_ROLE}"), application="test") as database:
        assert migrate(database) == 0
    administrator.execute(f"ALTER DATABASE {name} OWNER TO magicfs")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"REASSIGN OWNED BY {ORDINARY_ROLE} TO magicfs")
        connection.execute(f"DROP OWNED BY {ORDINARY_ROLE}")
    administrator.execute(f"DROP ROLE {ORDINARY_ROLE}")
