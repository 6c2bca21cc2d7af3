"""The planner's statistics follow tables that grow quickly, and are left alone otherwise."""

from magicfs.db.planner_statistics import refresh_statistics
from magicfs.db.pool import Database
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


def test_outgrown_statistics_are_made_anew(database: Database) -> None:
    refresh_statistics(database)
    insert_hosts(database, names="few", count=100)
    assert "public.hosts" not in refresh_statistics(database)
    insert_hosts(database, names="many", count=5000)
    wait_until(lambda: "public.hosts" in refresh_statistics(database), seconds=10, failed="nobody looks at them")
    assert estimated_hosts(database) == 5100
    assert refresh_statistics(database) == []


def test_the_embedded_server_is_not_busy_without_work(database: Database) -> None:
    with database.transaction() as connection:
        row = connection.execute("SELECT current_setting('autovacuum_naptime')::interval >= '1 minute'").fetchone()
    assert row == (True,)
