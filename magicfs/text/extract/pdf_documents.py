"""Adds to what kreuzberg reads of a PDF file: pages that it loses, fields, annotations and attached files.

Runs in the child process, called by `document_parts`. pypdf raises anything about a damaged file: that never costs the
pages that were read. Pure functions.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Final

from pypdf.errors import DependencyError

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.additions import append_to_pages, text_of
from magicfs.text.extract.answers import PartialDocument
from magicfs.text.extract.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.part_count import PartCount, PartReader
from magicfs.text.extract.pdf_parts import pdf_parts
from magicfs.text.extract.pdf_second_reading import opened, with_cut_pages, with_ligatures, with_lost_pages
from magicfs.text.extract.right_to_left import in_reading_order

PDF_TYPE: Final = "application/pdf"

_BESIDE_PAGES: Final = "its fields, annotations and attached files"


def read_again(
    outcome: Document | PartialDocument | Unreadable, content: bytes, *, until: float
) -> Document | PartialDocument | Unreadable:
    """The outcome with what kreuzberg loses of the pages; until a moment on the monotonic clock."""
    if isinstance(outcome, PartialDocument):
        with contextlib.suppress(Exception):
            outcome = replace(outcome, document=with_cut_pages(outcome.document, content, until=until))
    elif isinstance(outcome, Document):
        with contextlib.suppress(Exception):
            outcome = with_cut_pages(outcome, content, until=until)
    with contextlib.suppress(Exception):
        if isinstance(outcome, PartialDocument):
            outcome = with_lost_pages(outcome, content, until=until)
        if isinstance(outcome, PartialDocument):
            return replace(outcome, document=_in_arabic_and_hebrew(outcome.document, content, until=until))
        if isinstance(outcome, Document):
            return _in_arabic_and_hebrew(outcome, content, until=until)
    return outcome


def _in_arabic_and_hebrew(document: Document, content: bytes, *, until: float) -> Document:
    """A document with the ligatures and the order of words of scripts that are read from right to left."""
    ordered = in_reading_order(document)
    with contextlib.suppress(Exception):
        return with_ligatures(ordered, content, until=until)
    return ordered


def with_pdf_parts(
    outcome: Document | PartialDocument | Unreadable,
    content: bytes,
    *,
    read_part: PartReader,
    until: float,
    parts: PartCount,
) -> Document | PartialDocument | Unreadable:
    """The outcome with what is beside the pages; until a moment on the monotonic clock."""
    running_text = "" if isinstance(outcome, Unreadable) else text_of(outcome).strip()
    try:
        # The outline of a file without a text says nothing about its pages.
        texts = pdf_parts(content, running_text=running_text or None, read_part=read_part, until=until, parts=parts)
    except DependencyError:
        parts.add_unread(_BESIDE_PAGES, SkipReason.ENCRYPTED)
        return outcome
    except Exception:  # noqa: BLE001  (see above)
        parts.add_unread(_BESIDE_PAGES)
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
