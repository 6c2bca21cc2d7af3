"""A connection to the files of another host: one request at a time, and its answer.

Used by `connection_pool`, which lends it to one thread at a time. The other host is not trusted: an answer that is none
of the protocol, or is longer than what was asked for, ends the connection.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from magicfs.domain.deadline import Deadline
from magicfs.domain.host_certificates import HostCertificate
from magicfs.gateway import file_protocol as protocol
from magicfs.gateway.connection_pool import ConnectionLost
from magicfs.gateway.file_protocol import FILES_SERVICE, Kind, Operation, Request
from magicfs.gateway.identity import Identity
from magicfs.gateway.peers import PeerAddress, connect
from magicfs.tree.remote.files import RemoteStatus

if TYPE_CHECKING:
    import ssl

    from magicfs.gateway.remote_files import PeerFile

CLOSING_SECONDS = 1.0
"""To tell the other host that files are closed."""

_SILENCE = {
    socket.TCP_USER_TIMEOUT: 10_000,
    socket.TCP_KEEPIDLE: 15,
    socket.TCP_KEEPINTVL: 5,
}
"""A machine that does not even acknowledge is gone after ten seconds, which are milliseconds for the first option."""

MAX_NAMES = 500_000
"""In a directory: a few hundred bytes of memory each."""


class PeerConnection:
    """A connection. Hashed by identity."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self.numbers: dict[PeerFile, int] = {}
        """The files that are open here, with their numbers there. Any thread may take one out."""
        self._closings: deque[int] = deque()
        self.is_between_requests = True
        """Whether nothing of an answer is still to come."""
        self.idle_since = 0.0

    @classmethod
    def made(cls, entry: HostCertificate, identity: Identity, deadline: Deadline) -> PeerConnection:
        """A new connection. Raises `PeerUnavailable`, `DeadlineExceeded`, and `UsageError` for what is no address."""
        address = PeerAddress.parse(entry.address or "")
        secured = connect(
            address, fingerprint=entry.fingerprint, service=FILES_SERVICE, identity=identity, deadline=deadline
        )
        for option, value in _SILENCE.items():
            secured.setsockopt(socket.IPPROTO_TCP, option, value)
        return cls(secured)

    def status(self, root: bytes, path: bytes, deadline: Deadline) -> RemoteStatus:
        """What a path leads to."""
        return protocol.decoded_status(self._answer(Request(Operation.STATUS, root=root, path=path), deadline))

    def target(self, root: bytes, path: bytes, deadline: Deadline) -> bytes:
        """The path that a symbolic link holds."""
        return bytes(self._answer(Request(Operation.TARGET, root=root, path=path), deadline))

    def list(self, root: bytes, path: bytes, deadline: Deadline) -> list[tuple[bytes, RemoteStatus]]:
        """The names in a directory."""
        found: list[tuple[bytes, RemoteStatus]] = []
        for content in self._answers(Request(Operation.LIST, root=root, path=path), deadline):
            found += protocol.decoded_names(content)
            if len(found) > MAX_NAMES:
                raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW))
        return found

    def open(self, root: bytes, path: bytes, deadline: Deadline) -> tuple[int, RemoteStatus]:
        """Open a regular file; its number and its status."""
        content = self._answer(Request(Operation.OPEN, root=root, path=path), deadline)
        status = protocol.decoded_status(content, protocol.OPENED.size)
        return protocol.OPENED.unpack_from(content)[0], status

    def read(self, number: int, offset: int, size: int, deadline: Deadline) -> bytes:
        """Bytes of an open file."""
        content = self._answer(Request(Operation.READ, number, offset, size), deadline)
        if len(content) > size:
            raise protocol.malformed()
        return content

    def close_later(self, number: int) -> None:
        """Close a file there by the next `send_closings`. Any thread."""
        self._closings.append(number)

    def send_closings(self) -> None:
        """Tell the other host which files are closed. The connection is lost if it does not take that in time."""
        if not self._closings:
            return
        requests = []
        with contextlib.suppress(IndexError):
            while True:
                requests.append(Request(Operation.CLOSE, self._closings.popleft()).encoded())
        try:
            self._connection.settimeout(CLOSING_SECONDS)
            self._connection.sendall(b"".join(requests))
        except OSError:
            self.is_between_requests = False

    def close(self) -> None:
        """Close the connection. Never waits."""
        with contextlib.suppress(OSError):
            self._connection.close()

    def _answer(self, request: Request, deadline: Deadline) -> bytes:
        """The answer to a request that has one frame: with others a host could fill our memory."""
        content = next(self._answers(request, deadline))
        if not self.is_between_requests:
            raise protocol.malformed()
        return content

    def _answers(self, request: Request, deadline: Deadline) -> Iterator[bytes]:
        """The frames of an answer. Raises `ConnectionLost`, `DeadlineExceeded`, and `OSError` of the other host."""
        content = request.encoded()
        self.is_between_requests = False
        with _loss_reported(deadline):
            self._connection.settimeout(deadline.seconds_left())
            self._connection.sendall(content)
        while True:
            kind, length = protocol.ANSWER.unpack(self._receive(protocol.ANSWER.size, deadline))
            if length > protocol.MAX_FRAME_BYTES:
                raise protocol.malformed()
            content = self._receive(length, deadline)
            if kind == Kind.PART:
                yield content
                continue
            self.is_between_requests = True
            if kind == Kind.DONE:
                yield content
                return
            raise protocol.reported(content)

    def _receive(self, length: int, deadline: Deadline) -> bytes:
        content = bytearray(length)
        view = memoryview(content)
        with _loss_reported(deadline):
            while view:
                self._connection.settimeout(deadline.seconds_left())
                count = self._connection.recv_into(view)
                if not count:
                    raise ConnectionLost("the other host has closed the connection")
                view = view[count:]
        return bytes(content)


@contextlib.contextmanager
def _loss_reported(deadline: Deadline) -> Iterator[None]:
    """Raise `ConnectionLost` or `DeadlineExceeded` for errors of the connection, not of a file."""
    try:
        yield
    except TimeoutError as error:
        if error.errno is None:
            raise deadline.exceeded() from error
        # The kernel has given the connection up.
        raise ConnectionLost(str(error), is_silent=True) from error
    except OSError as error:
        raise ConnectionLost(str(error)) from error
