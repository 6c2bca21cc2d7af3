"""Metrics over HTTP, at a unix socket of this user or at a TCP address that asks for a password.

Used by `magicfs metrics --listen`. Formats and compression are those of `prometheus_client`. Each request has a thread,
and there are MAX_REQUESTS at most; one observation is made at a time, whoever asks.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import socket
import socketserver
import stat
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from magicfs.errors import ConfigError, ServerError, UsageError
from magicfs.gateway.metrics import Observation, families

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

USER = "magicfs"
"""The user of HTTP's basic authentication."""

REQUEST_SECONDS = 10.0
"""A request arrives, and its answer is taken, within this time."""

MAX_REQUESTS = 32
"""More at a time are sent away: whoever reaches the address would have as many threads as connections."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: a path, or a host with a port."""

    path: str | None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return self.path or f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """The address in `/run/magicfs.sock`, `127.0.0.1:9464` or `[::1]:9464`. Raises `UsageError`."""
    if text.startswith("/"):
        return Address(path=text)
    match = re.fullmatch(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^:\[\]/\s]+)):(?P<port>\d{1,5})", text)
    if match is None or not 0 < int(match["port"]) < 1 << 16:
        raise UsageError(f"{text} is no address to listen on: name HOST:PORT, such as 127.0.0.1:9464, or a full path")
    return Address(path=None, host=match["six"] or match["host"], port=int(match["port"]))


@contextmanager
def serving(address: Address, observe: Callable[[], Observation], *, password: str | None) -> Iterator[None]:
    """A context in which the metrics are served.

    A TCP address needs a `password`, because every user of the machine reaches it. Raises `ConfigError` without one,
    and `ServerError` when the address cannot be listened on.
    """
    # The collector names its metrics when it is asked: so a scraper may ask for some of them by `name[]`.
    registry = CollectorRegistry(support_collectors_without_names=True)
    registry.register(_Observing(observe))
    application: WSGIApplication = make_wsgi_app(registry)
    if address.path is None:
        if not password:
            raise ConfigError(
                f"metrics at {address} need a password: set MAGICFS_METRICS_PASSWORD, or listen on a unix socket"
            )
        application = guarded(application, password)
    try:
        server = _listen(address)
    except (OSError, UnicodeError) as error:
        # A path or a name that is too long is refused before the system is asked.
        reason = getattr(error, "strerror", None) or str(error)
        raise ServerError(f"nothing can listen on {address} ({reason}): name another address") from error
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        if address.path is not None:
            with contextlib.suppress(OSError):
                os.unlink(address.path)


def guarded(application: WSGIApplication, password: str) -> WSGIApplication:
    """The application for those who know the password, by HTTP's basic authentication."""
    expected = b64encode(f"{USER}:{password}".encode())

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == "basic" and hmac.compare_digest(given.strip().encode("utf-8", "replace"), expected):
            return application(environ, start_response)
        start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="MagicFS"')])
        return [b""]

    return answer


class _Observing(Collector):
    """Observes anew for each request."""

    def __init__(self, observe: Callable[[], Observation]) -> None:
        self._observe = observe
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            observation = self._observe()
        return families(observation)


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_SECONDS

    def handle(self) -> None:
        # The timeout begins anew with each byte that comes.
        self._arrival = threading.Timer(REQUEST_SECONDS, self._hang_up)
        self._arrival.daemon = True
        self._arrival.start()
        try:
            super().handle()
        finally:
            self._arrival.cancel()

    def parse_request(self) -> bool:
        # Of HTTP 0.9 is a line that was cut off, too, for which some versions of Python know no headers.
        return super().parse_request() and self.request_version != "HTTP/0.9"

    def get_environ(self) -> dict[str, Any]:
        self._arrival.cancel()
        return super().get_environ()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is that of the base class
        """Requests are not logged: one comes every few seconds."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Has a thread for each request, and ends without waiting for them."""

    daemon_threads = True

    def __init__(self, address: Any, handler: type[_Handler]) -> None:
        self._room = threading.BoundedSemaphore(MAX_REQUESTS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # there is no further thread
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write faults of this server to standard error, but not that a client is slow or has gone."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _UnixServer(_Server):
    """Listens on a socket that its owner alone may use."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        # Nobody else may connect before the permissions are set, either.
        former = os.umask(0o177)
        try:
            socketserver.TCPServer.server_bind(self)
        finally:
            os.umask(former)
        self.server_name, self.server_port = "localhost", 0
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, _ = self.socket.accept()
        return connection, ("local", 0)


def _listen(address: Address) -> _Server:
    """A server that listens. Raises `OSError`."""
    if address.path is not None:
        _remove_dead_socket(address.path)
        return _UnixServer(address.path, _Handler)
    family, _, _, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    kind = type("_TcpServer", (_Server,), {"address_family": family})
    server: _Server = kind(place, _Handler)
    return server


def _remove_dead_socket(path: str) -> None:
    """Remove a socket that a killed process has left. What is no socket, or is listened on, stays in the way."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
