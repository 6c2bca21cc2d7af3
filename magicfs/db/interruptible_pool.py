"""The pool of connections: a wait for one ends also when the process stops, and an error says why there is none.

Behind `Database`, the only one that uses it. Any thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from magicfs.db.connection import SHORTEST_CONNECT_SECONDS, PooledConnection, configure, connection_options, recording
from magicfs.db.errors import refusal
from magicfs.domain.deadline import Deadline
from magicfs.errors import DatabaseUnavailable

_NOT_IN_TIME = "the database did not accept a connection in time: try again"
_HANGS = (
    "the database does not answer in time: restart it (the embedded one by 'magicfs down', then 'magicfs up'), "
    "or check the network to it"
)

GIVE_UP_SECONDS = 0.5
"""How long a process that stops waits for a connection at least. One on the same machine takes a tenth of it."""

GIVE_UP_CONNECTS = 2
"""How many times as long as the last connection took it waits at least, since a far server takes seconds."""

LOOK_SECONDS = 0.1
"""Pause between two checks whether the process stops, or there is a connection again."""

CLOSE_SECONDS = 0.5
"""The threads of the pool end at once, but for one that waits for a server that does not answer."""


class InterruptiblePool:
    """Up to `size` connections to the database at `dsn`, each of which is made when it is first needed."""

    def __init__(
        self, dsn: str, *, application: str, size: int, connect_seconds: float, idle_seconds: float, options: str
    ) -> None:
        """`connect_seconds` is the longest wait for a connection; one that is not needed for `idle_seconds` is closed.

        `options` are more settings for the server, as libpq has them.
        """
        self.application = application
        self.connected_in_s = 0.0
        """How long it took to make the last connection: round trips of a network, of which a far one takes seconds."""
        self._dsn = dsn
        self._size = size
        self._in_use = 0
        self._lock = threading.Lock()
        self._refusal: psycopg.Error | None = None
        """Why the last connection was refused; None after one that was made."""
        self._is_stopping: Callable[[], bool] | None = None
        """Whether the process stops; None for one that need not know."""
        self._caller = threading.local()
        """For this thread: `is_checked` says whether the pool checks a connection, `deadline` when that must end."""
        self._pool: ConnectionPool[PooledConnection] = ConnectionPool(
            dsn,
            min_size=0,
            max_size=size,
            timeout=connect_seconds,
            open=False,
            configure=configure,
            check=self._check,
            connection_class=recording(self._record),
            reconnect_timeout=connect_seconds,
            max_idle=idle_seconds,
            name=application,
            kwargs=connection_options(dsn, application=application, connect_seconds=connect_seconds, options=options),
        )
        # The caller gets an exception for a failed connection; the warnings of psycopg and its pool would repeat it.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        self._pool.open(wait=False)

    @property
    def connect_seconds(self) -> float:
        """The longest wait for a connection."""
        return self._pool.timeout

    @connect_seconds.setter
    def connect_seconds(self, seconds: float) -> None:
        self._pool.timeout = self._pool.reconnect_timeout = seconds

    def give_up_once(self, is_stopping: Callable[[], bool]) -> None:
        """Once `is_stopping` returns True, nobody waits for a connection."""
        self._is_stopping = is_stopping

    @contextmanager
    def lend(self, deadline: Deadline | None, *, is_checked: bool) -> Iterator[PooledConnection]:
        """A connection, which a round trip has checked if `is_checked`. Its transaction is the caller's.

        Raises `PoolTimeout` when `deadline` or `connect_seconds` are over, and soon once the process stops.
        """
        seconds = self.connect_seconds if deadline is None else min(self.connect_seconds, deadline.seconds_left())
        self._caller.deadline = Deadline(seconds) if deadline else None
        self._caller.is_checked = is_checked
        connection = self._wait(seconds)
        try:
            with connection:
                self._count_in_use(1)
                try:
                    yield connection
                finally:
                    self._count_in_use(-1)
        finally:
            self._pool.putconn(connection)

    def _wait(self, seconds: float) -> PooledConnection:
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            try:
                return self._pool.getconn(timeout=left if self._is_answered() else min(left, self._give_up_s()))
            except PoolTimeout:
                if not self._may_ask_before(until):
                    raise

    def _is_answered(self) -> bool:
        """Whether a wait for a connection ends: others return theirs, in the order of the requests."""
        return self._is_stopping is None or self._in_use >= self._size or self._pool.closed

    def _give_up_s(self) -> float:
        """How long a process that stops waits for a connection."""
        return max(GIVE_UP_SECONDS, GIVE_UP_CONNECTS * self.connected_in_s)

    def _may_ask_before(self, until: float) -> bool:
        """Wait until it is of use to ask the pool once more; False once the process stops, or at a time.

        A request of which nothing came stays in the queue of the pool until there is a connection. Another one every
        moment would fill the memory during an outage. One that has left the queue makes no further connection.
        """
        while self._is_stopping is not None and not self._is_stopping() and time.monotonic() < until:
            pool = self._pool.get_stats()
            if self._is_answered() or pool["pool_available"] or not pool["requests_waiting"]:
                return True
            time.sleep(LOOK_SECONDS)
        return False

    def _check(self, connection: PooledConnection) -> None:
        if self._caller.is_checked:
            connection.check_alive(self._caller.deadline)

    def _record(self, outcome: psycopg.Error | float) -> None:
        if isinstance(outcome, psycopg.Error):
            self._refusal = outcome
        else:
            self._refusal, self.connected_in_s = None, outcome

    def _count_in_use(self, change: int) -> None:
        with self._lock:
            self._in_use += change

    def no_connection(self, deadline: Deadline | None) -> DatabaseUnavailable:
        """The error of a caller that waited for a connection in vain. Asks the database, if it has to."""
        if self._in_use >= self._size:
            in_use = "its one connection" if self._size == 1 else f"all its {self._size} connections"
            verb = "is" if self._size == 1 else "are"
            return DatabaseUnavailable(f"{in_use} to the database {verb} in use: try again")
        if deadline is not None and deadline.is_over():
            return DatabaseUnavailable(_NOT_IN_TIME)
        if self._refusal is not None:
            return refusal(self._refusal)
        try:
            psycopg.connect(self._dsn, connect_timeout=SHORTEST_CONNECT_SECONDS).close()
        except psycopg.errors.ConnectionTimeout:
            return DatabaseUnavailable(_HANGS)
        except psycopg.Error as error:
            return refusal(error)
        return DatabaseUnavailable(_NOT_IN_TIME)

    def requests(self) -> tuple[int, int]:
        """How many requests for a connection wait, and how many ended without one."""
        statistics = self._pool.get_stats()
        return statistics["requests_waiting"], statistics.get("requests_errors", 0)

    def close_idle(self) -> None:
        """Close the idle connections. New ones are made when they are needed."""
        self._pool.drain()

    def close(self) -> None:
        """Close all connections. One that is still being made is not waited for."""
        self._pool.close(timeout=CLOSE_SECONDS)
