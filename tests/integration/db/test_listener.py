"""A listener wakes up when roots have changed, and only then; it outlives its connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from magicfs.db import listener as listener_module
from magicfs.db.cluster import roots as roots_db
from magicfs.db.listener import Listener
from magicfs.db.pool import Connection, Database
from magicfs.domain.ids import RootId
from magicfs.domain.roots import Root, RootState
from magicfs.runtime.processes import wait_until

LONG_SECONDS = 3600.0


@pytest.fixture
def listener(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A listener that is connected."""
    # A server that is slow to accept a connection is no missing one.
    monkeypatch.setattr(listener_module, "SHORTEST_CONNECT_SECONDS", 60)
    with database.listen() as listener:
        listener.wait(LONG_SECONDS)
        yield listener


@contextmanager
def woken(listener: Listener) -> Iterator[threading.Event]:
    """An event that is set when the listener's `wait` has returned, which it has at the end of the block."""
    returned = threading.Event()

    def wait() -> None:
        listener.wait(LONG_SECONDS)
        returned.set()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield returned
        assert returned.wait(60), "nothing wakes the listener"
    finally:
        listener.interrupt()
        thread.join()


def insert_root(connection: Connection, name: str = "docs") -> RootId:
    host = roots_db.ensure_host(connection, name="here")
    path = b"/" + name.encode()
    return roots_db.insert_root(connection, host=host, path=path, name=name, folded=name, device=1)


CHANGES: dict[str, Callable[[Connection, RootId], object]] = {
    "new": lambda connection, _: insert_root(connection, "other"),
    "removed": roots_db.delete_root,
    "missing": lambda connection, root: roots_db.set_root_state(
        connection, root, state=RootState.MISSING, detail="it is gone"
    ),
    "moved": lambda connection, root: roots_db.set_place(connection, Root(root, "here", b"/r", "r", 2)),
    "a scan is wanted": lambda connection, _: roots_db.request_scan(connection, host="here"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_roots_is_announced_when_it_is_committed(
    database: Database, listener: Listener, change: str
) -> None:
    with database.transaction() as connection:
        root = insert_root(connection)
    listener.wait(LONG_SECONDS)
    with woken(listener) as returned, database.transaction() as connection:
        CHANGES[change](connection, root)
        assert not returned.wait(0.2)


def test_a_state_that_stays_the_same_is_not_announced(database: Database, listener: Listener) -> None:
    with database.transaction() as connection:
        root = insert_root(connection)
    listener.wait(LONG_SECONDS)
    with woken(listener) as returned:
        with database.transaction() as connection:
            roots_db.set_root_state(connection, root, state=RootState.PRESENT, detail=None)
        assert not returned.wait(0.2)
        listener.interrupt()


def test_an_interrupt_before_the_wait_ends_it(listener: Listener) -> None:
    listener.interrupt()
    listener.wait(LONG_SECONDS)


def test_a_lost_connection_is_replaced(database: Database, listener: Listener) -> None:
    with database.transaction() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE '%listener' AND datname = current_database()"
        )
    listener.wait(LONG_SECONDS)
    # A new connection says nothing of what was announced before: whoever waits has to look.
    listener.wait(LONG_SECONDS)
    with woken(listener), database.transaction() as connection:
        insert_root(connection)


def test_without_a_database_a_listener_waits_for_an_interrupt() -> None:
    with (
        Listener("postgresql:///nothing?host=/nonexistent", application="test") as listener,
        woken(listener) as returned,
    ):
        assert not returned.wait(0.2)
        listener.interrupt()


def test_a_listener_that_is_closed_leaves_no_connection(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "SHORTEST_CONNECT_SECONDS", 60)
    with database.listen() as listener:
        listener.wait(LONG_SECONDS)

    def listeners() -> int:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE application_name LIKE '%listener' AND datname = current_database()"
            ).fetchone()
        return int(row[0]) if row else -1

    wait_until(lambda: listeners() == 0, seconds=60, failed="the connection stays open")
