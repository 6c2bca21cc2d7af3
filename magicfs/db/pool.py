"""Connections to Postgres, and the translation of psycopg's errors to ours.

Every process that talks to Postgres opens one `Database`, after any fork. Several threads may share it; each of them
gets a connection of its own. A program that runs since before an upgrade does not write to the newer schema: each
transaction begins with a check of the schema's version, in the round trip that checks the connection.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from magicfs.db.connection import SHORTEST_CONNECT_SECONDS, PooledConnection, configure, connection_options, recording
from magicfs.db.listener import Listener
from magicfs.db.schema import require_not_newer
from magicfs.domain.deadline import Deadline
from magicfs.errors import (
    DatabaseConflict,
    DatabaseDamaged,
    DatabaseError,
    DatabaseStarting,
    DatabaseUnavailable,
    DeadlineExceeded,
)

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
"""A connection inside a transaction: the first argument of every query function."""

T = TypeVar("T")

_OF_THE_HUB = "the hub "
"""How a message of the link to the hub begins (`magicfs.gateway.hub_link`). It says what to do."""

_REFUSED_LOGIN = "password authentication failed"

_STARTING = re.compile("the database system is (?:starting up|in recovery mode|not yet accepting connections)")
"""How Postgres refuses a connection before it is ready. libpq does not pass the SQLSTATE on."""

_NOT_YET = "the database starts, and recovers first if it has crashed: nothing is lost, try again in a minute"
_NOT_IN_TIME = "the database did not accept a connection in time: try again"
_HANGS = (
    "the database does not answer in time: restart it (the embedded one by 'magicfs down', then 'magicfs up'), "
    "or check the network to it"
)

CONNECT_SECONDS = 10
"""The longest wait for a connection. A restart of Postgres takes about two seconds."""

CLOSE_SECONDS = 0.5
"""The threads of the pool end at once, but for one that waits for a server that does not answer."""

IDLE_SECONDS = 600.0
"""A search after a pause should not wait for a new connection."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise a `DatabaseError` for every psycopg error inside the block."""
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise DeadlineExceeded("a database query took too long: try again") from error
    except psycopg.Error as error:
        raise _translation(error) from error


_CONFLICT_SQLSTATES = ("40", "23503", "23505", "55P03")
"""Prefixes of the SQLSTATEs that another transaction causes: a deadlock, a row inserted or deleted meanwhile."""

_UNAVAILABLE_SQLSTATES = ("08", "53", "57P")
"""Prefixes of the SQLSTATEs of a server that does not answer, is stopping or starting, or has run out of connections,
memory or disk."""

_DAMAGE_SQLSTATES = ("XX001", "XX002")
"""The SQLSTATEs of data and of indexes that are damaged: pages with another checksum, files that are too short."""

_MISSING_FILE_SQLSTATE, _STORED = "58P01", re.compile(r'"(?:base|global|pg_\w+)/')
"""The SQLSTATE of a file that is missing, such as the library of an extension, and the names of those with data."""

_LOST = "The database subdirectory"
"""How the detail of a refusal begins when the folder of the database is missing that it has."""

DAMAGE_REMEDY = (
    "run 'magicfs down', then copy a backup of it back, or move it away (of an embedded one, the folder 'postgres' in "
    "the state directory) and run 'magicfs up ROOT...', which reads all files anew"
)

CONFLICT_TRIES = 3
"""How often `retry_on_conflict` runs a transaction at most."""


def _translation(error: psycopg.Error) -> DatabaseError:
    line = _first_line(error)
    # The SQLSTATE is more precise than psycopg's classes, where a deadlock is an OperationalError too.
    if error.sqlstate is None:
        unavailable = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    else:
        unavailable = error.sqlstate.startswith(_UNAVAILABLE_SQLSTATES)
        if error.sqlstate.startswith(_CONFLICT_SQLSTATES):
            return DatabaseConflict(f"another transaction conflicts with this one ({line}): try again")
    if _STARTING.search(line):
        return DatabaseStarting(_NOT_YET)
    if error.sqlstate in _DAMAGE_SQLSTATES or (error.sqlstate == _MISSING_FILE_SQLSTATE and _STORED.search(line)):
        return DatabaseDamaged(f"the database is damaged ({line}): {DAMAGE_REMEDY}")
    if unavailable:
        return DatabaseUnavailable(f"the database is not available ({line}): try again")
    return DatabaseError(f"the database refused a statement: {line}")


def _refusal(error: psycopg.Error) -> DatabaseUnavailable:
    """The error for a connection that was refused with `error`."""
    line = _first_line(error)
    if _LOST in str(error):
        return DatabaseUnavailable(f"the database is damaged ({line.strip()}): {DAMAGE_REMEDY}")
    if _STARTING.search(line):
        return DatabaseStarting(_NOT_YET)
    told = line.rpartition("FATAL:")[2].strip()
    if told.startswith(_OF_THE_HUB):
        return DatabaseUnavailable(told)
    if _REFUSED_LOGIN in told:
        return DatabaseUnavailable(f"the database refuses a connection ({told}): correct it in MAGICFS_DATABASE_URL")
    return DatabaseUnavailable(f"no database answers ({line}): run 'magicfs up', or check MAGICFS_DATABASE_URL")


def retry_on_conflict(transaction: Callable[[], T]) -> T:
    """The result of a transaction, which is run again after a conflict with another one.

    Raises `DatabaseConflict` when the last of `CONFLICT_TRIES` runs fails with it.
    """
    for _ in range(CONFLICT_TRIES - 1):
        try:
            return transaction()
        except DatabaseConflict as conflict:
            log.info("%s", conflict)
    return transaction()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def fetch_one(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    """The row of a statement that always returns one, such as `SELECT count(*)`. Raises `DatabaseError` without one."""
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise DatabaseError("the database returned no row where it always returns one")
    return row


@contextmanager
def row_by_row(connection: Connection) -> Iterator[None]:
    """Allow only plans that look rows up one by one through an index.

    During a bulk import, Postgres's statistics are old: it takes a table of thousands of rows for empty, and would
    read the whole table for each chunk.
    """
    settings = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
    connection.execute("SELECT set_config(name, 'off', true) FROM unnest(%s::text[]) AS name", (list(settings),))
    yield
    connection.execute("SELECT set_config(name, 'on', true) FROM unnest(%s::text[]) AS name", (list(settings),))


class Database:
    """A pool of connections. A context manager, which closes it."""

    def __init__(
        self,
        dsn: str,
        *,
        application: str,
        size: int = 1,
        connect_seconds: float = CONNECT_SECONDS,
        lazy_commit: bool = False,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """Prepare up to `size` connections, each of which is made when it is first needed.

        `application` is the name that `pg_stat_activity` shows. `connect_seconds` limits the wait for a connection
        (`DatabaseUnavailable`). A connection that is not needed for `idle_seconds` is closed.
        With `lazy_commit`, a commit returns before it is on disk: a crash of the server may lose the transactions of
        the last fraction of a second, but each one as a whole and none before an older one.
        """
        options = "-c synchronous_commit=off" if lazy_commit else ""
        self._dsn = dsn
        self._size = size
        self._in_use = 0
        self._lock = threading.Lock()
        self._refusal: psycopg.Error | None = None
        """Why the last connection was refused; None after one that was made."""
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
            connection_class=recording(self._record_refusal),
            reconnect_timeout=connect_seconds,
            max_idle=idle_seconds,
            name=application,
            kwargs=connection_options(dsn, application=application, connect_seconds=connect_seconds, options=options),
        )
        # The waiting caller gets an exception for a failed connection; the pool's warnings would repeat it.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        self._pool.open(wait=False)

    def transaction(self, deadline: Deadline | None = None) -> AbstractContextManager[Connection]:
        """A connection in a transaction, which is committed at the end of the block and rolled back on an exception.

        `deadline` limits the wait for the connection, and all statements together (`DeadlineExceeded`). Raises
        `DatabaseUnavailable`, and `SchemaError` when the schema is newer than this program.
        """
        return self._transaction(deadline)

    @contextmanager
    def _transaction(self, deadline: Deadline | None = None, *, autocommit: bool = False) -> Iterator[Connection]:
        with translate_errors():
            try:
                with self._take_connection(deadline, autocommit=autocommit) as connection:
                    require_not_newer(connection.schema_version)
                    yield connection
            except PoolTimeout as error:
                raise self._no_connection(deadline) from error
            except psycopg.errors.QueryCanceled as error:
                if deadline is None:
                    raise
                raise deadline.exceeded() from error

    def read(self, work: Callable[[Connection], T], deadline: Deadline) -> T:
        """What `work` reads on a connection that no round trip has checked, and on which every statement commits.

        If the connection turns out to be lost, `work` runs again on another one, which is checked. It compares the
        version of the schema itself. Raises as `transaction` does.
        """
        try:
            return self._read(work, deadline, is_checked=False)
        except DatabaseUnavailable as error:
            lost = error.__cause__
            if not isinstance(lost, psycopg.OperationalError) or isinstance(lost, PoolTimeout) or deadline.is_over():
                raise
        return self._read(work, deadline, is_checked=True)

    def _read(self, work: Callable[[Connection], T], deadline: Deadline, *, is_checked: bool) -> T:
        with translate_errors():
            try:
                with self._take_connection(deadline, is_checked=is_checked, autocommit=True) as connection:
                    # A limit of the server's would hold for one statement: the connection cancels one that is late.
                    connection.begin(deadline, sets_limits=False)
                    if is_checked:
                        require_not_newer(connection.schema_version)
                    return work(connection)
            except PoolTimeout as error:
                raise self._no_connection(deadline) from error
            except psycopg.errors.QueryCanceled as error:
                raise deadline.exceeded() from error

    @contextmanager
    def _take_connection(
        self, deadline: Deadline | None, *, is_checked: bool = True, autocommit: bool = False
    ) -> Iterator[PooledConnection]:
        seconds = self._pool.timeout if deadline is None else min(self._pool.timeout, deadline.seconds_left())
        self._caller.deadline = Deadline(seconds) if deadline else None
        self._caller.is_checked = is_checked
        with self._pool.connection(timeout=seconds) as connection:
            self._count_in_use(1)
            try:
                connection.begin(deadline)
                # A connection stays as it was left: else each search would set and reset it twice.
                if connection.autocommit != autocommit:
                    connection.autocommit = autocommit
                yield connection
            finally:
                connection.end()
                self._count_in_use(-1)

    def _check(self, connection: PooledConnection) -> None:
        if self._caller.is_checked:
            connection.check_alive(self._caller.deadline)

    def _record_refusal(self, error: psycopg.Error | None) -> None:
        self._refusal = error

    def _count_in_use(self, change: int) -> None:
        with self._lock:
            self._in_use += change

    def _no_connection(self, deadline: Deadline | None) -> DatabaseUnavailable:
        """The error of a caller that waited for a connection in vain."""
        if self._in_use >= self._size:
            in_use = "its one connection" if self._size == 1 else f"all its {self._size} connections"
            verb = "is" if self._size == 1 else "are"
            return DatabaseUnavailable(f"{in_use} to the database {verb} in use: try again")
        if deadline is not None and deadline.is_over():
            return DatabaseUnavailable(_NOT_IN_TIME)
        if self._refusal is not None:
            return _refusal(self._refusal)
        try:
            psycopg.connect(self._dsn, connect_timeout=SHORTEST_CONNECT_SECONDS).close()
        except psycopg.errors.ConnectionTimeout:
            return DatabaseUnavailable(_HANGS)
        except psycopg.Error as error:
            return _refusal(error)
        return DatabaseUnavailable(_NOT_IN_TIME)

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection on which every statement commits, for statements that Postgres refuses inside a transaction."""
        with self._transaction(autocommit=True) as connection:
            yield connection

    def listen(self) -> Listener:
        """What waits for announcements of changed roots. It has a connection of its own, besides those of the pool."""
        return Listener(self._dsn, application=self._pool.name)

    def close_idle_connections(self) -> None:
        """Close the idle connections. The pool makes new ones when they are needed."""
        self._pool.drain()

    def close(self) -> None:
        """Close all connections. One that is still being made is not waited for."""
        self._pool.close(timeout=CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
