"""What a document holds beside its running text: its parts in other places, and the files inside of it.

Used by `document_parser`, which reads the running text. One thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.book_pages import with_book_statements
from magicfs.text.extract.documents.extended_documents import text_of, with_html_parts, with_keywords, with_text
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.html_parts import HTML_TYPES
from magicfs.text.extract.documents.missing_texts import missing_lines
from magicfs.text.extract.documents.stated_keywords import stated_keywords
from magicfs.text.extract.office.office_parts import embedded_documents, office_parts
from magicfs.text.extract.office.refused_documents import BOOK_TYPE
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.pdf.pdf_documents import with_pdf_parts
from magicfs.text.extract.pdf.pdf_text import PDF_TYPE

_HAS_PARTS: Final = frozenset({SkipReason.NO_TEXT, SkipReason.NEEDS_OCR})
"""Why a document whose parts are read may have no text of its own."""


def with_document_parts(
    outcome: Parsed,
    content: bytes,
    mime_type: str,
    *,
    seconds_of_pdf: float,
    parts: FileParts,
) -> Parsed:
    """The outcome with what the document holds beside its running text.

    Parts are read while there is time for parts, those of a PDF file for `seconds_of_pdf`.
    """
    if isinstance(outcome, Unreadable) and outcome.reason not in _HAS_PARTS:
        return outcome
    if mime_type == PDF_TYPE:
        until = time.monotonic() + seconds_of_pdf
        return with_pdf_parts(outcome, content, until=until, parts=parts)
    if isinstance(outcome, PartialDocument):
        return outcome
    if mime_type in HTML_TYPES:
        return with_html_parts(outcome, content.decode("utf-8", "replace"), mime_type)
    if mime_type == BOOK_TYPE and isinstance(outcome, Document):
        outcome = with_book_statements(outcome, content)
    outcome = with_keywords(outcome, stated_keywords(content, mime_type))
    more = office_parts(content, mime_type, running_text=text_of(outcome), parts=parts)
    outcome = with_text(outcome, more, mime_type)
    return with_embedded(outcome, content, mime_type, parts=parts)


def with_embedded(
    outcome: Document | Unreadable, content: bytes, mime_type: str, *, parts: FileParts
) -> Document | Unreadable:
    """The outcome with what the documents inside of the document say more."""
    if isinstance(outcome, Unreadable) and outcome.reason not in _HAS_PARTS:
        return outcome
    texts = missing_lines(_embedded_texts(content, mime_type, parts), in_text=text_of(outcome))
    return with_text(outcome, PAGE_SEPARATOR.join(filter(None, texts)), mime_type)


def _embedded_texts(content: bytes, mime_type: str, parts: FileParts) -> Iterator[str]:
    """The texts of the documents inside of a document."""
    for embedded in embedded_documents(content, mime_type, parts=parts):
        if embedded.is_named:
            yield f"Attachment: {embedded.name}"
        if parts.is_time_over:
            parts.add_unread(embedded.name, SkipReason.TIMEOUT)
        else:
            yield parts.read(embedded.content, embedded.name.encode("utf-8", "replace"))
