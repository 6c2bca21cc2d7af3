"""The deadline of a search: it holds for all statements together, and for the wait for a connection."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from magicfs.db import connection as connection_module
from magicfs.db.connection import TCP_OPTIONS, PooledConnection, plan_statements
from magicfs.db.pool import Database, fetch_one
from magicfs.domain.deadline import Deadline
from magicfs.errors import DatabaseUnavailable, DeadlineExceeded
from magicfs.search.service import SearchService
from magicfs.state_directory.home import POSTGRES_SOCKET
from tests.integration.search.corpus import ChosenVectors, Corpus

IN_TIME_SECONDS = 30.0
"""What a deadline of a few seconds ends takes less, on a busy machine too."""

ENDLESS = "SELECT pg_sleep(120)"


@contextmanager
def ends_in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < IN_TIME_SECONDS


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is slow to report what it has cancelled does not count as dead."""
    monkeypatch.setattr(connection_module, "ANSWER_SECONDS", IN_TIME_SECONDS)


def connect(database: Database) -> None:
    """Make a connection before a deadline begins: that takes long on a busy machine."""
    with database.transaction():
        pass


@pytest.mark.usefixtures("patient")
def test_many_short_statements_do_not_outlast_the_deadline(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    Corpus(database).add(b"a.txt", "an invoice")
    service = SearchService(database, ChosenVectors(), default_limit=10)
    service.search("invoice", deadline_s=60)
    execute = psycopg.Connection.execute

    def slow(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        time.sleep(0.8)
        return execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", slow)
    with ends_in_time(), pytest.raises(DeadlineExceeded, match="took too long: try again"):
        service.search("invoice", deadline_s=2.0)


@pytest.mark.usefixtures("patient")
def test_a_long_statement_gets_what_the_others_have_left(database: Database) -> None:
    connect(database)
    with (
        ends_in_time(),
        pytest.raises(DeadlineExceeded, match="took too long: try again"),
        database.transaction(Deadline(2.0)) as connection,
    ):
        connection.execute("SELECT pg_sleep(0.7)")
        connection.execute(ENDLESS)


@pytest.mark.usefixtures("patient")
def test_a_late_statement_of_a_reader_is_cancelled(database_url: str) -> None:
    with Database(database_url, application="test", size=1) as one:
        connect(one)
        with ends_in_time(), pytest.raises(DeadlineExceeded, match="took too long: try again"):
            one.read(lambda connection: connection.execute(ENDLESS), Deadline(2.0))
        assert one.read(lambda connection: fetch_one(connection.execute("SELECT 1")), Deadline(60)) == (1,)


@pytest.mark.usefixtures("patient")
def test_a_cancel_that_comes_late_ends_no_other_search(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[psycopg.pq.abc.PGcancel] = []
    monkeypatch.setattr(PooledConnection, "cancel_safe", lambda self, **_: late.append(self.pgconn.get_cancel()))
    with Database(database_url, application="test", size=1) as one:
        connect(one)
        one.read(lambda connection: connection.execute("SELECT pg_sleep(4)"), Deadline(1.5))
        assert len(late) == 1
        arrives = threading.Timer(0.3, late[0].cancel)
        arrives.start()
        answer = one.read(lambda connection: fetch_one(connection.execute("SELECT 1 FROM pg_sleep(0.8)")), Deadline(60))
        assert answer == (1,)
        arrives.join()


def test_a_transaction_that_is_rolled_back_changes_no_plans_of_later_ones(database_url: str) -> None:
    with Database(database_url, application="test", size=1) as one:
        with pytest.raises(ZeroDivisionError), one.transaction() as connection:
            plan_statements(connection, once=True)
            raise ZeroDivisionError
        with one.transaction() as connection:
            plan_statements(connection, once=True)
            assert fetch_one(connection.execute("SHOW plan_cache_mode")) == ("force_generic_plan",)


def test_a_reader_goes_on_when_the_server_has_closed_its_connection(database_url: str) -> None:
    with Database(database_url, application="test", size=1) as one, psycopg.connect(database_url) as other:
        [pid] = one.read(lambda connection: fetch_one(connection.execute("SELECT pg_backend_pid()")), Deadline(60))
        other.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,))
        [now] = one.read(lambda connection: fetch_one(connection.execute("SELECT pg_backend_pid()")), Deadline(60))
        assert now != pid


def test_a_transaction_without_a_deadline_has_no_limit_of_the_one_before(database_url: str) -> None:
    with Database(database_url, application="test", size=1) as one:
        connect(one)
        # A busy machine may need more time even for this.
        with contextlib.suppress(DeadlineExceeded), one.transaction(Deadline(2.0)) as connection:
            connection.execute("SELECT 1")
        with one.transaction() as connection:
            connection.execute("SELECT pg_sleep(2.5)")
            assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)


@pytest.mark.parametrize(("deadline_s", "connect_s"), [(None, 0.6), (2.0, 3600.0), (3600.0, 0.6)])
def test_who_waits_for_a_connection_reads_that_all_are_in_use(
    database_url: str, deadline_s: float | None, connect_s: float
) -> None:
    taken, done = threading.Event(), threading.Event()
    with Database(database_url, application="test", size=1, connect_seconds=60) as one:

        def hold() -> None:
            with one.transaction():
                taken.set()
                done.wait()

        holder = threading.Thread(target=hold)
        holder.start()
        try:
            assert taken.wait(60)
            one.pool.connect_seconds = connect_s
            with (
                ends_in_time(),
                pytest.raises(
                    DatabaseUnavailable, match="its one connection to the database is in use: try again"
                ) as e,
                one.transaction(Deadline(deadline_s) if deadline_s else None),
            ):
                pass
            assert "magicfs up" not in str(e.value)
        finally:
            done.set()
            holder.join()


def test_who_finds_no_server_reads_what_to_do(tmp_path: Any) -> None:
    with (
        Database(f"postgresql:///nothing?host={tmp_path}", application="test", size=1, connect_seconds=0.3) as nowhere,
        pytest.raises(DatabaseUnavailable, match=r"no database answers .*: run 'magicfs up'"),
        nowhere.transaction(),
    ):
        pass


def test_who_finds_a_server_that_hangs_reads_how_to_restart_it(short_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(short_path / POSTGRES_SOCKET))
        hanging.listen()
        with (
            Database(f"postgresql:///one?host={short_path}", application="test", size=1, connect_seconds=0.3) as hung,
            pytest.raises(DatabaseUnavailable, match=r"in time: .* by 'magicfs down', then 'magicfs up'"),
            hung.transaction(),
        ):
            pass


class Wire:
    """A way to the server that a test cuts: nothing passes any more, and nobody is told."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._is_cut = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def cut(self) -> None:
        self._is_cut.set()

    def close(self) -> None:
        for end in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                self._sockets += (client, server)
                server.connect(self._server)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if not self._is_cut.is_set():
                    target.sendall(data)


@pytest.fixture
def wire(database_url: str) -> Iterator[Wire]:
    folder = psycopg.conninfo.conninfo_to_dict(database_url)["host"]
    wire = Wire(f"{folder}/.s.PGSQL.5432")
    yield wire
    wire.close()


@pytest.fixture
def by_wire(database_url: str, wire: Wire) -> Iterator[Database]:
    words = psycopg.conninfo.conninfo_to_dict(database_url) | {"host": "127.0.0.1", "port": wire.port}
    with Database(psycopg.conninfo.make_conninfo("", **words), application="test", connect_seconds=60) as database:
        connect(database)
        yield database


def test_a_statement_that_is_never_answered_ends_with_the_deadline(by_wire: Database, wire: Wire) -> None:
    with (
        ends_in_time(),
        pytest.raises(DatabaseUnavailable, match="does not answer"),
        by_wire.transaction(Deadline(2.0)) as connection,
    ):
        connection.execute("SELECT 1")
        wire.cut()
        connection.execute("SELECT 1")


def test_a_commit_that_is_never_answered_ends_with_the_deadline(by_wire: Database, wire: Wire) -> None:
    with (
        ends_in_time(),
        pytest.raises(DatabaseUnavailable, match="does not answer"),
        by_wire.transaction(Deadline(2.0)) as connection,
    ):
        connection.execute("SELECT 1")
        wire.cut()


def test_a_kept_connection_that_is_dead_does_not_outlast_the_deadline(by_wire: Database, wire: Wire) -> None:
    with by_wire.transaction(Deadline(60)) as connection:
        connection.execute("SELECT 1")
    wire.cut()
    with (
        ends_in_time(),
        pytest.raises(DatabaseUnavailable, match="did not accept a connection in time"),
        by_wire.transaction(Deadline(2.0)),
    ):
        pass


def options_of(connection: psycopg.Connection) -> dict[str, str]:
    return {option.keyword.decode(): option.val.decode() for option in connection.pgconn.info if option.val}


def test_a_connection_to_a_dead_peer_ends_soon(database_url: str) -> None:
    """Without these options the kernels would keep one for hours, here and at the server, locks included."""
    with Database(database_url, application="test") as database, database.transaction() as connection:
        given = options_of(connection)
        assert {option: given[option] for option in TCP_OPTIONS} == {
            option: str(value) for option, value in TCP_OPTIONS.items()
        }
        for option in ("tcp_keepalives_idle", "tcp_user_timeout"):
            assert option in given["options"]
    own = psycopg.conninfo.make_conninfo(database_url, keepalives_idle=77)
    with Database(own, application="test") as database, database.transaction() as connection:
        assert options_of(connection)["keepalives_idle"] == "77"
