"""Whether the disk of the database has room, and gives back what was stored.

While it has too little room, workers claim nothing and no index is built. Without room for its log, Postgres stops, and
with it all searches. So the agent beside the database looks at its disk (`magicfs.ingest.storage`) and declares a
shortage here, where the workers of all hosts see it. Runs in the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime

from magicfs.db.errors import read_only
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries

_SQL = load_queries("storage")

SHORTAGE_SECONDS = 60.0
"""A shortage is forgotten after this time unless it is declared again: the agent that would end it may be gone."""


def require_writable(connection: Connection) -> None:
    """Raise `DatabaseUnavailable` when the server takes no writes, as a replica: searches work, and nothing else."""
    is_read_only, is_replica = fetch_one(connection.execute(_SQL["read_only"]))
    if is_read_only:
        raise read_only("it is a replica" if is_replica else "it was made so")


def declare_shortage(connection: Connection, *, free_bytes: int) -> None:
    """Stop the claims of all workers for SHORTAGE_SECONDS."""
    connection.execute(_SQL["declare_shortage"], {"free": free_bytes, "seconds": SHORTAGE_SECONDS})


def end_shortage(connection: Connection) -> None:
    """Let workers claim again."""
    connection.execute(_SQL["end_shortage"])


def read_damage(connection: Connection) -> tuple[int, datetime] | None:
    """How many damaged pages Postgres has met in the database, and when the last one; None if it has met none."""
    row: tuple[int, datetime] | None = connection.execute(_SQL["read_damage"]).fetchone()
    return row


def read_shortage(connection: Connection) -> int | None:
    """The number of free bytes while there is a shortage, else None."""
    row = connection.execute(_SQL["read_shortage"]).fetchone()
    return None if row is None else row[0]
