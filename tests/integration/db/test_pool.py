"""The translation of Postgres's errors, and the retry after a conflict."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from magicfs.db import interruptible_pool
from magicfs.db.cluster.roots import database_time
from magicfs.db.interruptible_pool import GIVE_UP_SECONDS
from magicfs.db.pool import CONFLICT_TRIES, Database, retry_on_conflict
from magicfs.db.storage import require_writable
from magicfs.errors import DatabaseConflict, DatabaseDamaged, DatabaseError, DatabaseUnavailable
from magicfs.gateway.tunnel import CANNOT_CONNECT, error_response
from magicfs.runtime.processes import wait_until
from tests.plugins.commands import short_folder

SOON_SECONDS = 0.05
"""Instead of GIVE_UP_SECONDS, where a test lets it pass."""


def raised(state: str, line: str = "raised by a test") -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION '{line}' USING ERRCODE = '{state}'; END $$"


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("40P01", DatabaseConflict),
        ("40001", DatabaseConflict),
        ("23505", DatabaseConflict),
        ("23503", DatabaseConflict),
        ("53100", DatabaseUnavailable),
        ("53300", DatabaseUnavailable),
        ("57P03", DatabaseUnavailable),
        ("25006", DatabaseUnavailable),
        ("XX001", DatabaseDamaged),
        ("XX002", DatabaseDamaged),
        ("58P01", DatabaseError),
        ("23514", DatabaseError),
        ("54000", DatabaseError),
        ("22003", DatabaseError),
    ],
)
def test_an_error_says_whether_another_try_may_help(database: Database, state: str, kind: type[DatabaseError]) -> None:
    with pytest.raises(DatabaseError, match="raised by a test") as caught, database.transaction() as connection:
        connection.execute(raised(state).encode())
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("state", "line", "remedy"),
    [
        ("53100", "could not extend file: No space left on device", "make room"),
        ("53100", "could not resize shared memory segment: No space left on device", "give its container more"),
        ("XX000", "could not create temporary file: No space left on device", "make room"),
        ("XX000", "could not extend file: Disk quota exceeded", "make room"),
        ("42501", "could not open file: Read-only file system", "mount it to be written"),
        ("58030", "could not fsync file: Input/output error", "another disk"),
    ],
)
def test_a_disk_that_takes_nothing_is_no_fault_of_a_statement(
    database: Database, state: str, line: str, remedy: str
) -> None:
    """Workers would count attempts otherwise, and quarantine files that are in order."""
    with pytest.raises(DatabaseUnavailable, match=remedy), database.transaction() as connection:
        connection.execute(raised(state, line).encode())


def test_a_text_about_a_disk_is_not_taken_for_one(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught, database.transaction() as connection:
        connection.execute(raised("22P02", "No space left on device").encode())
    assert type(caught.value) is DatabaseError


def test_a_connection_to_a_server_that_has_become_read_only_is_not_lent_again(database: Database) -> None:
    def pid() -> int:
        with database.transaction() as connection:
            return connection.info.backend_pid

    before = pid()
    assert pid() == before
    with pytest.raises(DatabaseUnavailable, match="MAGICFS_DATABASE_URL"), database.transaction() as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute("CREATE TABLE refused (id integer)")
    assert pid() != before


def test_times_are_read_of_a_database_with_another_style_of_dates(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET datestyle = 'German, DMY'".encode())
    database.close_idle_connections()
    with database.transaction() as connection:
        assert database_time(connection).tzinfo is not None


def test_a_server_that_takes_no_writes_is_told_before_anything_is_written(database: Database) -> None:
    with database.transaction() as connection:
        require_writable(connection)
        connection.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(DatabaseUnavailable, match=r"read-only \(it was made so\): name the primary"):
            require_writable(connection)


def test_one_of_two_transactions_that_wait_for_each_other_is_in_conflict(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("CREATE TABLE pair AS SELECT id FROM generate_series(1, 2) AS id")
    both = threading.Barrier(2)
    outcomes: list[str] = []

    def update(first: int, second: int) -> None:
        try:
            with database.transaction() as connection:
                connection.execute("UPDATE pair SET id = id WHERE id = %s", (first,))
                both.wait(60)
                connection.execute("UPDATE pair SET id = id WHERE id = %s", (second,))
            outcomes.append("done")
        except DatabaseConflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=update, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", "done"]


def test_a_conflict_is_tried_again_a_few_times(database: Database) -> None:
    tries = []

    def conflicting() -> str:
        tries.append(1)
        if len(tries) < CONFLICT_TRIES:
            raise DatabaseConflict("a conflict")
        return "done"

    assert retry_on_conflict(conflicting) == "done"
    tries.clear()

    def always() -> str:
        tries.append(1)
        raise DatabaseConflict("a conflict")

    with pytest.raises(DatabaseConflict):
        retry_on_conflict(always)
    assert len(tries) == CONFLICT_TRIES


def test_a_wait_for_a_database_that_is_gone_ends_when_the_process_stops_and_leaves_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    with Database(f"postgresql:///gone?host={tmp_path}", application="test", connect_seconds=2) as database:
        database.give_up_once(stop.is_set)
        with pytest.raises(DatabaseUnavailable), database.transaction():
            pass
        waiting, _ = database.pool.requests()
        assert waiting <= 1, "an outage of hours would fill the memory"
    with Database(f"postgresql:///gone?host={tmp_path}", application="test", connect_seconds=600) as database:
        database.give_up_once(stop.is_set)
        stop.set()
        with pytest.raises(DatabaseUnavailable), database.transaction():
            pass


def test_who_has_waited_for_a_while_gets_a_connection_that_is_returned(database_url: str) -> None:
    with Database(database_url, application="test", size=1, connect_seconds=60) as database:
        database.give_up_once(lambda: False)
        waits, done = threading.Event(), threading.Event()

        def wait_for_it() -> None:
            waits.set()
            with database.transaction():
                done.set()

        waiting = threading.Thread(target=wait_for_it)
        with database.transaction():
            waiting.start()
            waits.wait(60)
            assert not done.wait(3 * GIVE_UP_SECONDS)
        with database.transaction():
            assert done.is_set(), "who asks later gets it later"
        waiting.join(60)


def test_each_that_waits_for_a_far_server_gets_a_connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = vars(psycopg.Connection)["connect"].__func__

    def connect_from_afar(cls: type[psycopg.Connection[Any]], *arguments: Any, **options: Any) -> object:
        time.sleep(6 * SOON_SECONDS)
        return connect(cls, *arguments, **options)

    monkeypatch.setattr(interruptible_pool, "GIVE_UP_SECONDS", SOON_SECONDS)
    monkeypatch.setattr(interruptible_pool, "GIVE_UP_CONNECTS", 0)
    monkeypatch.setattr(psycopg.Connection, "connect", classmethod(connect_from_afar))
    number = 3
    with Database(database_url, application="test", size=number, connect_seconds=30) as database:
        database.give_up_once(lambda: False)
        all_have_one = threading.Barrier(number)

        def work() -> None:
            with database.transaction():
                all_have_one.wait(60)

        with ThreadPoolExecutor(number) as threads:
            for working in [threads.submit(work) for _ in range(number)]:
                working.result()


def test_a_pool_that_is_closed_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruptible_pool, "GIVE_UP_SECONDS", SOON_SECONDS)
    began = time.monotonic()
    with (
        Database(f"postgresql:///gone?host={tmp_path}", application="test", connect_seconds=120) as database,
        ThreadPoolExecutor(1) as threads,
    ):
        database.give_up_once(lambda: False)
        waiting = threads.submit(database.run_in_transaction, lambda _: None)
        wait_until(lambda: database.pool.requests()[1] > 0, seconds=60, failed="no wait")
        database.close()
        with pytest.raises(DatabaseError):
            waiting.result()
    assert time.monotonic() - began < 60


HUB_IS_OFF = "the hub h:7420 cannot be reached: it is off"
REFUSALS = {
    HUB_IS_OFF: HUB_IS_OFF,
    'password authentication failed for user "x"': (
        'the database refuses a connection (password authentication failed for user "x"): '
        "correct it in MAGICFS_DATABASE_URL"
    ),
    'too many connections for role "x"': (
        'the database takes no more connections (too many connections for role "x"): end what else is connected, or '
        "raise max_connections or the limit of the role"
    ),
}


@pytest.fixture
def refusing_once(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The folder of the socket of a server that refuses the first connection, and answers no other one."""
    with short_folder() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / ".s.PGSQL.5432"))
        server.listen()

        def refuse() -> None:
            with suppress(OSError), server.accept()[0] as first:
                first.recv(4096)
                first.sendall(error_response(request.param, sqlstate=CANNOT_CONNECT))

        refusing = threading.Thread(target=refuse)
        refusing.start()
        yield folder
        refusing.join()


@pytest.mark.parametrize(
    ("refusing_once", "told"), REFUSALS.items(), indirect=["refusing_once"], ids=["hub", "password", "limit"]
)
def test_the_last_refusal_is_told_where_nothing_answers_since(refusing_once: Path, told: str) -> None:
    dsn = f"host={refusing_once} user=x dbname=x"
    with (
        Database(dsn, application="test", connect_seconds=1.5) as database,
        pytest.raises(DatabaseUnavailable, match=f"^{re.escape(told)}$"),
        database.transaction(),
    ):
        pass
