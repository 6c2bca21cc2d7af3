"""Contents and their chunks: stored once, whoever has them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import xxhash

from magicfs.db.pool import Connection, single
from magicfs.db.queries import load
from magicfs.domain.files import Reason
from magicfs.domain.ids import ContentId, Digest, RootId
from magicfs.domain.text import Chunk, Document, Unreadable
from magicfs.errors import DatabaseConflict

_SQL = load("contents")

ADVISORY_LOCK = 0x6D616769_63667303
"""One sweep in the cluster."""

FIRST_CHUNKS = 64
"""So many chunks of a content have its priority: about two seconds of work."""


@dataclass(frozen=True, slots=True)
class ContentKey:
    """What makes two contents one."""

    digest: Digest
    """Of the bytes."""
    extractor: int
    """The version that reads them."""
    kind: str
    """What they are taken to be, their name considered."""


@dataclass(frozen=True, slots=True)
class KnownContent:
    """A content that was read before, and why it has no text if it has none."""

    id: ContentId
    unreadable: Unreadable | None


def chunk_digest(chunk: Chunk) -> Digest:
    """The identity of a piece of text, with the context that it is embedded in."""
    # No text holds a NUL, so nothing else comes out the same.
    whole = f"{chunk.context}\0{chunk.text}" if chunk.context else chunk.text
    return Digest(xxhash.xxh3_128_digest(whole.encode()))


def find_content(connection: Connection, key: ContentKey) -> KnownContent | None:
    """The content with this key, if it was read before.

    It is no orphan from now on, and cannot be swept away before the transaction ends.
    """
    row = connection.execute(
        _SQL["find"], {"digest": key.digest, "extractor": key.extractor, "kind": key.kind}
    ).fetchone()
    if row is None:
        return None
    content_id, reason, detail = row
    return KnownContent(
        id=ContentId(content_id),
        unreadable=None if reason is None else Unreadable(Reason(reason), detail or ""),
    )


def insert_unreadable(connection: Connection, key: ContentKey, *, size: int, unreadable: Unreadable) -> ContentId:
    """Remember that these bytes hold no text, so that copies are not parsed again."""
    content_id, _ = _insert(connection, key, size=size, document=None, unreadable=unreadable)
    return content_id


def insert_content(
    connection: Connection, key: ContentKey, *, size: int, document: Document, chunks: Sequence[Chunk]
) -> ContentId:
    """Store a content with its chunks, unless another worker was quicker with the same bytes."""
    content_id, new = _insert(connection, key, size=size, document=document, unreadable=None)
    if new:
        _insert_chunks(connection, content_id, chunks)
    return content_id


def _insert(
    connection: Connection, key: ContentKey, *, size: int, document: Document | None, unreadable: Unreadable | None
) -> tuple[ContentId, bool]:
    """The content's id, and whether it is new."""
    row = single(
        connection.execute(
            _SQL["insert"],
            {
                "digest": key.digest,
                "extractor": key.extractor,
                "kind": key.kind,
                "size": size,
                "mime_type": document.mime_type if document else key.kind,
                "title": document.title if document else None,
                "author": document.author if document else None,
                "language": document.language if document else None,
                "reason": unreadable.reason.value if unreadable else None,
                "detail": unreadable.detail if unreadable else None,
            },
        )
    )
    return ContentId(row[0]), row[1]


def _insert_chunks(connection: Connection, content: ContentId, chunks: Sequence[Chunk]) -> None:
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
    placed = connection.execute(
        _SQL["place_chunks"],
        {
            "content_id": content,
            "ordinals": list(range(len(chunks))),
            "digests": digests,
            "first_lines": [chunk.first_line for chunk in chunks],
            "last_lines": [chunk.last_line for chunk in chunks],
            "pages": [chunk.page for chunk in chunks],
        },
    )
    if placed.rowcount != len(chunks):
        raise DatabaseConflict("a chunk was swept away while it was being placed: try again")


def enqueue_chunks(connection: Connection, content: ContentId, *, priority: int) -> int:
    """Ask for the vectors that the content's chunks lack under the live models. Returns how many."""
    values = {"content_id": content, "priority": priority, "first": FIRST_CHUNKS}
    return connection.execute(_SQL["enqueue_chunks"], values).rowcount


def orphan_contents(connection: Connection, ids: Collection[ContentId]) -> None:
    """Mark those of the contents that no file has any more."""
    if ids:
        connection.execute(_SQL["orphan"], {"ids": list(ids)})


def abandon_contents(connection: Connection, ids: Collection[ContentId]) -> None:
    """Have those of the contents that no file has any more swept at once."""
    if ids:
        connection.execute(_SQL["abandon"], {"ids": list(ids)})


def contents_of_root(connection: Connection, root: RootId) -> set[ContentId]:
    """The contents that the files of a root have."""
    return {ContentId(row[0]) for row in connection.execute(_SQL["root_contents"], {"root_id": root})}


def mark_orphans(connection: Connection, *, verdicts_s: float) -> int:
    """Mark every content that no file has. Finds those that two files left at the same moment. Returns how many.

    One without text is spared until no copy has been met for `verdicts_s`.
    """
    return connection.execute(_SQL["mark_orphans"], {"verdict_seconds": verdicts_s}).rowcount


def sweep_orphans(connection: Connection, *, grace_s: float, limit: int) -> int:
    """Delete up to `limit` contents that have been orphans for `grace_s`, and the chunks only they had.

    Returns how many contents went: none while another transaction sweeps.
    """
    if not _sweeps_alone(connection):
        return 0
    count, chunks = single(connection.execute(_SQL["sweep_contents"], {"grace": grace_s, "limit": limit}))
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
    return bool(single(connection.execute(_SQL["try_sweep"], {"lock": ADVISORY_LOCK}))[0])


def _delete_unplaced(connection: Connection, chunks: list[int]) -> int:
    """Delete those of the chunks that stand nowhere, and their vectors. Returns how many."""
    locked = [row[0] for row in connection.execute(_SQL["lock_unplaced"], {"ids": chunks})]
    gone = [row[0] for row in connection.execute(_SQL["delete_chunks"], {"ids": locked})]
    connection.execute(_SQL["delete_embeddings"], {"ids": gone})
    return len(gone)
