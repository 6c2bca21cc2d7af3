"""The pages and pictures of contents that are read some at a time: what was read of them, now and earlier.

Used by the extract workers, and by `contents`, which stores the contents. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection

from magicfs.db.pool import Connection, row_by_row
from magicfs.db.queries import load_queries
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document, PageText, Recognition
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import ContentId, Digest
from magicfs.domain.stored_contents import ContentKey, EarlierReading

_SQL = load_queries("page_texts")

_NO_PAGE = 0
"""Stands for a picture, whose chunks have no page: pages count from 1."""


def page_texts(connection: Connection, content: ContentId) -> dict[int, PageText]:
    """What was read of the pages of a content while others are pending, by number from 1."""
    rows = connection.execute(_SQL["page_texts"], {"id": content})
    return {
        page: PageText(text, is_recognised, None if failure is None else SkipReason(failure))
        for page, text, is_recognised, failure in rows
    }


def insert_page_texts(connection: Connection, content: ContentId, document: Document, *, ocr: str | None) -> None:
    """Store what was read of pages of a content, or of pictures, which `ocr` reads; what is stored of them stays."""
    pages = document.page_texts
    connection.execute(
        _SQL["insert_page_texts"],
        {
            "id": content,
            "ocr": ocr,
            "pictures": [document.pictures[page - 1].digest if document.pictures else None for page in pages],
            "pages": list(pages),
            "texts": [page.text for page in pages.values()],
            "recognised": [page.is_recognised for page in pages.values()],
            "failures": [page.failure and page.failure.value for page in pages.values()],
        },
    )


def delete_page_texts(connection: Connection, content: ContentId) -> None:
    """Forget what was read of single pages: none is pending any more."""
    connection.execute(_SQL["delete_page_texts"], {"id": content})


def picture_texts(
    connection: Connection, pictures: Collection[Digest], *, ocr: str
) -> dict[Digest, tuple[PageText, bool]]:
    """What was read of pictures in any content, by digest, and whether `ocr` has read it, rather than another one."""
    with row_by_row(connection):
        rows = connection.execute(_SQL["picture_texts"], {"pictures": list(pictures), "ocr": ocr}).fetchall()
    return {
        Digest(digest): (PageText(text, is_recognised), is_by_ocr) for digest, text, is_recognised, is_by_ocr in rows
    }


def recognised_before(connection: Connection, key: ContentKey, *, ocr: str, since: int) -> dict[int, PageText]:
    """What `ocr` has recognised of the pages of the same bytes, by number from 1, if nothing was read of them since.

    Only a reader counts that has this version, `since`, or a higher one up to that of the key.
    """
    values = {"digest": key.digest, "kind": key.kind, "ocr": ocr, "since": since, "until": key.extractor}
    texts: dict[int, list[str]] = {}
    recognised: frozenset[int] = frozenset()
    for detail, page, text in connection.execute(_SQL["recognised_before"], values):
        recognised = recognised or frozenset(Recognition.parse(detail or "").pages)
        if page in recognised:
            texts.setdefault(page, []).append(text)
    return {page: PageText("\n\n".join(pieces), is_recognised=True) for page, pieces in texts.items()}


def earlier_reading(
    connection: Connection, key: ContentKey, pages: Collection[int | None] | None
) -> EarlierReading | None:
    """What searches find of some pages by the last reading of the same bytes, by any version; None if that is nothing.

    None among `pages` is a picture, None instead of them the whole file.
    """
    values = {
        "digest": key.digest,
        "kind": key.kind,
        "all": pages is None,
        "pages": [_NO_PAGE if page is None else page for page in pages or ()],
    }
    rows = connection.execute(_SQL["earlier_chunks"], values).fetchall()
    if not rows:
        return None
    chunks = [
        Chunk(text, tokens, first, last, page, context=context, headings=headings, words=words, analysis=analysis)
        for text, tokens, first, last, page, context, headings, words, analysis, *_ in rows
    ]
    language, title, author, keywords = rows[0][-4:]
    return EarlierReading(chunks, language=language, title=title, author=author, keywords=keywords)
