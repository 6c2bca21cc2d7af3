"""`PeerFiles`: the files of other hosts for the mount, as `magicfs.tree.remote.files` asks for them.

Used by the composition root. Each host has a `ConnectionPool`. An open file is open on the connection that has opened
it; when another one has time, it is opened there too, if it is still the same file. So it survives connections, and a
file that was replaced stays the one that was opened. Any thread; a thread waits for `connection_pool.WAIT_SECONDS` at
most.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from magicfs.domain.deadline import Deadline
from magicfs.domain.host_certificates import HostCertificate
from magicfs.gateway.connection_pool import ConnectionPool
from magicfs.tree.remote.files import RemoteStatus

if TYPE_CHECKING:
    from magicfs.gateway.identity import Identity
    from magicfs.gateway.peer_connection import PeerConnection


class PeerFiles:
    """The files of the hosts that serve."""

    def __init__(self, identity: Callable[[], Identity], *, host: str) -> None:
        """`identity` is called before the first connection; `host` is this host, which is not asked."""
        self._identity = identity
        self._host = host
        self._pools: dict[str, ConnectionPool] = {}

    def set_hosts(self, certificates: Iterable[HostCertificate]) -> None:
        """Ask these hosts, as far as they are admitted and serve, and no others from now on. One thread at a time."""
        served = {entry.host: entry for entry in certificates if entry.admitted and entry.address}
        served.pop(self._host, None)
        pools = {}
        for name, entry in served.items():
            known = self._pools.get(name)
            pools[name] = known if known and known.entry == entry else ConnectionPool(entry, self._identity)
        former, self._pools = self._pools, pools
        for pool in former.values():
            if pool not in pools.values():
                pool.retire()

    def hosts(self) -> Collection[str]:
        """The hosts that serve. Never blocks."""
        return self._pools.keys()

    def status(self, host: str, root: bytes, path: bytes) -> RemoteStatus:
        """What a path leads to. May block."""
        return self._pool(host).exchange(lambda connection, deadline: connection.status(root, path, deadline))

    def list(self, host: str, root: bytes, path: bytes) -> Sequence[tuple[bytes, RemoteStatus]]:
        """The names in a directory. May block."""
        return self._pool(host).exchange(lambda connection, deadline: connection.list(root, path, deadline))

    def target(self, host: str, root: bytes, path: bytes) -> bytes:
        """The path that a symbolic link holds. May block."""
        return self._pool(host).exchange(lambda connection, deadline: connection.target(root, path, deadline))

    def open(self, host: str, root: bytes, path: bytes) -> PeerFile:
        """Open a regular file to read. May block."""

        def opened(connection: PeerConnection, deadline: Deadline) -> PeerFile:
            number, status = connection.open(root, path, deadline)
            # Its host may serve elsewhere when it is read.
            file = PeerFile(lambda: self._pool(host), root, path, status)
            connection.numbers[file] = number
            return file

        return self._pool(host).exchange(opened)

    def _pool(self, host: str) -> ConnectionPool:
        try:
            return self._pools[host]
        except KeyError:
            raise OSError(errno.EHOSTUNREACH, f"{host} does not serve its files") from None


class PeerFile:
    """An open file of another host."""

    def __init__(self, find_pool: Callable[[], ConnectionPool], root: bytes, path: bytes, status: RemoteStatus) -> None:
        """`find_pool` returns the connections to its host as it is reached now. Raises `OSError`."""
        self._find_pool = find_pool
        self._root = root
        self._path = path
        self.status = status
        self.is_closed = False

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes, fewer only at the end of the file. May block."""
        pool = self._find_pool()
        try:
            return pool.exchange(
                lambda connection, deadline: connection.read(
                    self._number(connection, deadline), offset, size, deadline
                ),
                file=self,
            )
        except _Replaced:
            # Where it was opened before, it still is what it was.
            return pool.exchange(
                lambda connection, deadline: connection.read(connection.numbers[self], offset, size, deadline),
                file=self,
                only_where_open=True,
            )

    def close(self) -> None:
        """Close the file."""
        self.is_closed = True
        # A host that does not serve any more has closed it.
        with contextlib.suppress(OSError):
            self._find_pool().close_file(self)

    def _number(self, connection: PeerConnection, deadline: Deadline) -> int:
        """The number of the file on a connection, where it is opened if it is not. Raises `_Replaced`."""
        number = connection.numbers.get(self)
        if number is None:
            try:
                number, status = connection.open(self._root, self._path, deadline)
            except FileNotFoundError as error:
                raise _Replaced from error
            if (status.device, status.number, status.born_ns) != self._identity:
                connection.close_later(number)
                raise _Replaced
            connection.numbers[self] = number
            # If it was closed meanwhile, where it was open before, this is its last reading.
            if self.is_closed and connection.numbers.pop(self, None) is not None:
                connection.close_later(number)
        return number

    @property
    def _identity(self) -> tuple[int, int, int | None]:
        return self.status.device, self.status.number, self.status.born_ns


class _Replaced(Exception):
    """Another file has the path of one that is open, or none has."""
