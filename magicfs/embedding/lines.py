"""A unix socket server for lines: one thread, one request at a time, and no client that can hold up another.

Used by the query embedder. Knows nothing of requests: whole lines go in, objects come out. Connections are
never waited for: what a client sends is gathered between requests, an answer that it does not take is dropped
together with it, silence and endless lines end the connection.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from magicfs.embedding import wire

logger = logging.getLogger(__name__)

Answer = Callable[[bytes], tuple[dict[str, Any], bool]]
"""Takes a line; gives the answer, and whether to go on."""

MOST_CONNECTIONS = 256
MOST_WAITING = 16
"""Requests that one connection may have unanswered."""
SILENCE_SECONDS = 30.0
"""A connection on which nothing has come for so long is closed."""
_TICK_SECONDS = 5.0
"""Longest sleep: then idleness and the socket's existence are looked at again."""
_RECEIVE_BYTES = 64 * 1024


class _Connection:
    """A client: its socket, what it has sent of a line, and when it last sent anything."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.buffer = bytearray()
        self.heard = time.monotonic()
        self.waiting = 0
        self.open = True

    @property
    def idle_since(self) -> float:
        """When it last sent anything; a connection whose request we have not answered yet is never idle."""
        return time.monotonic() if self.waiting else self.heard


class LineServer:
    """Listens at `path` while the `with` block lasts. The caller makes sure that nobody else does."""

    def __init__(self, path: Path, *, longest_line: int, idle_exit: float | None) -> None:
        self._path = path
        self._longest_line = longest_line
        self._idle_exit = idle_exit
        self._connections: list[_Connection] = []
        self._waiting: deque[tuple[_Connection, bytes]] = deque()

    def __enter__(self) -> Self:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # One that crashed has left its socket behind.
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(self._path))
        finally:
            os.umask(mask)
        self._listener.listen(MOST_CONNECTIONS)
        self._listener.settimeout(0)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
        for connection in list(self._connections):
            self._close(connection)
        self._listener.close()
        self._selector.close()

    def run(self, answer: Answer) -> None:
        """Answer requests until an answer ends it, or no request has come for `idle_exit` seconds.

        Ends too when the socket is gone: nobody could reach us any more, as after the state directory was removed.
        """
        last_request = time.monotonic()
        while self._idle_exit is None or time.monotonic() - last_request < self._idle_exit:
            self._gather(0.0 if self._waiting else _TICK_SECONDS)
            if not self._waiting:
                if not self._path.exists():
                    logger.warning("%s is gone", self._path)
                    return
                continue
            connection, line = self._waiting.popleft()
            connection.waiting -= 1
            if connection.open:
                # Its end of file, if it has hung up, comes after the request.
                self._receive(connection)
            if not connection.open:
                continue
            message, go_on = answer(line)
            last_request = time.monotonic()
            self._send(connection, wire.encode(message))
            if not go_on:
                return

    def _gather(self, seconds: float) -> None:
        """Take in what has arrived; wait up to `seconds` for something to arrive."""
        if self._idle_exit is not None:
            seconds = min(seconds, self._idle_exit / 4)
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._accept()
            else:
                self._receive(key.data)
        now = time.monotonic()
        for connection in [one for one in self._connections if now - one.idle_since > SILENCE_SECONDS]:
            self._close(connection)

    def _accept(self) -> None:
        try:
            channel, _ = self._listener.accept()
        except OSError as error:
            logger.warning("a connection failed: %s", error)
            return
        channel.settimeout(0)
        if len(self._connections) >= MOST_CONNECTIONS:
            self._close(min(self._connections, key=lambda one: one.idle_since))
        connection = _Connection(channel)
        self._connections.append(connection)
        self._selector.register(channel, selectors.EVENT_READ, connection)

    def _receive(self, connection: _Connection) -> None:
        try:
            data = connection.channel.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return
        connection.heard = time.monotonic()
        *lines, rest = (connection.buffer + data).split(b"\n")
        connection.buffer = rest
        connection.waiting += len(lines)
        if max(map(len, (*lines, rest))) > self._longest_line or connection.waiting > MOST_WAITING:
            self._send(connection, wire.encode({"error": "EmbedderUnavailable", "message": "the request is too long"}))
            self._close(connection)
            return
        self._waiting.extend((connection, bytes(line)) for line in lines)

    def _send(self, connection: _Connection, data: bytes) -> None:
        """Answers fit into a socket's buffer; a client that has let it fill up is not listening."""
        try:
            taken = connection.channel.send(data, socket.MSG_NOSIGNAL)
        except OSError:
            taken = 0
        if taken < len(data):
            self._close(connection)

    def _close(self, connection: _Connection) -> None:
        if connection.open:
            connection.open = False
            self._connections.remove(connection)
            self._selector.unregister(connection.channel)
            connection.channel.close()
