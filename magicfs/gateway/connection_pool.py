"""The connections to another host whose files are asked for, each lent to one thread at a time.

Used by `remote_files`. There are a few, made when they are needed and closed when nobody needs them. A host that was
tried in vain is not tried again for a moment. Any thread.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from magicfs.domain.deadline import Deadline
from magicfs.domain.host_certificates import HostCertificate
from magicfs.errors import DeadlineExceeded, MagicFSError, PeerUnavailable
from magicfs.logs import Outage
from magicfs.tree.remote.files import ANSWER_SECONDS

if TYPE_CHECKING:
    from magicfs.gateway.identity import Identity
    from magicfs.gateway.peer_connection import PeerConnection
    from magicfs.gateway.remote_files import PeerFile

log = logging.getLogger(__name__)

WAIT_SECONDS = ANSWER_SECONDS - 2.0
CONNECT_SECONDS = 5.0
"""A host that does not speak within this time is unreachable."""

UNREACHABLE_SECONDS = 5.0
"""The pause before a host that was found unreachable is tried again."""

MAX_CONNECTIONS = 4
"""To one host. One carries what a network can; others serve small requests meanwhile."""

IDLE_SECONDS = 60.0
"""A connection on which no file is open is closed after this time, when another one is used."""

T = TypeVar("T")


class ConnectionLost(Exception):
    """The connection ended in a request, or before it."""

    def __init__(self, reason: str, *, is_silent: bool = False) -> None:
        """`is_silent` says whether the other machine acknowledges nothing any more."""
        super().__init__(reason)
        self.is_silent = is_silent


class ConnectionPool:
    """The connections to one host."""

    def __init__(self, entry: HostCertificate, identity: Callable[[], Identity]) -> None:
        self.entry = entry
        self._identity = identity
        self._changed = threading.Condition()
        self._idle: deque[PeerConnection] = deque()
        """The one that was used last is at the end."""
        self._all: set[PeerConnection] = set()
        self._opening = 0
        self._unreachable_since = float("-inf")
        """When it was tried in vain, by the monotonic clock."""
        self._is_retired = False
        self._outage = Outage(log, beginning=f"{entry.host} is not reached", end=f"{entry.host} is reached again")

    def exchange(
        self,
        ask: Callable[[PeerConnection, Deadline], T],
        *,
        file: PeerFile | None = None,
        only_where_open: bool = False,
    ) -> T:
        """What `ask` returns with a connection, on which `file` is open if one of those has time. Raises `OSError`.

        A connection that was idle may be a dead one: then it is another one's turn.
        """
        deadline = Deadline(WAIT_SECONDS)
        try:
            while True:
                connection, is_new = self._take(deadline, file, only_where_open=only_where_open)
                try:
                    with self._lent(connection):
                        found = ask(connection, deadline)
                    self._outage.ended(self.entry.host)
                except DeadlineExceeded:
                    # It answers for its file systems in less time, so it is the host itself that does not answer.
                    self._found_unreachable(PeerUnavailable("it does not answer in time"))
                    raise
                except ConnectionLost as error:
                    if error.is_silent:
                        # The others are to the same machine, and would be waited for one after the other.
                        self._close_idle()
                    if is_new:
                        raise self._found_unreachable(_refusal(error)) from error
                else:
                    return found
        except DeadlineExceeded as error:
            raise OSError(errno.ETIMEDOUT, f"{self.entry.host} does not answer in time") from error

    @contextlib.contextmanager
    def _lent(self, connection: PeerConnection) -> Iterator[None]:
        """Give a connection back afterwards, unless it can be used no more: what came of it is not known."""
        try:
            yield
        finally:
            if connection.is_between_requests:
                self._give_back(connection)
            else:
                self._drop(connection)

    def _take(self, deadline: Deadline, file: PeerFile | None, *, only_where_open: bool) -> tuple[PeerConnection, bool]:
        with self._changed:
            while True:
                if only_where_open and not any(file in connection.numbers for connection in self._all):
                    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
                connection = self._idle_one(file, only_where_open=only_where_open)
                if connection is not None:
                    self._idle.remove(connection)
                    return connection, False
                if time.monotonic() < self._unreachable_since + UNREACHABLE_SECONDS or self._is_retired:
                    raise self._unreachable()
                if not only_where_open and len(self._all) + self._opening < MAX_CONNECTIONS:
                    self._opening += 1
                    break
                self._changed.wait(deadline.seconds_left())
        try:
            connection = self._connect()
        finally:
            with self._changed:
                self._opening -= 1
                self._changed.notify_all()
        with self._changed:
            self._all.add(connection)
        return connection, True

    def _idle_one(self, file: PeerFile | None, *, only_where_open: bool) -> PeerConnection | None:
        for connection in self._idle if file is not None else ():
            if file in connection.numbers:
                return connection
        return self._idle[-1] if self._idle and not only_where_open else None

    def _connect(self) -> PeerConnection:
        # With TLS and what belongs to it a process holds several megabytes more.
        from magicfs.gateway.peer_connection import PeerConnection

        try:
            return PeerConnection.made(self.entry, self._identity(), Deadline(CONNECT_SECONDS))
        except (MagicFSError, OSError) as error:
            raise self._found_unreachable(error) from error

    def _give_back(self, connection: PeerConnection) -> None:
        """Lend a connection to others; those that have been idle for long are closed."""
        connection.send_closings()
        with self._changed:
            if connection.is_between_requests and not self._is_retired:
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
                surplus = [
                    idle
                    for idle in self._idle
                    if not idle.numbers and connection.idle_since - idle.idle_since > IDLE_SECONDS
                ]
                for idle in surplus:
                    self._idle.remove(idle)
            else:
                surplus = [connection]
            self._all.difference_update(surplus)
            self._changed.notify_all()
        for idle in surplus:
            idle.close()

    def _drop(self, connection: PeerConnection) -> None:
        with self._changed:
            self._all.discard(connection)
            self._changed.notify_all()
        connection.close()

    def close_file(self, file: PeerFile) -> None:
        """Close a file in all connections that have it open: at once, or when the request that uses it has ended."""
        with self._changed:
            idle = []
            for connection in self._all:
                number = connection.numbers.pop(file, None)
                if number is not None:
                    connection.close_later(number)
                    if connection in self._idle:
                        self._idle.remove(connection)
                        idle.append(connection)
        for connection in idle:
            self._give_back(connection)

    def retire(self) -> None:
        """Make no further connections, and close those that nobody uses."""
        with self._changed:
            self._is_retired = True
        self._close_idle()

    def _found_unreachable(self, error: Exception) -> OSError:
        """The error of a host that was tried in vain, which is not tried again for a moment."""
        self._outage.began(self.entry.host, error)
        with self._changed:
            self._unreachable_since = time.monotonic()
        self._close_idle()
        return self._unreachable()

    def _close_idle(self) -> None:
        """Close the connections that nobody uses."""
        with self._changed:
            idle = list(self._idle)
            self._idle.clear()
            self._all.difference_update(idle)
            self._changed.notify_all()
        for connection in idle:
            connection.close()

    def _unreachable(self) -> OSError:
        return OSError(errno.EHOSTUNREACH, f"{self.entry.host} is not reached")


def _refusal(error: Exception) -> PeerUnavailable:
    """Why a host ends a connection before it has answered: TLS 1.3 tells a client afterwards that it is not known."""
    return PeerUnavailable(
        f"it ends the connection, as with hosts that are not admitted: see 'magicfs hosts list' ({error})"
    )
