"""The servers of a cluster: a Postgres and a Redis that listen on an address and ask for passwords."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from magicfs.runtime import postgres, postgres_cluster
from magicfs.runtime.processes import wait_until
from tests.plugins.broker import Broker, free_port

PASSWORD = "s3cret-of-this-test"


@dataclass
class ClusterServers:
    """Both servers, on free ports of an address."""

    home: Path
    address: str = "127.0.0.1"
    clients: str = "127.0.0.1/32"
    """The network that may connect to Postgres."""
    prefix: tuple[str, ...] = ()
    """The command that starts them, such as one that enters a network namespace."""
    postgres_port: int = field(default_factory=free_port)
    broker: Broker = field(init=False)
    _postgres: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        (self.home / "run").mkdir()
        self.broker = Broker(address=self.address, prefix=self.prefix, socket=self.home / "run/redis.sock")

    @property
    def database_url(self) -> str:
        return f"postgresql://magicfs:{PASSWORD}@{self.address}:{self.postgres_port}/magicfs"

    def admin_url(self, database: str = "magicfs") -> str:
        """The way past passwords and network."""
        return f"host={self.home / 'run'} port={self.postgres_port} user={postgres_cluster.USER} dbname={database}"

    def start(self) -> None:
        postgres_cluster.prepare(self.home)
        hba = postgres_cluster.data_dir(self.home) / "pg_hba.conf"
        hba.write_text(f"local all all trust\nhost all all {self.clients} scram-sha-256\n")
        server = postgres.server_command(self.home)
        options = ["-c", f"listen_addresses={self.address}", "-c", "fsync=off", "-p", str(self.postgres_port)]
        with (self.home / "postgres.log").open("wb") as log:
            self._postgres = subprocess.Popen(
                [*self.prefix, *server, *options], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_until(self._ready, seconds=120, failed="the cluster's Postgres does not start")
        self.broker.start()

    def _ready(self) -> bool:
        try:
            with psycopg.connect(self.admin_url("postgres"), autocommit=True) as connection:
                connection.execute(f"ALTER ROLE {postgres_cluster.USER} PASSWORD '{PASSWORD}'")
                connection.execute("CREATE DATABASE magicfs")
        except psycopg.OperationalError:
            return False
        return True

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.admin_url(), autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        self.broker.stop()
        if self._postgres is not None:
            self._postgres.send_signal(signal.SIGINT)
            self._postgres.wait(60)
