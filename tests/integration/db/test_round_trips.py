"""How many round trips a connection takes: over a network across the world, each costs some 400 ms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from magicfs.cli.wiring import MOUNT_CONNECT_SECONDS, mount_connect_seconds
from magicfs.config import Settings
from magicfs.db.connection import accept_vectors
from magicfs.db.pool import Connection, Database
from magicfs.domain.deadline import Deadline
from magicfs.state_directory.home import POSTGRES_SOCKET
from tests.plugins.proxy import Proxy, proxy_to
from tests.plugins.servers import Servers

GREETING = 2
"""Whether both speak TLS, and who the client is; a password takes two more."""


@pytest.fixture
def proxy(servers: Servers) -> Iterator[Proxy]:
    with proxy_to(servers.home / "run" / POSTGRES_SOCKET) as proxy:
        yield proxy


@pytest.fixture
def far(proxy: Proxy, database_url: str) -> Iterator[Database]:
    name, user = (conninfo_to_dict(database_url)[key] for key in ("dbname", "user"))
    dsn = make_conninfo(dbname=name, user=user, host="127.0.0.1", port=proxy.port)
    with Database(dsn, application="test", size=1) as database:
        yield database


def test_a_search_on_a_new_connection_asks_no_more_than_it_needs(far: Database, proxy: Proxy) -> None:
    def search(connection: Connection) -> list[Any]:
        from pgvector import HalfVector

        accept_vectors(connection)
        vector = HalfVector([1, 2])
        return connection.execute("SELECT %b::halfvec, ARRAY[%b::halfvec]", (vector, vector)).fetchall()

    [(found, _)] = far.read(search, Deadline(60.0))
    assert found.to_list() == [1.0, 2.0]
    assert proxy.round_trips == GREETING + 2, "what the database has, and the statement"
    far.read(search, Deadline(60.0))
    assert proxy.round_trips == GREETING + 3
    assert far.connected_in_s > 0


def test_a_mount_waits_longer_for_a_database_that_is_far_away() -> None:
    settings = Settings(search_seconds=5.0)
    assert mount_connect_seconds(0.01, settings) == MOUNT_CONNECT_SECONDS
    assert mount_connect_seconds(1.5, settings) == 4.5
    assert mount_connect_seconds(60.0, settings) == 5.0, "one that was slow once is not waited for longer than a search"
