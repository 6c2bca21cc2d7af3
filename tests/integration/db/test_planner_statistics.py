"""The planner's statistics follow tables that grow quickly, and are left alone otherwise."""

import pytest

from magicfs.db.planner_statistics import refresh_statistics
from magicfs.db.pool import Database
from magicfs.db.search.known_words import frequent_words
from magicfs.db.search.search_facts import WordChunks, read_search_facts
from magicfs.domain.query import Lexeme, Term
from magicfs.runtime.processes import wait_until


def estimated_hosts(database: Database) -> float:
    with database.transaction() as connection:
        row = connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'hosts'").fetchone()
    return float(row[0]) if row else -1.0


def insert_hosts(database: Database, *, names: str, count: int) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO hosts (name) SELECT %s || number FROM generate_series(1, %s) AS number", (names, count)
        )
        connection.execute("SELECT pg_stat_force_next_flush()")


def leave_alone(database: Database, table: str) -> None:
    """Let the server's own daemon not analyse a table: it looks once a minute, and would leave the test nothing."""
    with database.transaction() as connection:
        connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())


def test_outgrown_statistics_are_made_anew(database: Database) -> None:
    leave_alone(database, "hosts")
    refresh_statistics(database)
    insert_hosts(database, names="few", count=100)
    assert "public.hosts" not in refresh_statistics(database)
    insert_hosts(database, names="many", count=5000)
    wait_until(lambda: "public.hosts" in refresh_statistics(database), seconds=60, failed="nobody looks at them")
    assert estimated_hosts(database) == 5100
    assert refresh_statistics(database) == []


def shares(database: Database) -> dict[str, float]:
    with database.transaction() as connection:
        return dict(connection.execute("SELECT lexeme, share FROM frequent_words").fetchall())


def read(database: Database) -> list[WordChunks]:
    """What a search reads of two words."""
    terms = [Term(word, (Lexeme(word),)) for word in ("common", "rare")]
    with database.transaction() as connection:
        found = read_search_facts(connection, terms, spellings=[], stemmers={}, conditions=[], counted=False)
    return list(found.words)


def test_a_search_weighs_frequent_words_by_a_copy_of_the_statistics(database: Database) -> None:
    leave_alone(database, "chunks")
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO chunks (digest, text, tokens, words) "
            "SELECT decode(md5(n::text), 'hex'), '', 1, to_tsvector('simple', "
            "       CASE WHEN n % 2 = 0 THEN 'common' WHEN n % 400 = 1 THEN 'rare' ELSE 'other' END) "
            "FROM generate_series(1, 4000) AS n"
        )
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert shares(database) == {}
    wait_until(lambda: "public.chunks" in refresh_statistics(database), seconds=60, failed="nobody looks at them")
    wait_until(lambda: bool(shares(database) or refresh_statistics(database)), seconds=60, failed="no word is copied")
    assert shares(database)["common"] == pytest.approx(0.5, abs=0.02)
    common, rare = read(database)
    assert common.size is None
    assert common.share == pytest.approx(0.5, abs=0.02)
    assert rare.size == 10
    with database.transaction() as connection:
        assert frequent_words(connection, ["common", "rare", "absent"]) == {"common"}
    # A search reads the copy, and not the statistics.
    with database.transaction() as connection:
        connection.execute("DELETE FROM frequent_words WHERE lexeme = 'common'")
    assert read(database)[0].share == 0


def test_the_embedded_server_is_not_busy_without_work(database: Database) -> None:
    with database.transaction() as connection:
        row = connection.execute("SELECT current_setting('autovacuum_naptime')::interval >= '1 minute'").fetchone()
    assert row == (True,)
