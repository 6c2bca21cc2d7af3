"""A node's side of the tunnels: it listens where the embedded servers would, and carries each connection to the hub.

So everything on a node finds Postgres and Redis in its state directory, as on a machine of its own. The link keeps
nothing: who loses a connection connects anew. Used by the part `hub-link`. One event loop in the main thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

from magicfs.config import Settings
from magicfs.errors import PeerUnavailable
from magicfs.gateway.hub import Hub, not_admitted, read_hub
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.peers import require_peer
from magicfs.gateway.serve import POSTGRES_SERVICE, REDIS_SERVICE
from magicfs.gateway.tls import client_context
from magicfs.gateway.tunnel import (
    BLOCK_BYTES,
    CANNOT_CONNECT,
    Streams,
    carry,
    error_response,
    is_cancellation,
    notice_silence,
)
from magicfs.logs import Outage
from magicfs.state_directory.home import POSTGRES_SOCKET

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
"""A command waits for the database a second longer, and so reports what is wrong."""

BACKLOG = 64

_ENDED = "its address ends each connection, as before 'magicfs up' there"
"""What an error without a text stands for: what forwards connections to the hub does so while that is off."""


def run(settings: Settings) -> None:
    """Link this host to its hub until a signal ends this process. Raises `ConfigError`."""
    link = HubLink(read_hub(settings), host_identity(settings.home))

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        run_dir = settings.run_dir
        await link.run(postgres=run_dir / POSTGRES_SOCKET, redis=run_dir / "redis.sock", stop=stop)

    asyncio.run(serve())


class HubLink:
    """The link of one node."""

    def __init__(self, hub: Hub, identity: Identity) -> None:
        self._hub = hub
        self._contexts = {
            service: client_context(identity, service=service) for service in (POSTGRES_SERVICE, REDIS_SERVICE)
        }
        self._outage = Outage(log, beginning="the hub cannot be used", end="the hub can be used again")
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(
        self, *, postgres: Path, redis: Path, stop: asyncio.Event, ready: Callable[[], None] = lambda: None
    ) -> None:
        """Listen on both sockets until `stop` is set; `ready` is called once they listen."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._end_connections)
            for path, service in ((postgres, POSTGRES_SERVICE), (redis, REDIS_SERVICE)):
                server = await asyncio.start_unix_server(self._acceptor(service), path, backlog=BACKLOG)
                stack.callback(path.unlink, missing_ok=True)
                stack.callback(server.close)
                path.chmod(0o700)
            log.info("Postgres and Redis are those of the hub %s", self._hub.address)
            ready()
            await stop.wait()

    async def _end_connections(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _acceptor(self, service: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._handle(service, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return accept

    async def _handle(self, service: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._carry(service, (reader, writer))
        except PeerUnavailable as error:
            self._outage.began("connection", error)
            if service == POSTGRES_SERVICE:
                # Redis's clients take the end of the connection for what it is.
                writer.write(error_response(str(error), sqlstate=CANNOT_CONNECT))
        except OSError as error:
            log.debug("a connection ends: %s", error)
        finally:
            writer.close()

    async def _carry(self, service: str, local: Streams) -> None:
        # Clients of both servers speak first. A client that only checks whether somebody listens costs the hub nothing.
        first = await local[0].read(BLOCK_BYTES)
        if not first:
            return
        reader, writer = await self._connect(service)
        remote = _SilenceReader(reader)
        try:
            writer.write(first)
            with contextlib.suppress(OSError):
                await carry(local, (remote, writer))
        finally:
            writer.transport.abort()
        # The hub looks at our certificate after the handshake, and ends the connection if it does not know it.
        if remote.is_silent and not local[0].at_eof() and not is_cancellation(first):
            raise not_admitted(self._hub)
        self._outage.ended("connection")

    async def _connect(self, service: str) -> Streams:
        """A connection to a service of the hub. Raises `PeerUnavailable`."""
        address = self._hub.address
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(
                    address.host, address.port, ssl=self._contexts[service], server_hostname=""
                )
        except (OSError, TimeoutError, UnicodeError) as error:
            number = getattr(error, "errno", None)
            reason = os.strerror(number) if number and not isinstance(error, ssl.SSLError) else str(error)
            reason = "it does not answer in time" if isinstance(error, TimeoutError) else reason or _ENDED
            raise PeerUnavailable(f"the hub {address} cannot be reached: {reason}") from error
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        try:
            require_peer(tls, address, fingerprint=self._hub.fingerprint, service=service)
        except PeerUnavailable as error:
            writer.transport.abort()
            raise PeerUnavailable(f"the hub cannot be used: {error}") from error
        notice_silence(writer.get_extra_info("socket"))
        return reader, writer


class _SilenceReader:
    """A reader that tells whether nothing has come."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.is_silent = True

    async def read(self, size: int) -> bytes:
        """The next bytes of the reader; none at its end."""
        block = await self._reader.read(size)
        self.is_silent = self.is_silent and not block
        return block
