"""Indexes of `embeddings` that a migration has declared and left to be built.

A migration holds the locks of all tables, and building an index of millions of rows takes seconds: in an index that has
partitions it only declares the index, see `magicfs.db.migrate`. The agent builds it for each partition, while reads and
writes go on; until then statements that it would serve read the partition from its beginning.
"""

from __future__ import annotations

import logging

from psycopg import sql

from magicfs.db.connection import set_locally
from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries

log = logging.getLogger(__name__)

_SQL = load_queries("partition_indexes")

LOCK_SECONDS = 2
"""How long the built index waits for its place: whoever uses the partition then would queue behind it."""


def build_missing_indexes(connection: Connection) -> list[str]:
    """Build what partitions lack of the declared indexes. Returns the names of the indexes that were built.

    On a connection with autocommit, and in one process at a time. An index whose build was interrupted is built anew.
    When long work keeps a built index from its place, psycopg's error says so, and the next call gives it that.
    """
    built = []
    for declared, partition, name, definition, is_built in connection.execute(_SQL["missing_indexes"]).fetchall():
        index, table = sql.Identifier(name), sql.Identifier(partition)
        if not is_built:
            log.info("building the index %s", name)
            connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(index))
            create = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} {}")
            connection.execute(create.format(index, table, sql.SQL(definition)))
        with connection.transaction():
            set_locally(connection, {"lock_timeout": f"{LOCK_SECONDS}s"})
            connection.execute(sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(sql.Identifier(declared), index))
        built.append(name)
    return built
