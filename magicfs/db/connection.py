"""A connection to Postgres that knows a deadline, the version of the schema, and soon notices a dead peer.

`magicfs.db.interruptible_pool` makes and lends them; the query functions get one inside a transaction. A peer is dead
when its network is gone and nobody says so. The kernels at both ends give up a TCP connection after about fifteen
seconds of silence: here so that a process goes on, at the server so that no lock outlives its owner. A transaction with
a deadline does not wait so long. A connection is used by one thread at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any, Self, TypeVar

import psycopg
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict
from psycopg.types import TypeInfo
from psycopg_pool import ConnectionPool

from magicfs.db.queries import array_text
from magicfs.domain.deadline import Deadline

T = TypeVar("T")

_SET_LOCALLY = "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)"

_FIND_SCHEMA = """
SELECT to_regclass('schema_migrations') IS NOT NULL, oid::bigint, typarray::bigint
FROM (VALUES (to_regtype('halfvec'))) AS named (type) LEFT JOIN pg_type ON oid = type
"""
"""Whether there is a schema, and the numbers of the type of vectors and of its arrays."""

_PLAN_ONCE = "SELECT set_config('plan_cache_mode', 'force_generic_plan', false)"
_PLAN_BY_VALUES = "SELECT set_config('plan_cache_mode', 'auto', false)"

DEADLINE_TOLERANCE_SECONDS = 0.05
"""A statement may outlast the deadline by this time: setting its limit exactly takes another round trip."""

ANSWER_SECONDS = 0.5
"""How long after the deadline the server may report that it has cancelled a statement. Then the connection is dead."""

TCP_OPTIONS = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
"""libpq's options by which the kernel notices a dead peer: seconds, seconds, probes, milliseconds."""

SERVER_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
        "tcp_user_timeout": 15_000,
        "datestyle": "ISO",
    }.items()
)
"""The same for the server's end, which else waits for hours. A connection by a unix socket ignores both. psycopg reads
no other style of dates, which a server or a role may have."""

SHORTEST_CONNECT_SECONDS = 2
"""The shortest wait for a connection: the minimum that libpq accepts."""


def connection_options(dsn: str, *, application: str, connect_seconds: float, options: str = "") -> dict[str, Any]:
    """The parameters of every connection that lasts, as libpq has them, besides the address `dsn`.

    `application` is the name that `pg_stat_activity` shows, `options` are more settings for the server. An address that
    sets an option of `TCP_OPTIONS` itself keeps it.
    """
    try:
        own = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Who connects reports it.
        own = {}
    return {name: value for name, value in TCP_OPTIONS.items() if name not in own} | {
        "application_name": f"magicfs {application}",
        "connect_timeout": int(connect_seconds) or 1,
        "options": f"{SERVER_OPTIONS} {options}",
    }


class PooledConnection(psycopg.Connection[Any]):
    """A connection, and what its last check found."""

    has_schema: bool = False
    """Whether the database had a schema when the connection was made."""
    vector_type: TypeInfo | None = None
    """The type of stored vectors; None where the database did not have it when the connection was made."""
    schema_version: int | None = None
    _deadline: Deadline | None = None
    _answer_deadline: Deadline | None = None
    """When the server must have answered."""
    _statement_seconds: float | None = None
    """The limit of a statement that this transaction has set."""
    _sets_limits: bool = True
    _has_sent_cancel: bool = False
    _plans_once: bool | None = False
    """Whether this session plans a statement once, and not for the values of each execution; None if not known."""

    def begin(self, deadline: Deadline | None, *, sets_limits: bool = True) -> None:
        """Check `deadline` before each statement of the transaction that begins now, and while one is not answered.

        Without `sets_limits`, no statement of its own gives the others a limit at the server: one that is not answered
        when the deadline is over is cancelled from here.
        """
        self._deadline = self._answer_deadline = deadline
        self._statement_seconds = None
        self._sets_limits = sets_limits

    def end(self) -> None:
        """Close the connection if a cancel was sent for one of its statements.

        The statement may have ended before the cancel arrives, which would end the next one.
        """
        if self._has_sent_cancel:
            self.close()

    def plan_statements(self, *, once: bool) -> None:
        """Plan statements that are prepared once from now on, or for the values of each execution.

        Planning a statement of a search takes as long as executing it. A statement is sent only where this changes.
        """
        if self._plans_once != once:
            super().execute(_PLAN_ONCE if once else _PLAN_BY_VALUES)
            self._plans_once = once

    def check_alive(self, deadline: Deadline | None) -> None:
        """Check that the connection works, and read the version of the schema. The pool replaces one that fails.

        A check may not raise `SchemaError`, because the pool would try again until its timeout.
        """
        self._deadline, self._answer_deadline = None, deadline
        if not self.has_schema:
            ConnectionPool.check_connection(self)
            return
        self.autocommit = True
        row = self.execute("SELECT max(version) FROM schema_migrations", prepare=True).fetchone()
        self.schema_version = row[0] if row else None
        self.autocommit = False

    def execute(
        self, query: Any, params: Params | None = None, *, prepare: bool | None = None, binary: bool = False
    ) -> psycopg.Cursor[Any]:
        """Execute a statement as psycopg does, within the deadline. Raises `DeadlineExceeded`."""
        if self._deadline is not None:
            seconds = self._deadline.seconds_left()
            if self._sets_limits:
                self._limit_statement(seconds)
        return super().execute(query, params, prepare=prepare, binary=binary)

    def _limit_statement(self, seconds: float) -> None:
        """Give the next statement `seconds` seconds, unless the limit that is set is about the same."""
        if self._statement_seconds is None or self._statement_seconds - seconds > DEADLINE_TOLERANCE_SECONDS:
            milliseconds = max(1, int(seconds * 1000))
            super().execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))
            self._statement_seconds = seconds

    def commit(self) -> None:
        """Commit as psycopg does. The limit that the transaction has set for a statement ends with it."""
        self._statement_seconds = None
        super().commit()

    def rollback(self) -> None:
        """Roll back as psycopg does: a setting of the session that was made in the transaction is taken back too."""
        self._statement_seconds = self._plans_once = None
        super().rollback()

    def set_locally(self, settings: Mapping[str, str]) -> None:
        """Set settings of the server until the transaction ends, and the limit of its statements, in one statement.

        Raises `DeadlineExceeded`.
        """
        values = dict(settings)
        if self._deadline is not None:
            self._statement_seconds = self._deadline.seconds_left()
            values["statement_timeout"] = str(max(1, int(self._statement_seconds * 1000)))
        super().execute(_SET_LOCALLY, (array_text(values), array_text(values.values())))

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Wait for the server as psycopg does. Closes the connection and raises when the answer is overdue."""
        if self._answer_deadline is not None:
            gen = self._until_overdue(gen, self._answer_deadline)
        return super().wait(gen, *args, **kwargs)

    def _until_overdue(self, gen: Generator[Any, Any, T], deadline: Deadline) -> Generator[Any, Any, T]:
        """Pass on what `gen` waits for. psycopg says every tenth of a second that nothing has come."""
        is_cancelled = self._sets_limits
        try:
            awaited = next(gen)
            while True:
                came = yield awaited
                if not came and not is_cancelled and deadline.is_over():
                    is_cancelled = self._has_sent_cancel = True
                    # Where even that gets no answer, the connection is closed below.
                    with suppress(psycopg.Error):
                        self.cancel_safe(timeout=ANSWER_SECONDS)
                if not came and deadline.is_over(for_s=ANSWER_SECONDS):
                    self.close()
                    raise psycopg.OperationalError("it does not answer in time")
                awaited = gen.send(came)
        except StopIteration as end:
            result: T = end.value
            return result


def recording(record: Callable[[psycopg.Error | float], None]) -> type[PooledConnection]:
    """The class of connections whose last refusal is recorded, or in how many seconds the last one was made.

    A pool does not say why it has no connection. One that was not answered in time is no refusal.
    """

    class Recorded(PooledConnection):
        @classmethod
        def connect(cls, *arguments: Any, **options: Any) -> Self:
            began = time.monotonic()
            try:
                connection = super().connect(*arguments, **options)
            except psycopg.errors.ConnectionTimeout:
                raise
            except psycopg.Error as error:
                record(error)
                raise
            record(time.monotonic() - began)
            return connection

    return Recorded


def set_locally(connection: psycopg.Connection[Any], settings: Mapping[str, str]) -> None:
    """Set settings of the server until the transaction ends, in one statement."""
    if isinstance(connection, PooledConnection):
        connection.set_locally(settings)
    else:
        connection.execute(_SET_LOCALLY, (array_text(settings), array_text(settings.values())))


def plan_statements(connection: psycopg.Connection[Any], *, once: bool) -> None:
    """Plan statements that are prepared once from now on, or for the values of each execution."""
    if isinstance(connection, PooledConnection):
        connection.plan_statements(once=once)


def configure(connection: PooledConnection) -> None:
    """Find out what the database of a new connection has, in one round trip: a transaction takes three."""
    connection.autocommit = True
    found = connection.execute(_FIND_SCHEMA).fetchone()
    connection.has_schema, *numbers = found or (False,)
    if all(numbers):
        connection.vector_type = TypeInfo("halfvec", *numbers)
    connection.autocommit = False


def accept_vectors(connection: psycopg.Connection[Any]) -> None:
    """Let the parameters of this connection's statements be vectors.

    Most processes never have one: numpy, which each of them would keep in 8 MB, is imported with the first.
    """
    if getattr(connection, "accepts_vectors", False):
        return
    from pgvector.psycopg import register_vector
    from pgvector.psycopg.halfvec import register_halfvec_info

    known = getattr(connection, "vector_type", None)
    if known is not None:
        register_halfvec_info(connection, known)
    else:
        # Rarely: it takes twelve round trips.
        register_vector(connection)
    setattr(connection, "accepts_vectors", True)  # noqa: B010  it may be another class
