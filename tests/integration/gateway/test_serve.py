"""Hosts of a cluster know each other by admitted certificates, and nobody else gets in."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from magicfs.domain.deadline import Deadline
from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import DatabaseUnavailable, PeerUnavailable
from magicfs.gateway import peers, serve
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.serve import Server, Service
from tests.integration.gateway.hosts import in_a_loop
from tests.plugins.broker import free_port
from tests.plugins.programs import needs
from tests.plugins.waiting import eventually

ECHO, HELLO = "magicfs-echo/1", "magicfs-hello/1"


async def echo(peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say who the peer is, and then what it says."""
    writer.write(f"{peer}\n".encode())
    while line := await reader.readline():
        writer.write(line)


async def hello(peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a stranger once."""
    assert not peer
    writer.write(b"hello " + await reader.readline())


def identity(folder: Path, name: str) -> Identity:
    home = folder / name
    home.mkdir()
    return host_identity(home)


def admitted(host: str, known: Identity) -> HostCertificate:
    return HostCertificate(host, known.fingerprint, known.certificate, None, admitted=True)


class Running:
    """A server in a thread, with the certificates that its index has."""

    def __init__(self, own: Identity, known: Sequence[HostCertificate]) -> None:
        self.own = own
        self.known = list(known)
        self.available = True
        self.address = PeerAddress("127.0.0.1", free_port())

    def load(self) -> Sequence[HostCertificate]:
        if not self.available:
            raise DatabaseUnavailable("no database answers")
        return list(self.known)

    def connect(self, shown: Identity | None, service: str = ECHO, fingerprint: str | None = None) -> ssl.SSLSocket:
        return peers.connect(
            self.address,
            fingerprint=fingerprint or self.own.fingerprint,
            service=service,
            identity=shown,
            deadline=Deadline(20),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        server = Server(self.own, {ECHO: Service(echo), HELLO: Service(hello, for_strangers=True)}, load=self.load)
        with in_a_loop(lambda stop, ready: server.run(self.address, stop, ready=ready)):
            yield


def answer(connection: ssl.SSLSocket, said: bytes = b"") -> bytes:
    """What the other side answers; empty if it refuses."""
    with connection, suppress(OSError):
        connection.sendall(said)
        return connection.recv(100)
    return b""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(serve, "REFRESH_SECONDS", 0.05)
    # On a busy machine a test takes longer than a handshake may.
    monkeypatch.setattr(serve, "HANDSHAKE_SECONDS", 600.0)
    running = Running(identity(tmp_path, "hub"), [])
    with running.running():
        yield running


def wait_for(server: Running, shown: Identity, expected: bytes) -> None:
    """Wait until the server has seen who is admitted."""
    deadline = Deadline(30)
    while answer(server.connect(shown)) != expected:
        assert not deadline.is_over()


def test_an_admitted_host_is_known_by_its_certificate(server: Running, tmp_path: Path) -> None:
    node = identity(tmp_path, "node")
    assert answer(server.connect(node)) == b"", "it has not been admitted"
    server.known = [admitted("laptop", node)]
    wait_for(server, node, b"laptop\n")


def test_one_that_waits_for_admission_is_refused(server: Running, tmp_path: Path) -> None:
    node, other = identity(tmp_path, "node"), identity(tmp_path, "other")
    waiting = HostCertificate("node", node.fingerprint, node.certificate, None, admitted=False)
    server.known = [waiting, admitted("other", other)]
    wait_for(server, other, b"other\n")
    assert answer(server.connect(node)) == b""


def test_a_retired_host_is_cut_off_and_others_go_on(server: Running, tmp_path: Path) -> None:
    node, other = identity(tmp_path, "node"), identity(tmp_path, "other")
    server.known = [admitted("node", node), admitted("other", other)]
    wait_for(server, node, b"node\n")
    with server.connect(node) as first, server.connect(other) as second:
        assert (first.recv(100), second.recv(100)) == (b"node\n", b"other\n")
        server.known = [admitted("other", other)]
        with suppress(OSError):
            assert first.recv(100) == b""
        second.sendall(b"still here\n")
        assert second.recv(100) == b"still here\n"
    assert answer(server.connect(node)) == b""


def test_while_the_index_cannot_be_asked_those_who_were_admitted_are_known(server: Running, tmp_path: Path) -> None:
    node = identity(tmp_path, "node")
    server.known = [admitted("node", node)]
    wait_for(server, node, b"node\n")
    server.available = False
    server.known = []
    assert answer(server.connect(node)) == b"node\n"


def test_a_stranger_gets_the_services_for_strangers_alone(server: Running, tmp_path: Path) -> None:
    assert answer(server.connect(None, HELLO), b"from afar\n") == b"hello from afar\n"
    assert answer(server.connect(None, ECHO)) == b""
    node = identity(tmp_path, "node")
    server.known = [admitted("node", node)]
    wait_for(server, node, b"node\n")
    assert answer(server.connect(node, HELLO), b"again\n") == b"", "it is no stranger"


@needs("openssl")
def test_a_certificate_that_an_admitted_host_has_signed_is_not_admitted(server: Running, tmp_path: Path) -> None:
    node = identity(tmp_path, "node")
    server.known = [admitted("node", node)]
    wait_for(server, node, b"node\n")
    key, request, signed = (tmp_path / name for name in ("key.pem", "request.pem", "signed.pem"))
    openssl = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=forged"]
    subprocess.run([*openssl, "-keyout", key, "-out", request], check=True, capture_output=True)
    signing: list[str | Path] = [
        "openssl",
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        node.certificate_path,
        "-CAkey",
        node.key_path,
    ]
    subprocess.run([*signing, "-set_serial", "7", "-out", signed], check=True, capture_output=True)
    signed.write_text(signed.read_text() + node.certificate)
    assert answer(server.connect(Identity(key, signed, signed.read_text(), "SHA256:forged"))) == b""


def test_a_certificate_that_is_none_is_in_nobodys_way(server: Running, tmp_path: Path) -> None:
    node = identity(tmp_path, "node")
    broken = [
        HostCertificate(str(n), f"SHA256:{n}", text, None, admitted=True) for n, text in enumerate(("", "x", "é"))
    ]
    cut = HostCertificate("cut", "SHA256:cut", node.certificate[:300], None, admitted=True)
    server.known = [cut, *broken, admitted("node", node)]
    wait_for(server, node, b"node\n")


def test_a_machine_with_another_certificate_is_not_believed(server: Running, tmp_path: Path) -> None:
    node = identity(tmp_path, "node")
    with pytest.raises(PeerUnavailable, match="another machine answers"):
        server.connect(node, fingerprint=node.fingerprint)


def test_who_offers_no_such_service_is_named(server: Running) -> None:
    with pytest.raises(PeerUnavailable, match="does not offer magicfs-other/1"):
        server.connect(None, "magicfs-other/1")


def test_no_host_takes_the_connections_of_all(server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MAX_CONNECTIONS", 6)
    greedy, polite, late = (identity(tmp_path, name) for name in ("greedy", "polite", "late"))
    server.known = [admitted("greedy", greedy), admitted("polite", polite), admitted("late", late)]
    wait_for(server, late, b"late\n")
    with ExitStack() as stack:

        def take(shown: Identity, count: int) -> list[ssl.SSLSocket]:
            taken = [stack.enter_context(server.connect(shown)) for _ in range(count)]
            return [connection for connection in taken if answers(connection)]

        all_of_it = take(greedy, 9)
        assert len(all_of_it) == 6
        own = take(polite, 4)
        assert len(own) == 3, "one has no more than the other"
        assert list(map(is_echoed, all_of_it)) == [True] * 3 + [False] * 3
        assert take(greedy, 3) == []
        assert len(take(late, 3)) == 2
        assert sum(map(is_echoed, own)) == 2


def answers(connection: ssl.SSLSocket) -> bool:
    """Whether a host is served: it is told its name."""
    with suppress(OSError):
        return connection.recv(100) != b""
    return False


def is_echoed(connection: ssl.SSLSocket) -> bool:
    """Whether a connection is still served."""
    with suppress(OSError):
        connection.sendall(b"x\n")
        return connection.recv(100) == b"x\n"
    return False


def silent_ones(server: Running, count: int, *, source: str = "127.0.0.1") -> list[socket.socket]:
    """Connections that say nothing."""
    place = (server.address.host, server.address.port)
    return [socket.create_connection(place, source_address=(source, 0)) for _ in range(count)]


def is_open(connection: socket.socket) -> bool:
    """Whether the other side has not closed a connection within a moment."""
    connection.settimeout(0.5)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_strangers_in_the_handshake_are_bounded_and_leave_admitted_hosts_in(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "MAX_STRANGERS", 3)
    node = identity(tmp_path, "node")
    server.known = [admitted("node", node)]
    wait_for(server, node, b"node\n")
    with server.connect(node) as inside:
        assert inside.recv(100) == b"node\n"
        silent = silent_ones(server, 3) + silent_ones(server, 2)
        eventually(lambda: [is_open(connection) for connection in silent] == [False, False, True, True, True])
        wait_for(server, node, b"node\n")
        inside.sendall(b"still here\n")
        assert inside.recv(100) == b"still here\n", "who is in stays in"
        for connection in silent:
            connection.close()


def test_a_machine_with_many_connections_takes_nobody_elses_place(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "MAX_STRANGERS", 4)
    (quiet,) = silent_ones(server, 1)
    many = silent_ones(server, 20, source="127.0.0.2")
    eventually(lambda: sum(map(is_open, many)) == 3)
    assert is_open(quiet)
    for connection in (quiet, *many):
        connection.close()


def test_those_who_reset_their_connections_leave_room(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "MAX_STRANGERS", 3)
    for connection in silent_ones(server, 100):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    assert answer(server.connect(None, HELLO), b"you\n") == b"hello you\n"


def test_what_is_no_tls_is_refused(server: Running, tmp_path: Path) -> None:
    with socket.create_connection((server.address.host, server.address.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        plain.settimeout(20)
        while plain.recv(1000):
            pass
    assert answer(server.connect(None, HELLO), b"you\n") == b"hello you\n"


def test_the_identity_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = host_identity(tmp_path)
    assert host_identity(tmp_path) == first
    assert first.key_path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "identity").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["identity"]
