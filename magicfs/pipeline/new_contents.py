"""Makes contents of what a parser has read: cuts it into chunks, and keeps the earlier ones of pages that it lacks.

Used by `file_processor` and `page_turns`. It writes nothing. One thread.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Protocol

from magicfs.db.corpus import page_texts as page_texts_db
from magicfs.db.pool import Database
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import ContentKey, Document, EarlierReading, NewContent, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.pipeline.reading import FileRead

_EARLIER_TEXT_STAYS = frozenset(
    {SkipReason.NEEDS_OCR, SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.CORRUPT, SkipReason.BOMB}
)
"""Reasons that say nothing of bytes that an earlier reader could read: that one's text is better than none."""


class Chunker(Protocol):
    """Cuts a document into pieces that the model can read whole."""

    def chunks(self, document: Document) -> list[Chunk]:
        """The pieces in order. The same document always gives the same ones."""


class NewContents:
    """Makes the contents of files."""

    def __init__(self, database: Database, chunker: Chunker) -> None:
        self._database = database
        self._chunker = chunker

    def content(self, file: FileRead, extracted: Document | Unreadable) -> NewContent:
        """The content of a file, with the earlier chunks of pages that were not read.

        A newer version of a reader, or better OCR, begins a scanned book anew: what was found of a page stays found
        until that page is read again. So does all of a file that cannot be read now for one of
        `_EARLIER_TEXT_STAYS`.
        """
        if isinstance(extracted, Unreadable) and extracted.reason in _EARLIER_TEXT_STAYS:
            earlier = self._earlier(file.key, None)
            if earlier is not None:
                unread = (UnreadPages(extracted.reason),)
                extracted = Document(
                    "",
                    file.mime_type,
                    title=earlier.title,
                    author=earlier.author,
                    keywords=earlier.keywords,
                    language=earlier.language,
                    unread=unread,
                )
                return NewContent(file.key, size=file.size, extracted=extracted, chunks=earlier.chunks)
        if isinstance(extracted, Unreadable):
            return NewContent(file.key, size=file.size, extracted=extracted, chunks=[])
        chunks, pages = self._chunker.chunks(extracted), extracted if extracted.pending_pages else None
        if extracted.missing_pages and (earlier := self._earlier(file.key, extracted.missing_pages)) is not None:
            chunks = with_earlier_chunks(chunks, earlier.chunks)
            extracted = replace(extracted, language=extracted.language or earlier.language)
        outcome = extracted if chunks else Unreadable(SkipReason.NO_TEXT)
        return NewContent(file.key, size=file.size, extracted=outcome, chunks=chunks, pages=pages)

    def _earlier(self, key: ContentKey, pages: Collection[int | None] | None) -> EarlierReading | None:
        return self._database.run_in_transaction(
            lambda connection: page_texts_db.earlier_reading(connection, key, pages)
        )


def with_earlier_chunks(chunks: Sequence[Chunk], earlier: Sequence[Chunk]) -> list[Chunk]:
    """The chunks of a document in which pages have those of an earlier reading, in the order of the pages.

    Their lines are counted as if the text of these pages stood in that of the document.
    """
    replaced = {chunk.page for chunk in earlier}
    merged = sorted([*(chunk for chunk in chunks if chunk.page not in replaced), *earlier], key=_page_number)
    placed: list[Chunk] = []
    last_line = inserted = 0
    for _, group in groupby(merged, key=_page_number):
        of_page = list(group)
        shift = inserted
        if of_page[0].page in replaced:
            shift = last_line + 1 - of_page[0].first_line
            inserted += of_page[-1].last_line - of_page[0].first_line + 1
        placed += [
            replace(chunk, first_line=chunk.first_line + shift, last_line=chunk.last_line + shift) for chunk in of_page
        ]
        last_line = placed[-1].last_line
    return placed


def _page_number(chunk: Chunk) -> int:
    return chunk.page or 0
