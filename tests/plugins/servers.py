"""Real servers for the tests: one embedded Postgres and one Redis for a session, and a database for each test."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from magicfs.db.index_owner import prepare_database
from magicfs.db.migrate import migrate
from magicfs.db.pool import Database
from magicfs.runtime import postgres, redis
from magicfs.runtime.processes import wait_until
from tests.plugins.environment import quick_directory

_numbers = itertools.count(1)
REDIS_DATABASES = 16

START_SECONDS = 240
"""For a cluster that is made first, while other runs of tests on a busy machine do the same."""

END_SECONDS = 60


@dataclass(frozen=True)
class Servers:
    """The running servers of this session."""

    home: Path
    admin: psycopg.Connection
    """A session of the superuser, outside of transactions."""

    def database_url(self, name: str) -> str:
        return f"postgresql:///{name}?host={quote(str(self.home / 'run'), safe='')}&user={postgres.OWNER}"

    def superuser_url(self, name: str) -> str:
        """The address of a database for the server's superuser, as in the Compose file."""
        return make_conninfo(postgres.admin_dsn(self.home / "run"), dbname=name)

    def broker_url(self, number: int) -> str:
        return f"redis+socket://{redis.socket_path(self.home)}?virtual_host={number}"

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """Make an empty database with the current schema, yield its address, and drop it afterwards."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        # Copied as files, it costs three quarters of what it costs page by page through the log.
        options = f"OWNER {postgres.OWNER} TEMPLATE template_magicfs STRATEGY file_copy"
        self.admin.execute(f"CREATE DATABASE {name} {options}")
        yield self.database_url(name)
        self.admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def without_database(self, url: str) -> Iterator[None]:
        """The server ends all connections to the database of an address, and takes no new one."""
        name = url.removeprefix("postgresql:///").partition("?")[0]
        self.admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self.admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            self.admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def empty_broker(self) -> str:
        """The address of an empty Redis database. It is flushed first, because numbers are reused after a while."""
        import redis as redis_client

        number = next(_numbers) % REDIS_DATABASES
        client = redis_client.Redis(unix_socket_path=str(redis.socket_path(self.home)), db=number)
        client.flushdb()
        client.close()
        return self.broker_url(number)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Start both servers as `magicfs up` does, in a short-named directory (socket addresses are short)."""
    home = Path(tempfile.mkdtemp(prefix="mfs-", dir=quick_directory()))
    (home / "run").mkdir(mode=0o700)
    log = (home / "servers.log").open("wb")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"magicfs.runtime.{name}", str(home)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"MAGICFS_HOME": str(home)},
        )
        for name in ("postgres", "redis")
    ]
    try:
        wait_until(lambda: postgres.answers(home / "run"), seconds=START_SECONDS, failed="no Postgres for the tests")
        wait_until(lambda: redis.answers(home), seconds=START_SECONDS, failed="no Redis for the tests")
        with psycopg.connect(postgres.admin_dsn(home / "run"), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
            prepare_database(postgres.admin_dsn(home / "run"), database="template_magicfs", owner=postgres.OWNER)
            found = Servers(home, admin)
            with Database(found.database_url("template_magicfs"), application="template") as database:
                migrate(database)
            yield found
    finally:
        for process in processes:
            # Asked to terminate, Postgres would wait for a session that a test has left.
            process.send_signal(signal.SIGINT)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            process.kill()
            process.wait()
        log.close()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """The address of an empty database of the test's own, with the current schema."""
    with servers.new_database() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool on the test's database."""
    with Database(database_url, application="test", size=4) as pool:
        yield pool


@pytest.fixture
def broker_url(servers: Servers) -> str:
    """The address of an empty Redis database."""
    return servers.empty_broker()
