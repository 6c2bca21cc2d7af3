"""The deadline of a search: it holds for all statements together, and for the wait for a connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from magicfs.db.pool import Database
from magicfs.domain.deadline import Deadline
from magicfs.errors import DatabaseUnavailable, DeadlineExceeded
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus

TOLERANCE_SECONDS = 0.4


@contextmanager
def seconds_taken(at_most: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < at_most + TOLERANCE_SECONDS


def test_many_short_statements_do_not_outlast_the_deadline(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    Corpus(database).add(b"a.txt", "an invoice")
    service = SearchService(database, ChosenVectors(), default_limit=10)
    service.search("invoice", deadline_s=10)
    execute = psycopg.Connection.execute

    def slow(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        time.sleep(0.15)
        return execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", slow)
    with seconds_taken(at_most=1.0), pytest.raises(DeadlineExceeded, match="took too long: try again"):
        service.search("invoice", deadline_s=1.0)


def test_a_long_statement_gets_what_the_others_have_left(database: Database) -> None:
    with (
        seconds_taken(at_most=1.0),
        pytest.raises(DeadlineExceeded, match="took too long: try again"),
        database.transaction(Deadline(1.0)) as connection,
    ):
        connection.execute("SELECT pg_sleep(0.7)")
        connection.execute("SELECT pg_sleep(5)")


def test_a_transaction_without_a_deadline_has_no_limit_of_the_one_before(database_url: str) -> None:
    with Database(database_url, application="test", size=1) as one:
        with one.transaction(Deadline(0.3)) as connection:
            connection.execute("SELECT 1")
        with one.transaction() as connection:
            connection.execute("SELECT pg_sleep(0.5)")
            assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)


@pytest.mark.parametrize("deadline_s", [None, 0.3, 10.0])
def test_who_waits_for_a_connection_reads_that_all_are_in_use(database_url: str, deadline_s: float | None) -> None:
    taken, done = threading.Event(), threading.Event()
    with Database(database_url, application="test", size=1, connect_seconds=0.6) as one:

        def hold() -> None:
            with one.transaction():
                taken.set()
                done.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        try:
            assert taken.wait(10)
            with (
                seconds_taken(at_most=min(0.6, deadline_s or 1)),
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
