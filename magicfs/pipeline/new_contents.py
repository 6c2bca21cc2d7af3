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
from magicfs.domain.contents import NO_OCR, Document, PageText, Recognition, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.domain.stored_contents import ContentKey, EarlierReading, NewContent
from magicfs.pipeline.reading import FileRead
from magicfs.text.extract.documents.picture_texts import with_picture_texts
from magicfs.text.extract.options import OcrEngine
from magicfs.text.extract.versions import RECOGNISED_SINCE

_EARLIER_TEXT_STAYS = frozenset(
    {
        SkipReason.NEEDS_OCR,
        SkipReason.TIMEOUT,
        SkipReason.CRASHED,
        SkipReason.CORRUPT,
        SkipReason.BOMB,
        SkipReason.OUT_OF_MEMORY,
    }
)
"""Reasons that say nothing of bytes that an earlier reader could read: that one's text is better than none."""


class Chunker(Protocol):
    """Cuts a document into pieces that the model can read whole."""

    def chunks(self, document: Document) -> list[Chunk]:
        """The pieces in order. The same document always gives the same ones."""


class NewContents:
    """Makes the contents of files."""

    def __init__(self, database: Database, chunker: Chunker, *, ocr: OcrEngine | None) -> None:
        """`ocr` is what the pictures in documents are recognised with."""
        self._database = database
        self._chunker = chunker
        self._ocr = ocr

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
        if extracted.pictures:
            return self._with_pictures(file, extracted, str(self._ocr or NO_OCR))
        chunks, pages = self._chunker.chunks(extracted), extracted if extracted.pending_pages else None
        if extracted.missing_pages and (earlier := self._earlier(file.key, extracted.missing_pages)) is not None:
            chunks = with_earlier_chunks(chunks, earlier.chunks)
            extracted = replace(extracted, language=extracted.language or earlier.language)
        outcome = extracted if chunks else Unreadable(SkipReason.NO_TEXT)
        return NewContent(file.key, size=file.size, extracted=outcome, chunks=chunks, pages=pages)

    def _with_pictures(self, file: FileRead, document: Document, ocr: str) -> NewContent:
        """The content of a document with the texts of its pictures, as far as they are known.

        A picture that was read in any document, such as in what this one was before it was saved, is not read again;
        what another OCR has read of it is found until this one has, and for good without OCR.
        """
        found = self._found_pictures(document, ocr)
        known = {number: read for number, (read, is_by_ocr) in found.items() if is_by_ocr}
        texts = dict(document.page_texts) | known
        recognised = tuple(number for number in sorted(texts) if texts[number].is_recognised and texts[number].text)
        document = replace(
            document,
            pending_pages=tuple(number for number in document.pending_pages if number not in known),
            page_texts=texts,
            recognition=Recognition(ocr, recognised, are_pictures=True) if recognised else None,
        )
        shown = {number: read.text for number, read in (texts | {n: read for n, (read, _) in found.items()}).items()}
        whole = with_picture_texts(document, dict(sorted(shown.items())))
        chunks = self._chunker.chunks(whole)
        outcome = whole if chunks else Unreadable(SkipReason.NO_TEXT, ocr=ocr)
        return NewContent(file.key, size=file.size, extracted=outcome, chunks=chunks, pages=document, picture_ocr=ocr)

    def recognised_before(self, key: ContentKey) -> dict[int, PageText]:
        """What the present OCR has recognised of a PDF file that a newer reader reads, by number of the page from 1."""
        if self._ocr is None:
            return {}
        ocr = str(self._ocr)
        return self._database.run_in_transaction(
            lambda connection: page_texts_db.recognised_before(connection, key, ocr=ocr, since=RECOGNISED_SINCE)
        )

    def known_pictures(self, document: Document) -> dict[int, PageText]:
        """What the present OCR has read of the pictures of a document in any one, by number from 1."""
        found = self._found_pictures(document, str(self._ocr or NO_OCR)) if document.pictures else {}
        return {number: read for number, (read, is_by_ocr) in found.items() if is_by_ocr}

    def _found_pictures(self, document: Document, ocr: str) -> dict[int, tuple[PageText, bool]]:
        """What was read of its other pictures in any document, by number, and whether this OCR has read it."""
        unread = {
            number: picture.digest
            for number, picture in enumerate(document.pictures, 1)
            if number not in document.page_texts
        }
        earlier = self._database.run_in_transaction(
            lambda connection: page_texts_db.picture_texts(connection, unread.values(), ocr=ocr)
        )
        return {number: earlier[digest] for number, digest in unread.items() if digest in earlier}

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
