"""Connections to Postgres, and the one place where the driver's errors become ours.

A `Database` belongs to one process: it is opened after any fork. Its methods may be called from several
threads, each of which then has a connection of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, DeadlineExceeded

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
"""What the query functions take: a connection inside a transaction."""

Result = TypeVar("Result")

SHORTEST_CONNECT_SECONDS = 2
"""libpq waits no shorter."""

CONNECT_SECONDS = 10
"""Longest wait for a connection: a restart of Postgres takes about two."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn psycopg's errors into ours."""
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise DeadlineExceeded("the database took too long over a query") from error
    except psycopg.Error as error:
        raise _translation(error) from error


_IN_THE_WAY = ("40", "23503", "23505", "55P03")
"""How the SQLSTATEs begin of what another transaction brings about: a deadlock, a row that came or went meanwhile."""
_AWAY = ("08", "53", "57P")
"""... of a server that is not there, that stops or starts, or that has run out of connections, memory or disk."""

CONFLICT_TRIES = 3


def _translation(error: psycopg.Error) -> DatabaseError:
    line = _first_line(error)
    # Postgres tells by its states; the driver's classes say less: to them, a deadlock is a server that went away.
    if error.sqlstate is None:
        away = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    else:
        away = error.sqlstate.startswith(_AWAY)
        if error.sqlstate.startswith(_IN_THE_WAY):
            return DatabaseConflict(f"another transaction was in the way ({line}): try again")
    if away:
        return DatabaseUnavailable(f"the database went away ({line}): try again")
    return DatabaseError(f"the database refused a statement: {line}")


def retry_on_conflict(transaction: Callable[[], Result]) -> Result:
    """Run a transaction; a few times, should another one be in its way. Raises `DatabaseConflict` in the end."""
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
    """The row of a statement that always gives one, such as `INSERT ... RETURNING`."""
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise DatabaseError("the database gave no row where it always gives one")
    return row


class Database:
    """A pool of connections. Use as a context manager, or call `close`."""

    def __init__(
        self,
        dsn: str,
        *,
        application: str,
        size: int = 1,
        statement_seconds: float | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        lazy_commit: bool = False,
    ) -> None:
        """Prepare up to `size` connections; the first one is made when it is needed.

        `application` is the name that `pg_stat_activity` shows. `statement_seconds` bounds every statement
        (`DeadlineExceeded`), `connect_seconds` the wait for a connection (`DatabaseUnavailable`).
        `lazy_commit` returns from a commit before it is on disk: a crash of the server may undo the last
        fraction of a second, but never a part of a transaction or one before another.
        """
        options = f"-c statement_timeout={int(statement_seconds * 1000)}" if statement_seconds else ""
        if lazy_commit:
            options += " -c synchronous_commit=off"
        self._dsn = dsn
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn,
            min_size=0,
            max_size=size,
            timeout=connect_seconds,
            open=False,
            configure=_configure,
            check=ConnectionPool.check_connection,
            reconnect_timeout=connect_seconds,
            name=application,
            kwargs={
                "application_name": f"magicfs {application}",
                "connect_timeout": int(connect_seconds) or 1,
                "options": options,
            },
        )
        # Failures to connect are reported to the caller who waits; the pool's own warnings would repeat them.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        self._pool.open(wait=False)

    def transaction(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction: committed on leaving, rolled back on an exception."""
        return self._transaction()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with translate_errors():
            try:
                with self._pool.connection() as connection:
                    yield connection
            except PoolTimeout as error:
                raise DatabaseUnavailable(
                    f"no database answers ({self._why_unreachable()}): run 'magicfs up', or check MAGICFS_DATABASE_URL"
                ) from error

    def _why_unreachable(self) -> str:
        """What one more try to connect runs into: the pool keeps its failures to itself."""
        try:
            psycopg.connect(self._dsn, connect_timeout=SHORTEST_CONNECT_SECONDS).close()
        except psycopg.Error as error:
            return _first_line(error)
        return "all connections are in use"

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection on which every statement is a transaction: for what Postgres does only outside of one."""
        with self._transaction() as connection:
            connection.autocommit = True
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.autocommit = False

    def close_idle_connections(self) -> None:
        """Replace the connections that are idle now."""
        self._pool.drain()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _configure(connection: Connection) -> None:
    """Teach a new connection about vectors, once the extension is there (before the first migration it is not)."""
    if connection.execute("SELECT to_regtype('halfvec') IS NOT NULL").fetchone() == (True,):
        register_vector(connection)
    connection.commit()


def create_database_if_missing(admin_dsn: str, *, name: str) -> None:
    """Create the database `name` on the server at `admin_dsn`; harmless when it exists."""
    with (
        translate_errors(),
        psycopg.connect(admin_dsn, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection,
    ):
        row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if row is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
