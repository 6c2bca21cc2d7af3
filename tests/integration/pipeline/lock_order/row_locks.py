"""Row locks of Postgres under which tests let transactions begin, until they wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString

from magicfs.db.pool import Connection
from tests.plugins.index import Index
from tests.plugins.waiting import eventually

WAIT_SECONDS = 60.0

WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def count(connection: Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def waiting_backends(connection: Connection) -> int:
    """How many backends of this database wait for a lock now."""
    # A transaction keeps what it once read from the view.
    connection.execute("SELECT pg_stat_clear_snapshot()")
    return count(connection, WAITING)


@dataclass
class Blocked:
    """Transactions that run in threads while a row is locked."""

    holder: Connection
    """The connection that locks the row."""
    threads: list[threading.Thread] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def begin(self, work: Callable[[], object]) -> None:
        """Run `work` in a thread until it waits for a lock, or ends because it needs none of these rows."""

        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised by `locked`
                self.errors.append(error)

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        self.wait_for_lock_or_end(thread, thread.start)

    def wait_for_lock_or_end(self, thread: threading.Thread, go_on: Callable[[], None]) -> None:
        """Let a thread go on until one more backend waits for a lock, or until the thread ends."""
        before = waiting_backends(self.holder)
        go_on()
        eventually(
            lambda: not thread.is_alive() or waiting_backends(self.holder) > before,
            "a transaction that waits for a lock",
        )


@contextmanager
def locked(index: Index, query: str, *values: object) -> Iterator[Blocked]:
    """Lock one row while transactions begin. They go on when the block ends, and their errors are raised then."""
    with index.database.transaction() as connection:
        assert connection.execute(query, values).rowcount == 1
        blocked = Blocked(connection)
        yield blocked
    for thread in blocked.threads:
        thread.join()
    if blocked.errors:
        raise blocked.errors[0]
