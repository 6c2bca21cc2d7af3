"""Which chunks are embedded, under which models, and in which order: new rows of `embeddings`.

The extract workers enqueue the chunks of what they have read, a change of model those of the whole index. With a
multilingual model in the index, the language of a document decides: a chunk that the active model reads gets its vector
first and one of the multilingual model later, at the lowest priority, its second vector; any other gets that of the
multilingual model alone. How many chunks of a content are embedded is one limit of the index. It embeds nothing, and
`magicfs.db.vectors.embeddings` claims the rows. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.ids import ContentId, ModelId

_SQL = load_queries("embedding_queue")

LIMIT_LOCK = 0x6D616769_63667306
"""The advisory lock that lets one host at a time compare its setting of embedded chunks with the index."""

PRIORITIZED_CHUNKS = 64
"""How many chunks at the beginning of a content get its priority: embedding them takes about two seconds."""


def declare_max_embedded_chunks(connection: Connection, *, host: str, chunks: int) -> int:
    """Tell the index that the setting of a host is to embed at most `chunks` chunks of a content.

    The limit is one of the index. It becomes `chunks` when the index has none, and when the setting of this host has
    changed; a host that is new takes the limit that is there. Returns the limit. New contents have it at once, stored
    ones get it by `apply_max_embedded_chunks`.
    """
    connection.execute(_SQL["take_limit_lock"], {"lock": LIMIT_LOCK})
    limit, declared = fetch_one(connection.execute(_SQL["read_limits"], {"host": host}))
    connection.execute(_SQL["declare_limit"], {"host": host, "chunks": chunks})
    if limit is not None and declared in {None, chunks}:
        return int(limit)
    if limit != chunks:
        connection.execute(_SQL["set_limit"], {"chunks": chunks})
        # An index of an older version has no limit.
        lower = chunks if limit is None else min(limit, chunks)
        connection.execute(_SQL["start_limit_change"], {"chunks": lower})
    return chunks


def apply_max_embedded_chunks(connection: Connection, *, contents: int) -> bool:
    """Apply a changed limit to the next `contents` contents. Returns False when nothing is left to do.

    A higher limit queues the missing chunks. A lower one takes chunks out of the queue; vectors stay.
    """
    visited = connection.execute(_SQL["next_limited_contents"], {"limit": contents}).fetchall()
    long = [content for content, is_long in visited if is_long]
    if long:
        connection.execute(_SQL["lock_surplus_chunks"], {"ids": long})
        connection.execute(_SQL["remove_surplus_chunks"], {"ids": long})
        connection.execute(_SQL["enqueue_missing_chunks"], {"ids": long})
    return bool(visited)


def enqueue_all_chunks(connection: Connection, model: ModelId) -> int:
    """Queue all chunks of files that are to be embedded and have no row of this model. Returns their number."""
    return connection.execute(_SQL["enqueue_all_chunks"], {"model_id": model}).rowcount


def enqueue_chunks(connection: Connection, priorities: Mapping[ContentId, int]) -> int:
    """Queue the chunks of contents for embedding, under every model whose vectors are made. Returns the number of rows.

    `priorities` has the priority of each content; a second vector has `SECOND_VECTOR_PRIORITY`. Of a content with very
    many chunks only a part is queued, see `declare_max_embedded_chunks`. Chunks that need no change are not counted:
    they have a vector, or wait with this priority already.
    """
    if not priorities:
        return 0
    values = {
        "content_ids": list(priorities),
        "priorities": list(priorities.values()),
        "prioritized": PRIORITIZED_CHUNKS,
    }
    return connection.execute(_SQL["enqueue_chunks"], values).rowcount
