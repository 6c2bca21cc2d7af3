"""Postgres and Redis that are reached by TLS, with certificates that are trusted and others that are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from magicfs.state_directory.home import POSTGRES_SOCKET
from tests.plugins.broker import PASSWORD, Broker
from tests.plugins.commands import Commands
from tests.plugins.servers import Servers
from tests.plugins.stack import Stack
from tests.plugins.tls import HOST_NAME, Authority, tls_before


@dataclass(frozen=True)
class Secured:
    """The addresses of both servers by TLS."""

    authority: Authority
    postgres_port: int
    redis_port: int
    database: str
    user: str

    def environment(self, *, trusts: bool = True, host: str = HOST_NAME) -> dict[str, str]:
        trusted = self.authority.trusted
        mode = "sslmode=verify-full" + (f"&sslrootcert={trusted}" if trusts else "&sslrootcert=system")
        return {
            "MAGICFS_DATABASE_URL": f"postgresql://{self.user}@{host}:{self.postgres_port}/{self.database}?{mode}",
            "MAGICFS_BROKER_URL": f"rediss://:{PASSWORD}@{host}:{self.redis_port}/0"
            + (f"?ssl_ca_certs={trusted}" if trusts else ""),
        }


@pytest.fixture
def secured(servers: Servers, database_url: str, broker: Broker, tmp_path: Path) -> Iterator[Secured]:
    (tmp_path / "authority").mkdir()
    authority = Authority(tmp_path / "authority")
    authority.create()
    address = conninfo_to_dict(database_url)
    with (
        tls_before(servers.home / "run" / POSTGRES_SOCKET, authority) as postgres_port,
        tls_before(broker.port, authority) as redis_port,
    ):
        yield Secured(authority, postgres_port, redis_port, str(address["dbname"]), str(address["user"]))


def test_everything_works_by_tls(stack: Stack, secured: Secured, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "letter.txt").write_text("A letter about marmalade.")
    stack.environment |= secured.environment()
    stack.add_root(docs)
    stack.start_all(embedders=1)
    done = "SELECT count(*) FROM embeddings WHERE state = 'done'"
    stack.wait(lambda: stack.rows(done) == [(1,)], what="the vector of the file")


def test_a_certificate_that_has_expired_is_named_until_there_is_another_one(
    commands: Commands, secured: Secured, database_url: str
) -> None:
    commands.environment |= secured.environment()
    secured.authority.issue(days=-1)
    for address in (commands.environment["MAGICFS_DATABASE_URL"], database_url):
        done = commands.run("status", "--check", MAGICFS_DATABASE_URL=address)
        assert done.returncode == 1
        assert "expired" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
    secured.authority.issue()
    commands.ok("status", "--check")


@pytest.mark.parametrize(
    ("trusts", "host"), [(False, HOST_NAME), (True, "127.0.0.1")], ids=["unknown authority", "another name"]
)
def test_a_certificate_that_is_not_trusted_is_named_with_what_to_do(
    commands: Commands, secured: Secured, trusts: bool, host: str
) -> None:
    addresses = secured.environment(trusts=trusts, host=host)
    commands.environment |= secured.environment() | {"MAGICFS_DATABASE_URL": addresses["MAGICFS_DATABASE_URL"]}
    done = commands.run("status", "--check")
    assert done.returncode == 1
    assert "certificate" in done.stderr, done.stderr
    assert "sslrootcert=" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    commands.environment |= secured.environment() | {"MAGICFS_BROKER_URL": addresses["MAGICFS_BROKER_URL"]}
    commands.ok("status")
    done = commands.run("status", "--check")
    assert done.returncode == 1
    assert "certificate" in done.stderr, done.stderr
    assert "ssl_ca_certs=" in done.stderr
    assert len(done.stderr.splitlines()) == 1
