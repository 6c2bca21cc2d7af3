"""A node uses the Postgres and the Redis of its hub, and gets nothing else from them, whatever it says."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis as redis_client

from magicfs.domain.deadline import Deadline
from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import ConfigError, DeadlineExceeded, HostTaken, PeerUnavailable
from magicfs.gateway import serve, tunnel
from magicfs.gateway.hub import Hub, ask_admission, join_service, require_admission
from magicfs.gateway.hub_link import HubLink
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.join_requests import JoinRequest
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.serve import JOIN_SERVICE, Server
from magicfs.gateway.tunnel import Tunnels, fixed_startup
from magicfs.runtime import postgres, redis
from magicfs.state_directory.home import POSTGRES_SOCKET
from tests.integration.gateway.hosts import in_a_loop
from tests.plugins.broker import free_port
from tests.plugins.commands import short_folder
from tests.plugins.servers import Servers
from tests.plugins.waiting import eventually


class Pair:
    """A hub with real servers, and a node that is linked to it."""

    def __init__(self, folder: Path, servers: Servers) -> None:
        self.identities: dict[str, Identity] = {}
        for name in ("hub", "node", "stranger"):
            (folder / name / "run").mkdir(parents=True, mode=0o700)
            self.identities[name] = host_identity(folder / name)
        self.run_dir = folder / "node" / "run"
        self.known: dict[str, HostCertificate] = {}
        self.asked: list[JoinRequest] = []
        self.servers = servers
        self.address = PeerAddress("127.0.0.1", free_port())
        self.hub = Hub(self.address, self.identities["hub"].fingerprint)
        self.stack = ExitStack()

    def admit(self, name: str) -> None:
        shown = self.identities[name]
        self.known[name] = HostCertificate(name, shown.fingerprint, shown.certificate, None, admitted=True)

    def request(self, asked: JoinRequest) -> bool:
        if asked.host == "taken":
            raise HostTaken("another machine is taken in this cluster")
        if asked.host == "unlucky":
            raise ConfigError("/secret/place cannot be read")
        self.asked.append(asked)
        return asked.host in self.known

    def serve(self) -> ExitStack:
        """Serve until the stack is closed."""
        run_dir = self.servers.home / "run"
        tunnels = Tunnels(
            postgres=run_dir / POSTGRES_SOCKET,
            redis=redis.socket_path(self.servers.home),
            user=postgres.OWNER,
            database="template_magicfs",
        )
        services = tunnels.services() | {JOIN_SERVICE: join_service(self.request)}
        server = Server(self.identities["hub"], services, load=lambda: list(self.known.values()))
        stack = ExitStack()
        stack.enter_context(in_a_loop(lambda stop, ready: server.run(self.address, stop, ready=ready)))
        return stack

    def link(self, name: str = "node", hub: Hub | None = None) -> ExitStack:
        link = HubLink(hub or self.hub, self.identities[name])
        stack = ExitStack()
        sockets = {"postgres": self.run_dir / POSTGRES_SOCKET, "redis": self.run_dir / "redis.sock"}
        stack.enter_context(in_a_loop(lambda stop, ready: link.run(**sockets, stop=stop, ready=ready)))
        return stack

    def connect(self, **options: str) -> psycopg.Connection:
        words = {"host": str(self.run_dir), "user": postgres.OWNER, "dbname": "template_magicfs"} | options
        return psycopg.connect(**words, autocommit=True, connect_timeout=10)

    def redis(self) -> redis_client.Redis:
        return redis_client.Redis(unix_socket_path=str(self.run_dir / "redis.sock"), db=14)


@pytest.fixture
def pair(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(serve, "REFRESH_SECONDS", 0.05)
    with short_folder() as folder:
        yield Pair(folder, servers)


@pytest.fixture
def linked(pair: Pair) -> Iterator[Pair]:
    pair.admit("node")
    with pair.serve(), pair.link():
        yield pair


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
    eventually(lambda: _connects(linked), "a connection after the others")


def test_a_host_of_eight_cores_has_its_connections_to_redis(linked: Pair) -> None:
    """Eight embed workers, two that extract, and an agent, when all start at once."""
    with contextlib.ExitStack() as clients:
        for _ in range(10 * 12 + 7):
            assert clients.enter_context(linked.redis()).ping()


def _connects(pair: Pair) -> bool:
    try:
        pair.connect().close()
    except psycopg.OperationalError:
        return False
    return True


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


def test_a_host_that_is_retired_is_cut_off(linked: Pair) -> None:
    connection, client = linked.connect(), linked.redis()
    client.ping()
    linked.known.clear()

    def is_cut() -> bool:
        try:
            connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return True
        return False

    eventually(is_cut, "the end of its session")
    with pytest.raises(psycopg.OperationalError, match="has not admitted this host: run 'magicfs cluster init' there"):
        linked.connect()
    with pytest.raises(redis_client.exceptions.ConnectionError):
        linked.redis().ping()
    linked.admit("node")
    eventually(lambda: _connects(linked), "a session once it is admitted again")


def test_a_stranger_and_a_wrong_hub_get_nothing(pair: Pair) -> None:
    pair.admit("node")
    with pair.serve():
        with pair.link("stranger"), pytest.raises(psycopg.OperationalError, match="has not admitted this host"):
            pair.connect()
        other = replace(pair.hub, fingerprint=pair.identities["stranger"].fingerprint)
        with (
            pair.link(hub=other),
            pytest.raises(psycopg.OperationalError, match="the hub cannot be used: another machine answers at"),
        ):
            pair.connect()
    with pair.link(), pytest.raises(psycopg.OperationalError, match=r"the hub 127\.0\.0\.1:\d+ cannot be reached"):
        pair.connect()


def test_an_address_that_ends_each_connection_is_told_as_that(pair: Pair) -> None:
    pair.admit("node")
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as forwarder:
        forwarder.settimeout(0.1)

        def end_connections() -> None:
            while not ending.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = forwarder.accept()
                    # Else the kernel says that it was reset.
                    with connection:
                        connection.settimeout(60)
                        connection.recv(1 << 16)

        thread = threading.Thread(target=end_connections)
        thread.start()
        try:
            address = PeerAddress("127.0.0.1", forwarder.getsockname()[1])
            with (
                pair.link(hub=replace(pair.hub, address=address)),
                pytest.raises(psycopg.OperationalError, match="cannot be reached: its address ends each connection"),
            ):
                pair.connect()
        finally:
            ending.set()
            thread.join()


def test_a_link_goes_on_when_its_hub_is_back(pair: Pair) -> None:
    pair.admit("node")
    with pair.link():
        with pair.serve():
            first = pair.connect()
        with pytest.raises(psycopg.OperationalError):
            first.execute("SELECT 1")
        assert not _connects(pair)
        with pair.serve():
            assert _connects(pair)
    assert list(pair.run_dir.iterdir()) == []


def test_a_host_asks_for_admission_and_waits(pair: Pair) -> None:
    stranger = pair.identities["stranger"]
    with pair.serve():
        assert not ask_admission(pair.hub, stranger, host="stranger", deadline=Deadline(20))
        with pytest.raises((PeerUnavailable, DeadlineExceeded)):
            require_admission(pair.hub, stranger, Deadline(20))
        pair.admit("stranger")
        assert ask_admission(pair.hub, stranger, host="stranger", deadline=Deadline(20))

        def is_in() -> bool:
            try:
                require_admission(pair.hub, stranger, Deadline(20))
            except PeerUnavailable:
                return False
            return True

        eventually(is_in, "its admission")
        with pytest.raises(PeerUnavailable, match="the hub says: another machine is taken"):
            ask_admission(pair.hub, stranger, host="taken", deadline=Deadline(20))
        for host, certificate in (("x" * 300, stranger.certificate), ("a\nb", stranger.certificate), ("x", "none")):
            with pytest.raises(PeerUnavailable, match="the hub says: the request is"):
                ask_admission(pair.hub, replace(stranger, certificate=certificate), host=host, deadline=Deadline(20))
    expected = JoinRequest("stranger", stranger.fingerprint, stranger.certificate, "127.0.0.1")
    assert pair.asked == [expected, expected]


def test_a_stranger_is_told_nothing_of_the_machine(pair: Pair) -> None:
    with pair.serve(), pytest.raises(PeerUnavailable) as refused:
        ask_admission(pair.hub, pair.identities["node"], host="unlucky", deadline=Deadline(20))
    assert str(refused.value) == "the hub says: it cannot record the request: look at its log"
