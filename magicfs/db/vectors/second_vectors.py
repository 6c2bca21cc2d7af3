"""Brings the rows of chunks in line with the models that read them, when an index gets or loses a multilingual model.

A change of model calls `settle_all` and `start_pass`; maintenance calls `continue_pass` until all contents were
visited, which finds what was read while the models changed. The embed workers call `drop_foreign_vectors` when the
multilingual model has embedded a chunk. New rows are those of `magicfs.db.vectors.embedding_queue`. Runs in the
caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.ids import ChunkId, ContentId

_SQL = load_queries("embedding_queue")


def settle_all(connection: Connection) -> None:
    """Bring the waiting rows of all chunks in line with the models. Skips rows that other transactions have locked."""
    for query in ("wake_read", "set_priorities", "leave_foreign"):
        connection.execute(_SQL[query], {"chunks": None})


def settle_contents(connection: Connection, contents: Collection[ContentId]) -> None:
    """Bring the rows of the chunks of some contents in line with the models, and queue those that have none."""
    rows = connection.execute(_SQL["chunks_of_contents"], {"ids": list(contents)})
    values = {"ids": list(contents), "chunks": [row[0] for row in rows]}
    for query in (
        "lock_chunks",
        "enqueue_missing_chunks",
        "wake_read",
        "set_priorities",
        "leave_foreign",
        "drop_foreign_vectors",
    ):
        connection.execute(_SQL[query], values)


def lock_chunks(connection: Connection, chunks: Collection[ChunkId]) -> None:
    """Lock the rows of chunks under all models in the common order, before several statements change them."""
    connection.execute(_SQL["lock_chunks"], {"chunks": list(chunks)})


def drop_foreign_vectors(connection: Connection, chunks: Collection[ChunkId]) -> None:
    """Take away vectors under models that do not read the documents of chunks that the multilingual model has read."""
    connection.execute(_SQL["drop_foreign_vectors"], {"chunks": list(chunks)})


def start_pass(connection: Connection) -> None:
    """Have all contents visited by `continue_pass`, from the first one."""
    connection.execute(_SQL["start_pass"])


def continue_pass(connection: Connection, *, contents: int) -> bool:
    """Visit the next `contents` contents. Returns False when none is left, and while it is not time yet.

    It is time when every transaction has ended that may have enqueued chunks for the models of before.
    """
    row = connection.execute(_SQL["begin_pass"]).fetchone()
    if row is None or not row[0]:
        return False
    visited = [ContentId(row[0]) for row in connection.execute(_SQL["next_contents"], {"limit": contents})]
    if visited:
        settle_contents(connection, visited)
    return bool(visited)
