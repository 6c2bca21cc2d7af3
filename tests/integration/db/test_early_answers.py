"""Answers that come while the server executes other statements of the same pipeline."""

from __future__ import annotations

import pytest
from psycopg.errors import AdminShutdown, OperationalError

from magicfs.db.early_answers import fetch_early, request_early
from magicfs.db.errors import translate_errors
from magicfs.db.pool import Database
from magicfs.errors import DatabaseError, DatabaseUnavailable


def test_an_answer_comes_while_the_next_statement_is_executed(database: Database) -> None:
    with database.transaction() as other, database.transaction() as connection:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        with connection.pipeline():
            first = connection.execute("SELECT 'first'")
            request_early(connection)
            second = connection.execute("SELECT 'second' FROM pg_advisory_xact_lock(1)")
            third = connection.execute("SELECT 'third'")
            fetch_early(connection, first)
            assert first.fetchall() == [("first",)]
            # The second one ends with this, and not before.
            other.commit()
            fetch_early(connection, second)
        assert (second.fetchall(), third.fetchall()) == ([("second",)], [("third",)])


def test_an_error_that_comes_early_is_translated(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    division = pytest.raises(DatabaseError, match="division by zero")
    with division, database.transaction() as connection, connection.pipeline():
        first = connection.execute("SELECT 1 / 0")
        request_early(connection)
        connection.execute("SELECT 1", prepare=True)
        fetch_early(connection, first)
    assert caplog.messages == []
    with database.transaction() as connection:
        assert connection.execute("SELECT 1", prepare=True).fetchall() == [(1,)]


def test_a_connection_that_ends_early_is_reported_once(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with database.transaction() as other, pytest.raises(DatabaseUnavailable), database.transaction() as connection:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        pid = connection.info.backend_pid
        with connection.pipeline():
            first = connection.execute("SELECT FROM pg_advisory_xact_lock(1)")
            request_early(connection)
            connection.execute("SELECT 1")
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))
            fetch_early(connection, first)
    assert caplog.messages == []
    with database.transaction() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_an_error_at_the_end_of_a_pipeline_does_not_hide_why_the_connection_ended() -> None:
    """As psycopg raises both where the server ends a connection before it has got the end of the pipeline."""
    with pytest.raises(DatabaseUnavailable, match="terminating connection"), translate_errors():
        try:
            raise AdminShutdown("terminating connection due to administrator command")
        finally:
            raise OperationalError("cannot exit pipeline mode while busy")
