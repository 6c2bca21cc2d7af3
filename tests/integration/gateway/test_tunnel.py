"""A node uses the Postgres and the Redis of its hub, and gets nothing else from them, whatever it says."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import redis as redis_client

from magicfs.errors import PeerUnavailable
from magicfs.gateway import tunnel
from magicfs.gateway.tunnel import fixed_startup
from magicfs.runtime import postgres
from magicfs.state_directory.home import POSTGRES_SOCKET
from tests.integration.gateway.tunnel_pair import Pair
from tests.plugins.servers import Servers
from tests.plugins.waiting import eventually


def test_a_node_uses_both_servers(linked: Pair) -> None:
    with linked.connect() as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (
            postgres.OWNER,
            "template_magicfs",
        )
        large = "x" * (20 << 20)
        assert connection.execute("SELECT length(%s), %s", (large, large)).fetchone() == (len(large), large)
    client = linked.redis()
    large = "x" * (1 << 20)
    client.rpush("key", *([large] * 20))
    assert client.lrange("key", 0, -1) == [large.encode()] * 20
    client.delete("key")


def test_many_connections_at_a_time_do_not_mix(linked: Pair) -> None:
    def work(number: int) -> bool:
        with linked.connect() as connection:
            text = str(number) * 300_000
            return connection.execute("SELECT %s", (text,)).fetchone() == (text,)

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(work, range(60)))


@pytest.mark.parametrize(
    "said",
    [
        {"user": "magicfs"},
        {"user": "magicfs", "dbname": "postgres"},
        {"dbname": "postgres"},
        {"user": "magicfs", "dbname": "template1", "application_name": "x"},
        {"replication": "database"},
        {"replication": "true", "user": "magicfs"},
    ],
)
def test_whatever_a_node_says_its_session_is_that_of_the_owner(linked: Pair, said: dict[str, str]) -> None:
    with linked.connect(**said) as attacker:
        assert attacker.execute("SELECT session_user, current_user, current_database()").fetchone() == (
            postgres.OWNER,
            postgres.OWNER,
            "template_magicfs",
        )
        assert attacker.execute("SELECT rolsuper FROM pg_roles WHERE rolname = session_user").fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            attacker.execute("COPY (SELECT 'x') TO PROGRAM 'id'")
        with pytest.raises(psycopg.Error):
            attacker.execute("IDENTIFY_SYSTEM")


@pytest.mark.parametrize(
    "options", ["-c role=magicfs", "-c session_authorization=magicfs", "-c session_preload_libraries=evil"]
)
def test_settings_in_the_first_message_give_no_rights(linked: Pair, options: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"permission denied"):
        linked.connect(options=options)


@pytest.mark.parametrize(
    "command", ["CONFIG SET dir /tmp", "SAVE", "MODULE LOAD /tmp/evil.so", "EVAL return(1) 0", "SHUTDOWN", "ACL LIST"]
)
def test_redis_does_for_a_node_what_queues_need(linked: Pair, command: str) -> None:
    with pytest.raises(redis_client.exceptions.NoPermissionError):
        linked.redis().execute_command(*command.split())


def test_a_trigger_that_a_node_leaves_runs_with_its_own_rights(linked: Pair, servers: Servers) -> None:
    with linked.connect() as attacker:
        attacker.execute("CREATE SCHEMA trap")
        try:
            attacker.execute("CREATE TABLE trap.bait (line text)")
            attacker.execute(
                "CREATE FUNCTION trap.spring() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN COPY trap.bait FROM PROGRAM 'id'; RETURN NEW; END $$"
            )
            attacker.execute("CREATE TRIGGER t BEFORE INSERT ON trap.bait FOR EACH ROW EXECUTE FUNCTION trap.spring()")
            # A session of the hub itself.
            with (
                psycopg.connect(servers.database_url("template_magicfs")) as hub,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                hub.execute("INSERT INTO trap.bait VALUES ('x')")
        finally:
            attacker.execute("DROP SCHEMA trap CASCADE")


def test_statements_are_cancelled(linked: Pair) -> None:
    with linked.connect() as connection, ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(connection.execute, "SELECT pg_sleep(300)")
        time.sleep(0.5)
        connection.cancel_safe(timeout=10)
        with pytest.raises(psycopg.errors.QueryCanceled):
            waiting.result(200)
        assert time.monotonic() - began < 200


def test_a_client_that_asks_for_encryption_is_told_that_there_is_none(linked: Pair) -> None:
    with linked.connect(gssencmode="disable", sslmode="prefer") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(linked.run_dir / POSTGRES_SOCKET))
        client.sendall(struct.pack("!II", 8, 80877103))
        assert client.recv(10) == b"N"


@pytest.mark.parametrize(
    "message",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack("!II", 7, 3 << 16),
        struct.pack("!II", 20_000, 3 << 16),
        struct.pack("!II", 14, 2 << 16) + b"user\0\0",
        struct.pack("!II", 13, 3 << 16) + b"user\0",
        struct.pack("!II", 10, 3 << 16) + b"xy",
    ],
)
def test_what_is_no_client_of_postgres_is_sent_away(linked: Pair, message: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(linked.run_dir / POSTGRES_SOCKET))
        client.sendall(message)
        answer = client.recv(1000)
    assert b"no client of Postgres" in answer


def test_a_client_that_says_nothing_is_left(linked: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "STARTUP_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(linked.run_dir / POSTGRES_SOCKET))
        client.sendall(struct.pack("!I", 100))
        assert b"has not said in time" in client.recv(1000)


def test_an_empty_name_hides_no_user() -> None:
    """Postgres stops reading at an empty name: what follows must not have been taken for its values."""
    message = b"application_name\0x\0\0user\0magicfs\0\0"
    with pytest.raises(PeerUnavailable):
        fixed_startup(struct.pack("!II", len(message) + 8, 3 << 16) + message, {"user": "owner", "database": "index"})


def test_one_host_does_not_take_all_connections(linked: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "MAX_CONNECTIONS_OF_HOST", 2)
    refused = pytest.raises(psycopg.OperationalError, match="the hub has 2 connections of node already")
    with linked.connect(), linked.connect(), refused:
        linked.connect()
    eventually(linked.connects, "a connection after the others")


def test_a_host_of_eight_cores_has_its_connections_to_redis(linked: Pair) -> None:
    """Eight embed workers, two that extract, and an agent, when all start at once."""
    with contextlib.ExitStack() as clients:
        for _ in range(10 * 12 + 7):
            assert clients.enter_context(linked.redis()).ping()


def test_the_end_of_one_side_ends_the_other(linked: Pair, servers: Servers) -> None:
    connection = linked.connect(application_name="ends")
    connection.close()
    with psycopg.connect(servers.database_url("template_magicfs"), autocommit=True) as hub:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ends'"
        eventually(lambda: hub.execute(query).fetchone() == (0,), "the end of the session")
        with linked.connect(application_name="killed") as other:
            hub.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'killed'")
            with pytest.raises(psycopg.errors.AdminShutdown):
                other.execute("SELECT 1")
