"""The partitions of `embeddings`: one for the vectors of each model, and the indexes that they still lack.

`magicfs.db.vectors.models` makes and drops them, in the caller's transaction. Where there are partitions, a migration
only declares an index on `embeddings` (`magicfs.db.migrate`): it holds the locks of all tables, and building an index
of millions of rows takes seconds. The agent builds it for each partition, while reads and writes go on. Until then,
statements that it would serve read the partition from its beginning.
"""

from __future__ import annotations

import logging

from psycopg import sql

from magicfs.db.connection import set_locally
from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.ids import ModelId
from magicfs.domain.models import ModelSpec

log = logging.getLogger(__name__)

_SQL = load_queries("partitions")

LOCK_SECONDS = 2
"""How long the built index waits for its place: whoever uses the partition then would queue behind it."""


def partition(model: ModelId) -> sql.Identifier:
    """The name of the table with the vectors of a model."""
    return sql.Identifier(_name(model))


def _name(model: ModelId) -> str:
    return f"embeddings_{model}"


def ensure_partition(connection: Connection, model: ModelId, *, dimension: int) -> bool:
    """Make the partition of a model unless it exists. Returns whether it was made."""
    name = partition(model)
    if connection.execute("SELECT to_regclass(%s)", (_name(model),)).fetchone() != (None,):
        return False
    # A table that becomes a partition: to create it as one would lock out all readers until the transaction ends.
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE embeddings INCLUDING ALL)").format(name))
    # The check rejects a vector of another dimension. Plain storage keeps vectors in their rows: a scan that follows
    # a pointer for each of them is several times slower.
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} ADD CHECK (vector IS NULL OR vector_dims(vector) = {}), "
            "ALTER COLUMN vector SET STORAGE PLAIN, SET (autovacuum_vacuum_scale_factor = 0.05)"
        ).format(name, sql.Literal(dimension))
    )
    connection.execute(
        sql.SQL("ALTER TABLE embeddings ATTACH PARTITION {} FOR VALUES IN ({})").format(name, sql.Literal(model))
    )
    return True


def label_partition(connection: Connection, model: ModelId, spec: ModelSpec) -> None:
    """Write into the partition of a model whose vectors it holds."""
    text = f"vectors of {spec.name} ({spec.precision}), digest {spec.digest or 'unknown'}"
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(partition(model), sql.Literal(text)))


def drop_partition(connection: Connection, model: ModelId) -> None:
    """Drop the partition of a model, if it has one, with its vectors."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition(model)))


def build_missing_indexes(connection: Connection) -> list[str]:
    """Build what partitions lack of the declared indexes. Returns the names of the indexes that were built.

    On a connection with autocommit, and in one process at a time. An index whose build was interrupted is built anew.
    When long work keeps a built index from its place, psycopg's error says so, and the next call gives it that.
    """
    built = []
    for declared, owner, name, definition, is_built in connection.execute(_SQL["missing_indexes"]).fetchall():
        index, table = sql.Identifier(name), sql.Identifier(owner)
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
