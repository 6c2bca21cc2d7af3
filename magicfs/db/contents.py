"""Contents and their chunks: stored once, whoever has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import xxhash

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import ContentKey, Document, NewContent, StoredContent, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import ContentId, Digest, RootId
from magicfs.errors import DatabaseConflict

_SQL = load_queries("contents")

ADVISORY_LOCK = 0x6D616769_63667303
"""One sweep in the cluster."""

PRIORITY_CHUNKS = 64
"""So many chunks of a content have its priority: about two seconds of work."""


def chunk_digest(chunk: Chunk) -> Digest:
    """The identity of a piece of text, with the context that it is embedded in."""
    # No text holds a NUL, so nothing else comes out the same.
    whole = f"{chunk.context}\0{chunk.text}" if chunk.context else chunk.text
    return Digest(xxhash.xxh3_128_digest(whole.encode()))


def find_contents(connection: Connection, keys: Collection[ContentKey]) -> dict[ContentKey, StoredContent]:
    """Those contents of these keys that were read before.

    They are no orphans from now on, and cannot be swept away before the transaction ends.
    """
    if not keys:
        return {}
    rows = connection.execute(_SQL["find"], _columns(sorted(set(keys))))
    return {
        ContentKey(Digest(digest), extractor, kind): StoredContent(
            id=ContentId(content_id),
            unreadable=None if reason is None else Unreadable(SkipReason(reason), detail or ""),
        )
        for digest, extractor, kind, content_id, reason, detail in rows
    }


def insert_contents(connection: Connection, contents: Collection[NewContent]) -> dict[ContentKey, ContentId]:
    """Store contents with their chunks, unless another worker was quicker with the same bytes. Their ids.

    One without text is remembered too, so that copies are not parsed again.
    """
    if not contents:
        return {}
    ordered = sorted({content.key: content for content in contents}.values(), key=lambda content: content.key)
    documents = [content.extracted if isinstance(content.extracted, Document) else None for content in ordered]
    verdicts = [content.extracted if isinstance(content.extracted, Unreadable) else None for content in ordered]
    rows = connection.execute(
        _SQL["insert"],
        {
            **_columns([content.key for content in ordered]),
            "sizes": [content.size for content in ordered],
            "mime_types": [
                document.mime_type if document else content.key.kind
                for content, document in zip(ordered, documents, strict=True)
            ],
            "titles": [document and document.title for document in documents],
            "authors": [document and document.author for document in documents],
            "languages": [document and document.language for document in documents],
            "reasons": [verdict and verdict.reason.value for verdict in verdicts],
            "details": [verdict and verdict.detail for verdict in verdicts],
        },
    ).fetchall()
    ids = {ContentKey(Digest(digest), extractor, kind): ContentId(found) for digest, extractor, kind, found, _ in rows}
    new = {ContentId(row[3]) for row in rows if row[4]}
    _insert_chunks(connection, {id_: content.chunks for content in ordered if (id_ := ids[content.key]) in new})
    return ids


def _columns(keys: Sequence[ContentKey]) -> dict[str, list[Any]]:
    """Keys as the queries take them. Sorted, so that two workers never wait for each other."""
    return {
        "digests": [key.digest for key in keys],
        "extractors": [key.extractor for key in keys],
        "kinds": [key.kind for key in keys],
    }


def _insert_chunks(connection: Connection, contents: Mapping[ContentId, Sequence[Chunk]]) -> None:
    """Store the chunks of new contents, and where they stand."""
    placed = [(content, at, chunk) for content, chunks in contents.items() for at, chunk in enumerate(chunks)]
    if not placed:
        return
    chunks = [chunk for _, _, chunk in placed]
    digests = [chunk_digest(chunk) for chunk in chunks]
    connection.execute(
        _SQL["insert_chunks"],
        {
            "digests": digests,
            "texts": [chunk.text for chunk in chunks],
            "contexts": [chunk.context for chunk in chunks],
            "tokens": [chunk.tokens for chunk in chunks],
        },
    )
    done = connection.execute(
        _SQL["place_chunks"],
        {
            "content_ids": [content for content, _, _ in placed],
            "ordinals": [at for _, at, _ in placed],
            "digests": digests,
            "first_lines": [chunk.first_line for chunk in chunks],
            "last_lines": [chunk.last_line for chunk in chunks],
            "pages": [chunk.page for chunk in chunks],
        },
    )
    if done.rowcount != len(placed):
        raise DatabaseConflict("a chunk was swept away while it was being placed: try again")


def enqueue_chunks(connection: Connection, priorities: Mapping[ContentId, int]) -> int:
    """Ask for the vectors that the chunks of contents lack under the live models. Returns how many.

    The contents come with their priorities.
    """
    if not priorities:
        return 0
    values = {"content_ids": list(priorities), "priorities": list(priorities.values()), "first": PRIORITY_CHUNKS}
    return connection.execute(_SQL["enqueue_chunks"], values).rowcount


def orphan_contents(connection: Connection, ids: Collection[ContentId]) -> None:
    """Mark those of the contents that no file has any more."""
    if ids:
        connection.execute(_SQL["orphan"], {"ids": list(ids)})


def orphan_contents_without_grace(connection: Connection, ids: Collection[ContentId]) -> None:
    """Have those of the contents that no file has any more swept at once."""
    if ids:
        connection.execute(_SQL["abandon"], {"ids": list(ids)})


def contents_of_root(connection: Connection, root: RootId) -> set[ContentId]:
    """The contents that the files of a root have."""
    return {ContentId(row[0]) for row in connection.execute(_SQL["root_contents"], {"root_id": root})}


def mark_orphans(connection: Connection, *, unreadable_grace_s: float) -> int:
    """Mark every content that no file has. Finds those that two files left at the same moment. Returns how many.

    One without text is spared until no copy has been met for `unreadable_grace_s`.
    """
    return connection.execute(_SQL["mark_orphans"], {"verdict_seconds": unreadable_grace_s}).rowcount


def sweep_orphans(connection: Connection, *, grace_s: float, limit: int) -> int:
    """Delete up to `limit` contents that have been orphans for `grace_s`, and the chunks only they had.

    Returns how many contents went: none while another transaction sweeps.
    """
    if not _sweeps_alone(connection):
        return 0
    count, chunks = fetch_one(connection.execute(_SQL["sweep_contents"], {"grace": grace_s, "limit": limit}))
    _delete_unplaced(connection, chunks)
    return int(count)


def sweep_chunks(connection: Connection, *, limit: int) -> int:
    """Look at the next `limit` chunks and delete those that stand nowhere. Returns how many went.

    A sweep of contents has to leave a chunk that somebody is placing, who may not come to an end.
    """
    if not _sweeps_alone(connection):
        return 0
    return _delete_unplaced(connection, [row[0] for row in connection.execute(_SQL["next_unplaced"], {"limit": limit})])


def _sweeps_alone(connection: Connection) -> bool:
    """Whether this is the one sweep of the cluster, until the transaction ends."""
    return bool(fetch_one(connection.execute(_SQL["try_sweep"], {"lock": ADVISORY_LOCK}))[0])


def _delete_unplaced(connection: Connection, chunks: list[int]) -> int:
    """Delete those of the chunks that stand nowhere, and their vectors. Returns how many."""
    locked = [row[0] for row in connection.execute(_SQL["lock_unplaced"], {"ids": chunks})]
    gone = [row[0] for row in connection.execute(_SQL["delete_chunks"], {"ids": locked})]
    connection.execute(_SQL["delete_embeddings"], {"ids": gone})
    return len(gone)
