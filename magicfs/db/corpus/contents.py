"""Contents and their chunks: stored once, however many files have them, and deleted when no file has them any more.

The extract workers insert and find contents, maintenance sweeps them. It extracts nothing. An orphan is a content that
no file has; it is kept for a while, since a moved file often comes back. An orphan chunk is in orphans only. A chunk
that is in no content at all is unplaced, and is deleted. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import xxhash

from magicfs.db.corpus.page_texts import delete_page_texts, insert_page_texts
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import ContentId, Digest, RootId
from magicfs.domain.stored_contents import ContentKey, NewContent, StoredContent
from magicfs.domain.term_weights import term_weights
from magicfs.errors import DatabaseConflict

_SQL = load_queries("contents")

SWEEP_LOCK = 0x6D616769_63667303
"""The advisory lock that lets one transaction in the cluster sweep."""

_CHUNKS_PER_STATEMENT = 2000
"""The words of all chunks of a large file, as they are sent, would take several times the memory of its text."""

UNKNOWN_MIME_TYPE = "application/octet-stream"
"""The MIME type of bytes that no rule recognises."""


def chunk_digest(chunk: Chunk) -> Digest:
    """The identity of a chunk: the digest of its context, headings and text."""
    # No text has a NUL, so different parts are different strings.
    parts = [chunk.context, chunk.headings] if chunk.headings else [chunk.context] if chunk.context else []
    return Digest(xxhash.xxh3_128_digest("\0".join([*parts, chunk.text]).encode()))


def find_contents(connection: Connection, keys: Collection[ContentKey]) -> dict[ContentKey, StoredContent]:
    """The stored contents with these keys.

    Orphans among them become normal contents again. They are locked: no sweep deletes them before the transaction ends.
    """
    if not keys:
        return {}
    rows = connection.execute(_SQL["find_contents"], _key_arrays(sorted(set(keys))))
    return {
        ContentKey(Digest(digest), extractor, kind): StoredContent(
            id=ContentId(content_id),
            unreadable=None if reason is None else Unreadable(SkipReason(reason), detail or ""),
            ocr=ocr,
            pending_pages=pending_pages,
        )
        for digest, extractor, kind, content_id, reason, detail, ocr, pending_pages in rows
    }


def insert_contents(connection: Connection, contents: Collection[NewContent]) -> dict[ContentKey, ContentId]:
    """Store contents with their chunks. Returns their ids, also of those that another worker has stored meanwhile.

    Unreadable contents are stored too, so that copies of the same bytes are not parsed again.
    """
    if not contents:
        return {}
    ordered = sorted({content.key: content for content in contents}.values(), key=lambda content: content.key)
    rows = connection.execute(
        _SQL["insert_contents"],
        {**_key_arrays([content.key for content in ordered]), **_columns(connection, ordered)},
    ).fetchall()
    ids = {ContentKey(Digest(digest), extractor, kind): ContentId(id_) for digest, extractor, kind, id_, _ in rows}
    new = {ContentId(row[3]) for row in rows if row[4]}
    _insert_chunks(connection, {id_: content.chunks for content in ordered if (id_ := ids[content.key]) in new})
    for content in ordered:
        if content.pages is not None and ids[content.key] in new:
            insert_page_texts(connection, ids[content.key], content.pages, ocr=content.picture_ocr)
    return ids


def replace_content(connection: Connection, stored: StoredContent, content: NewContent) -> bool:
    """Give a stored content more pages than it had. Returns whether it had still as many pending ones.

    Another worker may have read pages of a copy meanwhile: then this has no effect.
    """
    values = {"id": stored.id, "pending": stored.pending_pages, **_columns(connection, [content])}
    if connection.execute(_SQL["replace_content"], values).fetchone() is None:
        return False
    connection.execute(_SQL["remove_chunks"], {"id": stored.id})
    _insert_chunks(connection, {stored.id: content.chunks})
    if content.pages is None:
        delete_page_texts(connection, stored.id)
    else:
        insert_page_texts(connection, stored.id, content.pages, ocr=content.picture_ocr)
    return True


def _columns(connection: Connection, ordered: Sequence[NewContent]) -> dict[str, list[Any]]:
    """The columns of contents but for their keys, an array each. Records their languages."""
    documents = [content.extracted if isinstance(content.extracted, Document) else None for content in ordered]
    failures = [content.extracted if isinstance(content.extracted, Unreadable) else None for content in ordered]
    insert_languages(connection, {document.language for document in documents if document and document.language})
    pages = [content.pages for content in ordered]
    return {
        "sizes": [content.size for content in ordered],
        "mime_types": [
            document.mime_type if document else _mime_type_without_text(content)
            for content, document in zip(ordered, documents, strict=True)
        ],
        "titles": [document and document.title for document in documents],
        "authors": [document and document.author for document in documents],
        "keywords": [document and document.keywords for document in documents],
        "languages": [document and document.language for document in documents],
        "cut_bytes": [document.cut_bytes if document else 0 for document in documents],
        "unread_pages": [
            read.unread_pages if (read := document or later) else 0
            for document, later in zip(documents, pages, strict=True)
        ],
        "unread_details": [
            read.unread_detail if (read := document or later) else None
            for document, later in zip(documents, pages, strict=True)
        ],
        "unread_parts": [
            str(document.unread_parts) if document and document.unread_parts else None for document in documents
        ],
        "pending_pages": [len(later.pending_pages) if later else 0 for later in pages],
        "ocrs": [content.extracted.ocr for content in ordered],
        "encoded_characters": [document.encoded_characters if document else 0 for document in documents],
        "reasons": [unreadable and unreadable.reason.value for unreadable in failures],
        # What has recognised its text, or why there is none.
        "details": [
            unreadable.detail if unreadable else _recognition(document)
            for document, unreadable in zip(documents, failures, strict=True)
        ],
    }


def insert_languages(connection: Connection, languages: Collection[str]) -> None:
    """Record that the index has contents in these languages. A transaction does it before it locks contents."""
    if languages:
        connection.execute(_SQL["insert_languages"], {"languages": list(languages)})


def _recognition(document: Document | None) -> str | None:
    return str(document.recognition) if document and document.recognition else None


def _mime_type_without_text(content: NewContent) -> str:
    """The MIME type that a content without text was detected as."""
    detected = content.key.kind.partition(" ")[0]
    is_binary = isinstance(content.extracted, Unreadable) and content.extracted.reason is SkipReason.BINARY
    return UNKNOWN_MIME_TYPE if is_binary and detected.startswith("text/") else detected


def _key_arrays(keys: Sequence[ContentKey]) -> dict[str, list[Any]]:
    """The keys as one array a column, which queries unnest. Sorted keys keep two transactions from a deadlock."""
    return {
        "digests": [key.digest for key in keys],
        "extractors": [key.extractor for key in keys],
        "kinds": [key.kind for key in keys],
    }


def chunk_columns(chunks: Sequence[Chunk], digests: Sequence[Digest]) -> dict[str, list[Any]]:
    """The parameters of `insert_chunks`: chunks, whose digests are given, as one list a column."""
    return {
        "digests": list(digests),
        "texts": [chunk.text for chunk in chunks],
        "contexts": [chunk.context for chunk in chunks],
        "headings": [chunk.headings for chunk in chunks],
        "tokens": [chunk.tokens for chunk in chunks],
        "words": [chunk.words for chunk in chunks],
        "terms": [term_weights(chunk.words) for chunk in chunks],
        "analyses": [chunk.analysis for chunk in chunks],
    }


def _insert_chunks(connection: Connection, contents: Mapping[ContentId, Sequence[Chunk]]) -> None:
    """Store the chunks of new contents, and their places in them."""
    places = [(content, ordinal, chunk) for content in contents for ordinal, chunk in enumerate(contents[content])]
    if not places:
        return
    digests = [chunk_digest(chunk) for _, _, chunk in places]
    # In the order of the digests from one statement to the next, too: two transactions never deadlock.
    ordered = sorted(range(len(places)), key=digests.__getitem__)
    for first in range(0, len(ordered), _CHUNKS_PER_STATEMENT):
        part = ordered[first : first + _CHUNKS_PER_STATEMENT]
        columns = chunk_columns([places[index][2] for index in part], [digests[index] for index in part])
        connection.execute(_SQL["insert_chunks"], columns)
    inserted = connection.execute(
        _SQL["place_chunks"],
        {
            "content_ids": [content for content, _, _ in places],
            "ordinals": [ordinal for _, ordinal, _ in places],
            "digests": digests,
            "first_lines": [chunk.first_line for _, _, chunk in places],
            "last_lines": [chunk.last_line for _, _, chunk in places],
            "pages": [chunk.page for _, _, chunk in places],
        },
    )
    if inserted.rowcount != len(places):
        raise DatabaseConflict("a sweep has deleted a chunk before it was placed in its content: try again")


def outdate_contents(connection: Connection, ids: Collection[ContentId]) -> None:
    """Let contents count as read by an older extractor, so that their bytes are read again. Their files stay found."""
    if ids:
        # Another transaction may outdate other contents of the same bytes: they would get the same version.
        connection.execute(_SQL["lock_same_bytes"], {"ids": list(ids)})
        connection.execute(_SQL["outdate_contents"], {"ids": list(ids)})


def orphan_contents(connection: Connection, ids: Collection[ContentId]) -> None:
    """Mark those of the contents that no file has as orphans."""
    if ids:
        connection.execute(_SQL["orphan_contents"], {"ids": list(ids)})


def orphan_contents_without_grace(connection: Connection, ids: Collection[ContentId]) -> None:
    """Mark those of the contents that no file has as orphans without a grace period: the next sweep deletes them."""
    if ids:
        connection.execute(_SQL["orphan_contents_without_grace"], {"ids": list(ids)})


def contents_of_root(connection: Connection, root: RootId) -> set[ContentId]:
    """The contents of the files of a root."""
    return {ContentId(row[0]) for row in connection.execute(_SQL["contents_of_root"], {"root_id": root})}


def mark_orphans(connection: Connection, *, unreadable_grace_s: float) -> int:
    """Mark every content that no file has as an orphan. Returns their number.

    This finds contents that `orphan_contents` skips because another transaction has locked them. An unreadable content
    is marked when no file with its bytes has been read for `unreadable_grace_s` seconds.
    """
    return connection.execute(_SQL["mark_orphans"], {"unreadable_grace": unreadable_grace_s}).rowcount


def sweep_orphans(connection: Connection, *, grace_s: float, limit: int) -> int:
    """Delete up to `limit` contents that have been orphans for `grace_s` seconds, and the chunks that only they had.

    Returns the number of contents: 0 while another transaction sweeps.
    """
    if not _take_sweep_lock(connection):
        return 0
    count, chunks = fetch_one(connection.execute(_SQL["sweep_contents"], {"grace": grace_s, "limit": limit}))
    _delete_unplaced_chunks(connection, chunks)
    return int(count)


def sweep_chunks(connection: Connection, *, limit: int) -> int:
    """Delete those of the next `limit` chunks that are in no content. Returns their number.

    Successive calls go through all chunks. `sweep_orphans` skips a chunk that another transaction is placing in a
    content; if that transaction is rolled back, the chunk stays unplaced.
    """
    if not _take_sweep_lock(connection):
        return 0
    rows = connection.execute(_SQL["next_unplaced_chunks"], {"limit": limit})
    return _delete_unplaced_chunks(connection, [row[0] for row in rows])


def _take_sweep_lock(connection: Connection) -> bool:
    """Take the sweep lock until the transaction ends. Returns False when another transaction has it."""
    return bool(fetch_one(connection.execute(_SQL["take_sweep_lock"], {"lock": SWEEP_LOCK}))[0])


def _delete_unplaced_chunks(connection: Connection, chunks: list[int]) -> int:
    """Delete those of the chunks that are in no content, and their vectors. Returns their number."""
    locked = [row[0] for row in connection.execute(_SQL["lock_unplaced_chunks"], {"ids": chunks})]
    deleted = [row[0] for row in connection.execute(_SQL["delete_chunks"], {"ids": locked})]
    connection.execute(_SQL["delete_embeddings"], {"ids": deleted})
    return len(deleted)
