"""Tells the hosts that have joined a hub which hosts it has admitted: they ask the hub itself.

What the index says of that, another host can have written. The service runs in the event loop of the hub's `serve`;
`Admissions` blocks, and is for one thread.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence

from magicfs.domain.deadline import Deadline
from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import PeerUnavailable
from magicfs.gateway.hub import Hub
from magicfs.gateway.identity import Identity
from magicfs.gateway.peers import connect
from magicfs.gateway.serve import Service

ADMISSIONS_SERVICE = "magicfs-admissions/1"

ANSWER_SECONDS = 5.0
"""A hub that is there answers within this time."""

MAX_ANSWER_BYTES = 4 << 20
"""A certificate takes less than a kilobyte."""


def admissions_service(read: Callable[[], Sequence[HostCertificate]]) -> Service:
    """The service of a hub that tells admitted hosts who is admitted: a line for each line that it gets.

    `read` returns the admitted certificates and does not wait.
    """

    async def handle(_: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            entries = [[entry.host, entry.fingerprint, entry.certificate] for entry in read()]
            writer.write(json.dumps(entries).encode() + b"\n")
            await writer.drain()

    return Service(handle)


class Admissions:
    """Whom a hub has admitted, as a host that has joined it learns. It keeps its connection."""

    def __init__(self, hub: Hub, identity: Identity) -> None:
        self._hub = hub
        self._identity = identity
        self._connection: ssl.SSLSocket | None = None

    def read(self) -> list[HostCertificate]:
        """The admitted certificates, without addresses. Raises `PeerUnavailable` and `DeadlineExceeded`."""
        deadline = Deadline(ANSWER_SECONDS)
        if self._connection is None:
            self._connection = connect(
                self._hub.address,
                fingerprint=self._hub.fingerprint,
                service=ADMISSIONS_SERVICE,
                identity=self._identity,
                deadline=deadline,
            )
        try:
            answer = json.loads(self._ask(self._connection, deadline))
            return [HostCertificate(str(a), str(b), str(c), None, admitted=True) for a, b, c in answer]
        except (OSError, ValueError, TypeError) as error:
            self.close()
            raise PeerUnavailable(f"the hub {self._hub.address} does not say whom it has admitted: {error}") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next `read` makes another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _ask(connection: ssl.SSLSocket, deadline: Deadline) -> bytes:
        connection.settimeout(deadline.seconds_left())
        connection.sendall(b"\n")
        answer = bytearray()
        while not answer.endswith(b"\n"):
            connection.settimeout(deadline.seconds_left())
            block = connection.recv(64 << 10)
            if not block or len(answer) > MAX_ANSWER_BYTES:
                raise PeerUnavailable("its answer does not end")
            answer += block
        return bytes(answer)
