"""A process of ours that answers requests at a unix socket: one process a socket, for its owner alone.

The holder of its lock (`server_lock`) is the one server of a socket. A connection carries one request and its
answers, each a message of `framing`; a `Service` gives the answers. Used by the query embedder and by
the search server, which differ in their services. `{"do": "quit"}` ends the process after its answer, and
`{"do": "ping"}`, by which others see whether it hangs, leaves it as idle as it was.

Threads: the main thread accepts connections, and a pool has a thread for each.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, cast

from magicfs.errors import MalformedRequest, ServerError
from magicfs.ipc.framing import Disconnected, FramingError, Message, failure, receive, send
from magicfs.ipc.server_lock import take_lock

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 256 * 1024
MAX_CONNECTIONS = 256
"""The number of threads of the pool, which it starts as they are needed; more clients get an error."""
CONNECTION_SECONDS = 30.0
"""A request arrives within this time after the connection, or the connection is closed."""
_ANSWER_SECONDS = 5.0
_TICK_SECONDS = 1.0
"""The longest wait for a connection. After each wait the server checks whether it is idle, and whether its socket
exists. The limit also bounds the delay of a signal that arrives just before a wait."""

IsWanted = Callable[[], bool]
"""Whether a client still waits for its answers."""


class Service(Protocol):
    """Answers requests. Safe in any thread."""

    def answers(self, request: Message, *, is_wanted: IsWanted) -> Iterator[Message]:
        """The answers to a request, each when it is ready. May raise `Disconnected`."""

    def is_outdated(self) -> bool:
        """Whether clients do not ask this process any more. Returns at once; asked about every second."""

    def free_memory(self) -> None:
        """Free what the next request can make again. Returns at once."""

    def stop(self) -> None:
        """End what still works on answers."""


class LocalServer(socketserver.ThreadingUnixStreamServer):
    """Accepts connections at a socket that only its owner may use. The caller holds the lock of the socket.

    No client holds up another one: each has a thread, and when there are too many connections, the oldest one whose
    request has not arrived is closed.
    """

    request_queue_size = 256

    def __init__(self, path: Path, service: Service, *, idle_exit: float | None, free_after: float) -> None:
        """After `idle_exit` seconds without a request `run` ends, after `free_after` the service frees its memory."""
        self.service = service
        self._free_after = free_after
        self._path = path
        self._idle_exit = idle_exit
        self.timeout = _TICK_SECONDS if idle_exit is None else min(_TICK_SECONDS, idle_exit / 4)
        self._is_done = False
        # A thread of its own for each connection would take a tenth of the time of a query to start.
        self._pool = ThreadPoolExecutor(MAX_CONNECTIONS, thread_name_prefix="connection")
        self._guard = threading.Lock()
        self._receiving: list[socket.socket] = []
        """Connections whose request has not arrived, oldest first."""
        self._answering = 0
        self._last_request = time.monotonic()
        self._has_freed = False
        """Whether the service has freed its memory since the last request."""
        super().__init__(str(path), _Connection)

    def run(self) -> None:
        """Serve until no request has come for `idle_exit` seconds, the service is outdated, or the socket is gone."""
        while not self._is_done:
            self.handle_request()

    def handle_timeout(self) -> None:
        """End `run` if the server is not needed any more, or if its socket is gone; free memory before that."""
        with self._guard:
            is_answering = bool(self._answering)
            idle_seconds = 0.0 if is_answering else time.monotonic() - self._last_request
        if self._idle_exit is not None and idle_seconds >= self._idle_exit:
            self._is_done = True
        elif not is_answering and self.service.is_outdated():
            log.info("%s is not asked any more", self._path)
            self._is_done = True
        elif not self._path.exists():
            # Its directory was removed: no client can connect any more.
            log.warning("%s is gone", self._path)
            self._is_done = True
        elif idle_seconds >= self._free_after and not self._has_freed:
            self._has_freed = True
            self.service.free_memory()

    def server_bind(self) -> None:
        """Bind a socket of mode 0600."""
        # A server that crashed leaves its socket behind.
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            super().server_bind()
        finally:
            os.umask(mask)

    def server_close(self) -> None:
        """Remove the socket, and end all connections."""
        self._path.unlink(missing_ok=True)
        super().server_close()
        with self._guard:
            for connection in self._receiving:
                _shut_down(connection)
        self._pool.shutdown(cancel_futures=True)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a thread of the pool."""
        self._pool.submit(self.process_request_thread, request, client_address)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Make room for a connection; whether there is room. If not, the client gets an error as its answer.

        Room is made by closing the oldest connection whose request has not arrived.
        """
        del client_address
        with self._guard:
            has_room = len(self._receiving) + self._answering < MAX_CONNECTIONS
            if not has_room and self._receiving:
                _shut_down(self._receiving.pop(0))
                has_room = True
            if has_room:
                self._receiving.append(request)
        if not has_room:
            _send(request, failure(ServerError("too many requests at a time: try again")))
        return has_room

    @contextlib.contextmanager
    def answering(self, connection: socket.socket, *, is_work: bool) -> Iterator[None]:
        """Count the connection's request as one that is answered during the `with` block.

        One that `is_work` keeps the server from counting as idle.
        """
        with self._guard:
            self._forget(connection)
            self._answering += 1
        try:
            yield
        finally:
            with self._guard:
                self._answering -= 1
                if is_work:
                    self._last_request = time.monotonic()
                    self._has_freed = False

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._guard:
            self._forget(request)
        super().shutdown_request(request)

    def _forget(self, connection: socket.socket) -> None:
        """Expect no request of this connection any more."""
        if connection in self._receiving:
            self._receiving.remove(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong with a connection."""
        del request, client_address
        log.exception("a connection failed")  # noqa: LOG004  called inside of an `except` block


class _Connection(socketserver.BaseRequestHandler):
    """One connection: a request, its answer, the end."""

    request: socket.socket

    def handle(self) -> None:
        server = cast("LocalServer", self.server)
        deadline = time.monotonic() + CONNECTION_SECONDS
        try:
            request = receive(self.request, max_head_bytes=MAX_REQUEST_BYTES, max_body_bytes=0, deadline=deadline)
            with server.answering(self.request, is_work=request.head.get("do") != "ping"):
                for answer in server.service.answers(request, is_wanted=lambda: not _is_closed(self.request)):
                    _send(self.request, answer)
        except (TimeoutError, Disconnected) as error:
            log.debug("a client is gone: %s", error)
        except FramingError as error:
            _send(self.request, failure(MalformedRequest(f"malformed request ({error})")))
        else:
            if request.head.get("do") == "quit":
                os.kill(os.getpid(), signal.SIGTERM)


def _send(connection: socket.socket, answer: Message) -> None:
    """Send an answer, if the client still takes it."""
    with contextlib.suppress(TimeoutError, Disconnected):
        send(connection, answer, deadline=time.monotonic() + _ANSWER_SECONDS)


def _shut_down(connection: socket.socket) -> None:
    """End a connection that another thread reads from; that thread closes it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _is_closed(connection: socket.socket) -> bool:
    """Whether the client has closed its connection."""
    connection.settimeout(0)
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def serve(
    path: Path,
    make_service: Callable[[], Service],
    *,
    idle_exit: float | None,
    free_after: float,
    detach: bool = False,
    has_lock: bool = False,
) -> int:
    """Serve until a signal, or as long as `LocalServer.run` does: all that a process does. Returns its exit code.

    If `idle_exit` is set and another process serves the socket, return at once. With `detach`, the process that was
    started ends when the socket listens, and a child of it serves. `has_lock` says that whoever has started this
    process has taken the lock for it.
    """
    path = path.absolute()
    # A working directory inside the mount, or on a removable disk, could not be unmounted.
    os.chdir("/")
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    try:
        if has_lock or take_lock(path, wait=idle_exit is None):
            _serve(path, make_service(), idle_exit=idle_exit, free_after=free_after, detach=detach)
        else:
            log.info("another process serves %s", path)
    except OSError as error:
        log.error("cannot serve %s: %s", path, error)  # noqa: TRY400  one line says it all
        return 1
    return 0


def _serve(path: Path, service: Service, *, idle_exit: float | None, free_after: float, detach: bool) -> None:
    with LocalServer(path, service, idle_exit=idle_exit, free_after=free_after) as server:
        # The socket listens before the parent process ends, so that whoever started it can connect. No thread yet.
        if detach and os.fork():
            os._exit(0)
        log.info("serving %s", path)
        try:
            server.run()
        finally:
            service.stop()
    log.info("stopped")


def _exit(number: int, _frame: object) -> None:
    log.info("stopping on signal %d", number)
    sys.exit(0)
