"""What a host offers to the other hosts of its cluster, at one TCP address: services by their ALPN names.

Used by `magicfs serve`. A host that is admitted shows its certificate; a stranger, who has none, gets the services for
strangers alone. One event loop in the main thread; what a service does there must not block.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import MagicFSError, ServerError
from magicfs.gateway.identity import Identity
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.tls import peer_fingerprint, server_context
from magicfs.logs import Outage

log = logging.getLogger(__name__)

POSTGRES_SERVICE = "magicfs-postgres/1"
REDIS_SERVICE = "magicfs-redis/1"
JOIN_SERVICE = "magicfs-join/1"

REFRESH_SECONDS = 2.0
"""Pause between two checks which hosts are admitted. A retired host is cut off by the next one."""

HANDSHAKE_SECONDS = 10.0
STRANGER_SECONDS = 10.0
"""A stranger is answered within this time, from its handshake on."""

MAX_CONNECTIONS = 8192
"""Connections of hosts that are admitted: fifty of eight cores make 6500 at once when they start. Where there is none
left, they are shared evenly."""

MAX_STRANGERS = 32
"""Connections that have not shown an admitted certificate. A further one takes the place of another."""

BUFFER_BYTES = 256 * 1024
"""The bytes that are read ahead of a connection."""

Handler = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves a connection of the host of that name, which is empty for a stranger. The connection is closed afterwards."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is offered under one ALPN name."""

    handle: Handler
    for_strangers: bool = False
    """Whether it answers those who show no certificate, and them alone."""


class Server:
    """Serves one address."""

    def __init__(
        self, identity: Identity, services: Mapping[str, Service], *, load: Callable[[], Sequence[HostCertificate]]
    ) -> None:
        """`load` returns the certificates of hosts; it runs in a thread of its own and may raise `MagicFSError`."""
        self._identity = identity
        self._services = services
        self._load = load
        # Others may have to wait for a lock that a host holds in the index; nothing of theirs holds up this one.
        self._loading = ThreadPoolExecutor(1, "admissions")
        self._hosts: dict[str, str] = {}
        """The names of the admitted hosts by their fingerprints."""
        self._certificates: tuple[str, ...] | None = None
        self._outage = Outage(log, beginning="which hosts are admitted is not known anew", end="admissions are known")
        self._connections: dict[asyncio.StreamWriter, str] = {}
        """The open connections of admitted hosts, with their fingerprints."""
        self._strangers: dict[socket.socket, str] = {}
        """The connections of strangers, the oldest first, and the network from which each comes."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, address: PeerAddress, stop: asyncio.Event, *, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is set; `ready` is called once the address is listened on. Raises `ServerError`."""
        listener = await asyncio.to_thread(_listen, address)
        with contextlib.closing(listener):
            await self._refresh()
            loops = [asyncio.ensure_future(self._keep_fresh()), asyncio.ensure_future(self._accept(listener))]
            try:
                ready()
                ended = asyncio.ensure_future(stop.wait())
                await asyncio.wait([ended, *loops], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in [ended, *loops, *self._tasks]:
                    task.cancel()
                results = await asyncio.gather(*loops, *self._tasks, return_exceptions=True)
                self._loading.shutdown(wait=False)
        for result in results[: len(loops)]:
            if isinstance(result, Exception):
                raise result

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._refresh()

    async def _refresh(self) -> None:
        """Read which hosts are admitted now. Those known before stay while nobody can be asked."""
        try:
            known = await asyncio.get_running_loop().run_in_executor(self._loading, self._load)
        except MagicFSError as error:
            self._outage.began("admissions", error)
            known = None
        else:
            self._outage.ended("admissions")
        if known is None and self._certificates is not None:
            return
        admitted = [entry for entry in known or () if entry.admitted]
        certificates = tuple(entry.certificate for entry in admitted)
        if certificates == self._certificates:
            return
        self._hosts = {entry.fingerprint: entry.host for entry in admitted}
        self._context = server_context(self._identity, admitted=certificates, services=self._services)
        self._certificates = certificates
        for writer, fingerprint in list(self._connections.items()):
            if fingerprint not in self._hosts:
                writer.transport.abort()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listener)
            except OSError as error:  # there are no further descriptors, or the client has gone meanwhile
                log.warning("a connection was not accepted: %s", error)
                await asyncio.sleep(0.1)
                continue
            if len(self._strangers) >= MAX_STRANGERS:
                self._dismiss_stranger()
            self._strangers[connection] = network_of(peer[0])
            task = asyncio.ensure_future(self._serve(connection, peer[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _dismiss_stranger(self) -> None:
        """End the oldest connection of the network from which there are most: one that has many keeps nobody out."""
        most = Counter(self._strangers.values()).most_common(1)[0][0]
        oldest = next(connection for connection, network in self._strangers.items() if network == most)
        del self._strangers[oldest]
        # Whoever serves it sees the end, and closes it.
        with contextlib.suppress(OSError):
            oldest.shutdown(socket.SHUT_RDWR)

    def _made_room(self, fingerprint: str) -> bool:
        """Whether a host has a connection less than its share: the last one of the host with most has ended for it."""
        counts = Counter(self._connections.values())
        most, count = counts.most_common(1)[0]
        if count <= counts[fingerprint] + 1:
            return False
        last = next(writer for writer, owner in reversed(self._connections.items()) if owner == most)
        del self._connections[last]
        last.transport.abort()
        return True

    async def _serve(self, connection: socket.socket, place: str) -> None:
        """Serve a connection, which counts as a stranger's until it has shown an admitted certificate."""
        writer = None
        try:
            reader, writer = await self._secured(connection)
            tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
            fingerprint = peer_fingerprint(tls)
            host = "" if fingerprint is None else self._hosts.get(fingerprint, "")
            service = self._services.get(tls.selected_alpn_protocol() or "")
            if service is None or service.for_strangers != (not host) or (fingerprint is not None and not host):
                log.warning("%s was refused: %s", place, _refusal(tls, fingerprint))
                return
            if not host or fingerprint is None:
                await asyncio.wait_for(service.handle("", reader, writer), STRANGER_SECONDS)
                return
            if len(self._connections) >= MAX_CONNECTIONS and not self._made_room(fingerprint):
                log.warning("%s was refused: it has its share of %d connections", host, MAX_CONNECTIONS)
                return
            self._strangers.pop(connection, None)
            self._connections[writer] = fingerprint
            await service.handle(host, reader, writer)
        except (OSError, EOFError, TimeoutError) as error:
            log.info("the connection of %s ends: %s", place, error or type(error).__name__)
        except MagicFSError as error:
            log.warning("the connection of %s ends: %s", place, error)
        except Exception:
            log.exception("the connection of %s ends", place)
        finally:
            self._strangers.pop(connection, None)
            if writer is None:
                connection.close()
            else:
                self._connections.pop(writer, None)
                await _closed(writer)

    async def _secured(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The streams of a connection after its handshake. Raises `OSError`."""
        connection.settimeout(0)  # asyncio takes sockets that never block
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=BUFFER_BYTES, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            connection,
            ssl=self._context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=1.0,
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _refusal(tls: ssl.SSLObject, fingerprint: str | None) -> str:
    """Why a connection is refused after its handshake, for the log."""
    service = tls.selected_alpn_protocol()
    if service is None:
        return "it asks for nothing that is offered here"
    if fingerprint is None:
        return f"it shows no certificate and asks for {service}"
    return f"its certificate {fingerprint} is not for {service}"


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, within the time of its shutdown."""
    with contextlib.suppress(OSError, TimeoutError):
        writer.close()
        await writer.wait_closed()


def network_of(place: str) -> str:
    """What one machine may have for itself: an IPv4 address, or the 64 bits before those that an IPv6 host chooses."""
    if ":" not in place:
        return place
    return socket.inet_pton(socket.AF_INET6, place.partition("%")[0])[:8].hex()


def _listen(address: PeerAddress) -> socket.socket:
    """A socket that listens. Raises `ServerError`."""
    try:
        family, _, _, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(place, family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServerError(f"nothing can listen on {address} ({reason}): name another address") from error
    listener.settimeout(0)  # asyncio takes sockets that never block
    return listener
