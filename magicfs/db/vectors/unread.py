"""Embeddings without a vector, because the chunk is in a language that the model does not read: state `unread`.

Used by the embed workers, and by maintenance for vectors that older versions have made. It does not know which
languages those are: `magicfs.embedding.readability` does. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vectors.second_vectors import lock_chunks
from magicfs.domain.chunks import ClaimedChunk
from magicfs.domain.ids import ModelId

_SQL = load_queries("unread")

_ALL_CHECKED = "all"
"""Stands for the last chunk of which it was checked whether the model reads it, when none is left."""


def finish_unread(connection: Connection, *, model: ModelId, claims: Sequence[ClaimedChunk]) -> int:
    """Finish chunks in a language that the model does not read: they get no vector.

    Under the multilingual model they wait with the priority that they have here. The rows of both models must be
    locked. Returns the number of claims that were still valid.
    """
    values = {"model_id": model, "lease": claims[0].lease, "ids": [claim.id for claim in claims]}
    connection.execute(_SQL["raise_second_vectors"], values)
    return connection.execute(_SQL["finish_unread"], values).rowcount


def forget_unread(connection: Connection, *, model: ModelId, reads: Callable[[str], bool], limit: int) -> bool:
    """Take away the vectors of chunks in a language that the model does not read; older versions have made some.

    Looks at the next `limit` vectors, once at each one that the model has. Returns whether more are left.
    """
    row = connection.execute(_SQL["last_checked"], {"model_id": model}).fetchone()
    checked = row[0] if row else "0"
    if checked == _ALL_CHECKED:
        return False
    values = {"model_id": model, "after": int(checked), "limit": limit}
    last: int | None = fetch_one(connection.execute(_SQL["last_vector"], values))[0]
    if last is not None:
        rows = connection.execute(_SQL["foreign_texts"], values | {"last": last}).fetchall()
        unread = [chunk for chunk, text in rows if not reads(text)]
        if unread:
            lock_chunks(connection, unread)
            connection.execute(_SQL["raise_second_vectors"], {"model_id": model, "ids": unread})
            connection.execute(_SQL["forget_vectors"], {"model_id": model, "ids": unread})
    checked = _ALL_CHECKED if last is None else str(last)
    connection.execute(_SQL["set_last_checked"], {"model_id": model, "checked": checked})
    return last is not None
