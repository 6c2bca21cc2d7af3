"""The hub's side of the tunnels to its Postgres and its Redis, which listen on unix sockets alone.

Services of `serve` for admitted hosts. A host gets a session of Postgres as the role that owns the index, whatever it
asks for: the server trusts the names that it is told (`magicfs.runtime.postgres`). Redis has one user. Runs in the
event loop; reads no more ahead than the buffers of its streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from magicfs.errors import PeerUnavailable
from magicfs.gateway.serve import POSTGRES_SERVICE, REDIS_SERVICE, Service

log = logging.getLogger(__name__)

MAX_CONNECTIONS_OF_HOST = 100
"""To Postgres: one host cannot take all of them."""

MAX_REDIS_CONNECTIONS_OF_HOST = 400
"""To Redis. A worker that starts makes about twelve, an agent seven: a host with sixteen cores has 250."""

STARTUP_SECONDS = 10.0
"""A client of Postgres says within this time who it is."""

MAX_STARTUP_BYTES = 10_000
"""The longest first message of a client, as Postgres has it."""

BLOCK_BYTES = 64 << 10

CANNOT_CONNECT, TOO_MANY, REFUSED = "08006", "53300", "08004"
"""SQLSTATEs of a server that is not reached, has no further connection, and does not understand a client."""

_PROTOCOL_3, _CANCEL, _SSL, _GSS = 3, 80877102, 80877103, 80877104


class Tunnels:
    """The tunnels of one hub."""

    def __init__(self, *, postgres: Path, redis: Path, user: str, database: str) -> None:
        """The sockets of the servers, and what a session of Postgres is."""
        self._postgres, self._redis = postgres, redis
        self._session = {"user": user, "database": database}
        self._open: Counter[tuple[str, Path]] = Counter()

    def services(self) -> dict[str, Service]:
        """The services by their ALPN names."""
        return {POSTGRES_SERVICE: Service(self._carry_postgres), REDIS_SERVICE: Service(self._carry_redis)}

    async def _carry_postgres(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            startup = await _read_startup(reader, writer)
            with self._counted(host, self._postgres, most=MAX_CONNECTIONS_OF_HOST):
                await _carry(self._postgres, reader, writer, first=fixed_startup(startup, self._session))
        except (_Refused, PeerUnavailable) as error:
            log.warning("Postgres refused %s: %s", host, error)
            code = error.sqlstate if isinstance(error, _Refused) else CANNOT_CONNECT
            writer.write(error_response(str(error), sqlstate=code))
            await writer.drain()

    async def _carry_redis(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with self._counted(host, self._redis, most=MAX_REDIS_CONNECTIONS_OF_HOST):
                await _carry(self._redis, reader, writer, first=b"")
        except (_Refused, PeerUnavailable) as error:
            log.warning("Redis refused %s: %s", host, error)

    @contextlib.contextmanager
    def _counted(self, host: str, server: Path, *, most: int) -> Iterator[None]:
        if self._open[host, server] >= most:
            raise _Refused(f"the hub has {most} connections of {host} already", TOO_MANY)
        self._open[host, server] += 1
        try:
            yield
        finally:
            self._open[host, server] -= 1


class _Refused(PeerUnavailable):
    """A connection that the hub does not make, with its SQLSTATE."""

    def __init__(self, message: str, sqlstate: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


async def _carry(path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, first: bytes) -> None:
    try:
        server_reader, server_writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        raise PeerUnavailable("the hub runs no servers: run 'magicfs up' there") from error
    notice_silence(writer.get_extra_info("socket"))
    try:
        server_writer.write(first)
        await carry((reader, writer), (server_reader, server_writer))
    finally:
        server_writer.close()


def notice_silence(connection: socket.socket) -> None:
    """Let the kernel give up a silent peer, as `magicfs.db.connection` does: the work of a dead one must end."""
    options = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 15_000}
    for option, value in options.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


class Reader(Protocol):
    """What bytes come from."""

    async def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Ends = tuple[Reader, asyncio.StreamWriter]


async def carry(one: Ends, other: Ends) -> None:
    """Carry bytes between two connections until one of them ends. The caller closes both, which sends what is left.

    A connection by TLS cannot end in one direction alone, and the clients of both servers need no such end.
    """
    ways = [asyncio.ensure_future(_copy(one[0], other[1])), asyncio.ensure_future(_copy(other[0], one[1]))]
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in done:
            await way
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(reader: Reader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(BLOCK_BYTES):
        writer.write(block)
        await writer.drain()


async def _read_startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The first message of a client of Postgres that asks for no encryption: that is there already."""
    try:
        async with asyncio.timeout(STARTUP_SECONDS):
            return await _read_message(reader, writer)
    except TimeoutError as error:
        raise _Refused("the client of Postgres has not said in time who it is", REFUSED) from error


async def _read_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    while True:
        head = await reader.readexactly(8)
        size, code = struct.unpack("!II", head)
        if not len(head) <= size <= MAX_STARTUP_BYTES:
            raise _Refused("that is no client of Postgres", REFUSED)
        message = head + await reader.readexactly(size - len(head))
        if code not in {_SSL, _GSS}:
            return message
        writer.write(b"N")
        await writer.drain()


def is_cancellation(message: bytes) -> bool:
    """Whether the first message of a client of Postgres asks to cancel a statement. The server answers nothing."""
    return message[4:8] == struct.pack("!I", _CANCEL)


def fixed_startup(message: bytes, session: Mapping[str, str]) -> bytes:
    """The first message of a client, with the user and the database of `session`. A request to cancel stays as it is.

    Raises `PeerUnavailable` for another message.
    """
    if is_cancellation(message):
        return message
    _, code = struct.unpack("!II", message[:8])
    words = message[8:].split(b"\0")
    if code >> 16 != _PROTOCOL_3 or len(words) % 2 or words[-2:] != [b"", b""]:
        raise _Refused("that is no client of Postgres 3", REFUSED)
    names, values = words[:-2:2], words[1:-2:2]
    kept = [
        (name, value)
        for name, value in zip(names, values, strict=True)
        # Replication is a session of another kind.
        if name.decode("ascii", "replace") not in {*session, "replication"}
    ]
    if b"" in names:
        raise _Refused("that is no client of Postgres 3", REFUSED)
    own = [(name.encode(), value.encode()) for name, value in session.items()]
    body = b"".join(name + b"\0" + value + b"\0" for name, value in [*own, *kept]) + b"\0"
    return struct.pack("!II", len(body) + 8, code) + body


def error_response(message: str, *, sqlstate: str) -> bytes:
    """Postgres's message that a connection is refused, and why."""
    fields = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": " ".join(message.split())}
    body = b"".join(f"{kind}{text}".encode() + b"\0" for kind, text in fields.items()) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body
