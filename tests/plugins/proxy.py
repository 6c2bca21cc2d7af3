"""A proxy in front of a server on this machine. It counts round trips, and can swallow what is sent without a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

BLOCK_BYTES = 1 << 16


@dataclass
class Proxy:
    """Passes connections on to a port of this machine, or to the socket at a path."""

    target: int | Path
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    generation: int = 0
    """Connections of an earlier generation are half-open: both ends believe in them, and no byte arrives."""
    sockets: list[socket.socket] = field(default_factory=list)
    round_trips: int = 0
    """How often a client began to say something after its server had answered."""

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def swallow(self) -> None:
        """Make all connections half-open. New ones work."""
        self.generation += 1

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.sockets.append(client)
                server = self._connect()
                self.sockets.append(server)
                last = [server]
                for source, sink in ((client, server), (server, client)):
                    arguments = (source, sink, self.generation, last, source is client)
                    threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self.target, int):
            return socket.create_connection(("127.0.0.1", self.target))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self.target))
        return server

    def _pass_on(
        self,
        source: socket.socket,
        sink: socket.socket,
        generation: int,
        last: list[socket.socket],
        is_client: bool,
    ) -> None:
        """Pass on what one end says. `last` is the end that has spoken last."""
        with suppress(OSError):
            while block := source.recv(BLOCK_BYTES):
                self.round_trips += is_client and last[0] is not source
                last[0] = source
                if generation == self.generation:
                    sink.sendall(block)
            if generation == self.generation:
                sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in (self.listener, *self.sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def proxy_to(target: int | Path) -> Iterator[Proxy]:
    """A proxy to a port of this machine, or to the socket at a path."""
    proxy = Proxy(target)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
