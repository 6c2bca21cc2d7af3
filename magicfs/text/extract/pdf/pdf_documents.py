"""Adds to what PDFium reads of a PDF file: fields, annotations and attached files.

Runs in the child process, called by `document_parts`. pypdf raises anything about a damaged file: that never costs the
pages that were read. Pure functions.
"""

from __future__ import annotations

from dataclasses import replace

from pypdf.errors import DependencyError

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.extended_documents import append_to_pages, text_of
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.pdf.pdf_parts import BESIDE_PAGES, opened, pdf_parts
from magicfs.text.extract.pdf.pdf_text import PDF_TYPE


def with_pdf_parts(
    outcome: Parsed,
    source: bytes | OpenFile,
    *,
    until: float,
    parts: FileParts,
) -> Parsed:
    """The outcome with what is beside the pages; until a moment on the monotonic clock."""
    running_text = "" if isinstance(outcome, Unreadable) else text_of(outcome).strip()
    try:
        # The outline of a file without a text says nothing about its pages.
        texts = pdf_parts(source, running_text=running_text or None, until=until, parts=parts)
    except DependencyError:
        parts.add_unread(BESIDE_PAGES, SkipReason.ENCRYPTED)
        return outcome
    except Exception:
        parts.add_unread(BESIDE_PAGES)
        return outcome
    finally:
        opened.cache_clear()
    if not texts:
        return outcome
    if isinstance(outcome, Unreadable):
        return Document(text=PAGE_SEPARATOR.join(texts.values()), mime_type=PDF_TYPE)
    if isinstance(outcome, PartialDocument):
        return replace(outcome, document=append_to_pages(outcome.document, texts))
    return append_to_pages(outcome, texts)
