"""Connections to Postgres, lent for a transaction each.

Every process that talks to Postgres opens one `Database`, after any fork. Several threads may share it; each of them
gets a connection of its own. A program that runs since before an upgrade does not write to the newer schema: each
transaction begins with a check of the schema's version, in the round trip that checks the connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from psycopg_pool import PoolTimeout

from magicfs.db.connection import PooledConnection
from magicfs.db.errors import translate_errors
from magicfs.db.interruptible_pool import InterruptiblePool
from magicfs.db.listener import Listener
from magicfs.db.schema import require_not_newer
from magicfs.domain.deadline import Deadline
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
"""A connection inside a transaction: the first argument of every query function."""

T = TypeVar("T")

CONNECT_SECONDS = 10
"""The longest wait for a connection. A restart of Postgres takes about two seconds."""

IDLE_SECONDS = 600.0
"""A search after a pause should not wait for a new connection."""

WHOLE_TABLE_PLANS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""The settings of plans that read whole tables. During a bulk import, Postgres's statistics are old: it takes a table
of thousands of rows for empty, and would read the whole table for each chunk."""

CONFLICT_TRIES = 3
"""How often `retry_on_conflict` runs a transaction at most."""


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


def fetch_one(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    """The row of a statement that always returns one, such as `SELECT count(*)`. Raises `DatabaseError` without one."""
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise DatabaseError("the database returned no row where it always returns one")
    return row


@contextmanager
def row_by_row(connection: Connection) -> Iterator[None]:
    """Allow only plans that look rows up one by one through an index."""
    settings = (list(WHOLE_TABLE_PLANS),)
    connection.execute("SELECT set_config(name, 'off', true) FROM unnest(%s::text[]) AS name", settings)
    yield
    connection.execute("SELECT set_config(name, 'on', true) FROM unnest(%s::text[]) AS name", settings)


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
        self.pool = InterruptiblePool(
            dsn,
            application=application,
            size=size,
            connect_seconds=connect_seconds,
            idle_seconds=idle_seconds,
            options=options,
        )

    @property
    def connected_in_s(self) -> float:
        """How many seconds it took to make the last connection: over a far network, some round trips take seconds."""
        return self.pool.connected_in_s

    def give_up_once(self, is_stopping: Callable[[], bool]) -> None:
        """Once `is_stopping` returns True, nobody waits for a connection: a process ends also without a database.

        Any thread calls `is_stopping`, several times a second while it waits.
        """
        self.pool.give_up_once(is_stopping)

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
                raise self.pool.no_connection(deadline) from error
            except psycopg.errors.QueryCanceled as error:
                if deadline is None:
                    raise
                raise deadline.exceeded() from error

    def run_in_transaction(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns in a transaction, which is run again after a conflict with another one.

        Raises as `retry_on_conflict` and `transaction` do.
        """

        def transaction() -> T:
            with self.transaction() as connection:
                return work(connection)

        return retry_on_conflict(transaction)

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
                raise self.pool.no_connection(deadline) from error
            except psycopg.errors.QueryCanceled as error:
                raise deadline.exceeded() from error

    @contextmanager
    def _take_connection(
        self, deadline: Deadline | None, *, is_checked: bool = True, autocommit: bool = False
    ) -> Iterator[PooledConnection]:
        with self.pool.lend(deadline, is_checked=is_checked) as connection:
            try:
                connection.begin(deadline)
                # A connection stays as it was left: else each search would set and reset it twice.
                if connection.autocommit != autocommit:
                    connection.autocommit = autocommit
                yield connection
            except psycopg.errors.ReadOnlySqlTransaction:
                # The server has become a replica, and its address may lead to another one by now.
                connection.close()
                raise
            finally:
                connection.end()

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection on which every statement commits, for statements that Postgres refuses inside a transaction."""
        with self._transaction(autocommit=True) as connection:
            yield connection

    def listen(self) -> Listener:
        """What waits for announcements of changed roots. It has a connection of its own, besides those of the pool."""
        return Listener(self._dsn, application=self.pool.application)

    def close_idle_connections(self) -> None:
        """Close the idle connections. The pool makes new ones when they are needed."""
        self.pool.close_idle()

    def close(self) -> None:
        """Close all connections. One that is still being made is not waited for."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
