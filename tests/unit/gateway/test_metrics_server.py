"""The server of metrics answers its own user at a socket, and those with the password at a TCP address."""

from __future__ import annotations

import http.client
import os
import socket
import stat
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from magicfs.errors import ConfigError, ServerError, UsageError
from magicfs.gateway import metrics_server
from magicfs.gateway.metrics import Observation, text
from magicfs.gateway.metrics_server import Address, parse_address, serving
from tests.plugins.broker import free_port
from tests.unit.gateway.test_metrics import NOTHING, OBSERVATION, parsed

PASSWORD = "p\u00e4ss: word"


class UnixConnection(http.client.HTTPConnection):
    """A connection to a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self._path)


def get(
    connection: http.client.HTTPConnection, *, method: str = "GET", query: str = "", **headers: str
) -> tuple[int, dict[str, str], str]:
    with closing(connection):
        connection.request(method, f"/metrics{query}", headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(path))
        yield client


def can_ask(path: Path) -> bool:
    try:
        return get(UnixConnection(str(path)))[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.fixture
def socket_path(short_path: Path) -> Path:
    return short_path / "metrics.sock"


@pytest.fixture
def tcp() -> Iterator[Address]:
    address = parse_address(f"127.0.0.1:{free_port()}")
    with serving(address, lambda: OBSERVATION, password=PASSWORD):
        yield address


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("/run/m.sock", Address("/run/m.sock")),
        ("127.0.0.1:9464", Address(None, "127.0.0.1", 9464)),
        ("[::1]:9464", Address(None, "::1", 9464)),
        ("hub.example:1", Address(None, "hub.example", 1)),
    ],
)
def test_an_address_is_read_and_shown(given: str, address: Address) -> None:
    assert parse_address(given) == address
    assert str(address) == given


@pytest.mark.parametrize("given", ["", "9464", ":9464", "m.sock", "host:", "host:0", "host:65536", "::1:9464", "h:1/x"])
def test_what_is_no_address_is_wrong_usage(given: str) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:9464"):
        parse_address(given)


def test_a_socket_answers_its_owner_and_goes_with_the_server(socket_path: Path) -> None:
    observations = iter([NOTHING, OBSERVATION])
    with serving(Address(str(socket_path)), lambda: next(observations), password=None):
        assert stat.S_IMODE(socket_path.lstat().st_mode) == 0o600
        status, headers, body = get(UnixConnection(str(socket_path)))
        assert (status, body) == (200, text(NOTHING))
        assert headers["Content-Type"].startswith("text/plain")
        # Each request observes anew.
        assert get(UnixConnection(str(socket_path)))[2] == text(OBSERVATION)
    assert not socket_path.exists()


def test_openmetrics_is_there_for_those_who_ask(socket_path: Path) -> None:
    with serving(Address(str(socket_path)), lambda: OBSERVATION, password=None):
        _, headers, body = get(UnixConnection(str(socket_path)), Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_a_scraper_may_ask_for_some_metrics(socket_path: Path) -> None:
    with serving(Address(str(socket_path)), lambda: OBSERVATION, password=None):
        status, _, body = get(UnixConnection(str(socket_path)), query="?name[]=magicfs_broker_up&name[]=magicfs_x")
    assert status == 200
    assert {name for name, _ in parsed(body)} == {"magicfs_broker_up"}


def test_a_tcp_address_asks_for_the_password(tcp: Address) -> None:
    def ask(**headers: str) -> tuple[int, dict[str, str], str]:
        return get(http.client.HTTPConnection(tcp.host, tcp.port, timeout=20), **headers)

    for headers in ({}, {"Authorization": basic("magicfs", "wrong")}, {"Authorization": basic("x", PASSWORD)}):
        status, answered, body = ask(**headers)
        assert (status, body) == (401, "")
        assert answered["WWW-Authenticate"].startswith("Basic")
    assert ask(Authorization="Bearer \xff")[0] == 401
    status, _, body = ask(Authorization=basic("magicfs", PASSWORD))
    assert status == 200
    assert parsed(body) == parsed(text(OBSERVATION))
    assert ask(method="POST", Authorization=basic("magicfs", PASSWORD))[0] == 405


@pytest.mark.parametrize("password", [None, ""])
def test_no_tcp_address_without_a_password(password: str | None) -> None:
    address = parse_address(f"127.0.0.1:{free_port()}")
    with (
        pytest.raises(ConfigError, match="MAGICFS_METRICS_PASSWORD"),
        serving(address, lambda: NOTHING, password=password),
    ):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.host, address.port), timeout=5)


def test_an_address_in_use_is_one_line(tcp: Address, socket_path: Path) -> None:
    with pytest.raises(ServerError, match="name another address"), serving(tcp, lambda: NOTHING, password=PASSWORD):
        pass
    ours = Address(str(socket_path))
    with serving(ours, lambda: NOTHING, password=None):
        with pytest.raises(ServerError), serving(ours, lambda: NOTHING, password=None):
            pass
        assert get(UnixConnection(str(socket_path)))[0] == 200


@pytest.mark.parametrize("given", [f"/tmp/{'x' * 200}", f"{'x' * 70}.example:9464", "a..b:9464"])
def test_an_address_that_no_system_has_is_one_line(given: str) -> None:
    with (
        pytest.raises(ServerError, match=r"(long|empty).*: name another address"),
        serving(parse_address(given), lambda: NOTHING, password=PASSWORD),
    ):
        pass


def test_a_slow_client_is_left_without_a_word(
    socket_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics_server, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(metrics_server._Handler, "timeout", 0.5)
    with serving(Address(str(socket_path)), lambda: NOTHING, password=None):
        with connected(socket_path) as silent:
            silent.sendall(b"GET /met")
            assert silent.recv(1) == b""
        with connected(socket_path) as slow, pytest.raises(OSError):
            slow.sendall(b"GET /")
            end = time.monotonic() + 20
            while time.monotonic() < end:
                slow.sendall(b"x")
                time.sleep(0.05)
    assert capfd.readouterr().err == ""


def test_more_clients_than_are_answered_at_a_time_are_sent_away(
    socket_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server, "MAX_REQUESTS", 2)
    with serving(Address(str(socket_path)), lambda: NOTHING, password=None):
        with connected(socket_path), connected(socket_path), connected(socket_path) as third:
            assert third.recv(1) == b""
        end = time.monotonic() + 20
        while not can_ask(socket_path) and time.monotonic() < end:
            time.sleep(0.05)
        assert get(UnixConnection(str(socket_path)))[0] == 200


def test_a_socket_that_a_killed_process_left_is_replaced_and_a_file_is_not(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    with serving(Address(str(socket_path)), lambda: NOTHING, password=None):
        assert get(UnixConnection(str(socket_path)))[0] == 200
    socket_path.write_text("mine")
    with pytest.raises(ServerError), serving(Address(str(socket_path)), lambda: NOTHING, password=None):
        pass
    assert socket_path.read_text() == "mine"


def test_one_observation_at_a_time_whoever_asks(socket_path: Path) -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def observe() -> Observation:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        os.sched_yield()
        threading.Event().wait(0.05)
        with lock:
            running -= 1
        return NOTHING

    with serving(Address(str(socket_path)), observe, password=None):
        threads = [threading.Thread(target=get, args=(UnixConnection(str(socket_path)),)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 1
