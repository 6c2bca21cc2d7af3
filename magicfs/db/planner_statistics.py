"""Keeps the statistics by which Postgres plans its queries in line with tables that grow quickly.

A bulk import outgrows them within seconds, and plans made from old ones are slow. The server's own daemon looks once a
minute; to have it look more often would keep an idle server busy. The agent calls this while there is work. What
they know of words is copied for searches, which weigh the words of a question by it.
"""

from __future__ import annotations

from psycopg import sql

from magicfs.db.pool import Connection, Database
from magicfs.db.queries import load_queries

_SQL = load_queries("planner_statistics")


def refresh_statistics(database: Database) -> list[str]:
    """Make the statistics of outgrown tables anew, which takes about a tenth of a second a table. Returns their names.

    Tables that another process analyses or vacuums at that moment are left out by Postgres.
    """
    with database.transaction() as connection:
        tables = [name for (name,) in connection.execute(_SQL["outgrown_tables"])]
    for table in tables:
        with database.transaction() as connection:
            connection.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(sql.SQL(table)))
    with database.transaction() as connection:
        _copy_frequent_words(connection)
    return tables


def _copy_frequent_words(connection: Connection) -> None:
    """Copy the frequent words for searches, if their statistics were made anew, here or by the server's own daemon."""
    if any(is_newer for (is_newer,) in connection.execute(_SQL["has_newer_words"])):
        connection.execute(_SQL["lock_frequent_words"])
        connection.execute(_SQL["copy_frequent_words"])
