"""Reads a picture: what it says of itself, and its recognised text, page by page where it is a fax or a scan.

Runs in the child process, called by `document_parser`. Untrusted bytes.
"""

from __future__ import annotations

import io
import time
from dataclasses import replace

from PIL import Image

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.extended_documents import text_of
from magicfs.text.extract.documents.file_parts import FAILURES, FileParts
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.documents.picture_pages import TIFF_TYPE, later_pages
from magicfs.text.extract.file_types import NOT_RECOGNISED
from magicfs.text.extract.media import picture_metadata
from magicfs.text.extract.ocr.seen_pictures import as_seen, is_long
from magicfs.text.extract.ocr.strips import text_in_strips
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.process.page_reader import unreadable_of


def read_picture(
    content: bytes, mime_type: str, *, library: KreuzbergParser, parts: FileParts, until: float
) -> Document | Unreadable:
    """The text of a picture, or why there is none. After `until`, a monotonic time, no further page is begun."""
    said = picture_metadata.read_picture(content, mime_type)
    if mime_type in NOT_RECOGNISED:
        return said or Unreadable(SkipReason.BINARY, "a picture of which nothing is said")
    if not library.recognises_pictures:
        needs_ocr = Unreadable(SkipReason.NEEDS_OCR, "an image: install tesseract or rapidocr to read its text")
        return said or needs_ocr
    outcome = _recognised(content, mime_type, library=library, parts=parts, until=until)
    if mime_type == TIFF_TYPE:
        outcome = _with_later_pages(outcome, content, library=library, parts=parts, until=until)
    if said is None or isinstance(outcome, Unreadable):
        return said or outcome
    return replace(said, text=f"{said.text}{PAGE_SEPARATOR}{outcome.text}")


def _recognised(
    content: bytes, mime_type: str, *, library: KreuzbergParser, parts: FileParts, until: float
) -> Document | Unreadable:
    """The recognised text of a picture. One at which the library fails costs its own text only."""
    try:
        long = _opened_if_long(content)
        if long is None:
            return library(content, mime_type)
        text, is_whole = text_in_strips(long, library.text_in_picture, until=until)
    except Exception as error:
        return unreadable_of(error)
    if not is_whole:
        parts.add_unread("what follows in the picture", SkipReason.TIMEOUT)
    return Document(text=text, mime_type=mime_type) if text else Unreadable(SkipReason.NO_TEXT)


def _opened_if_long(content: bytes) -> Image.Image | None:
    """A picture that is read in strips, as a person sees it; None for any other. Raises any exception of Pillow."""
    try:
        image = Image.open(io.BytesIO(content))
    except Exception:  # the library opens further kinds, or says what is wrong
        return None
    return as_seen(image, max_side=max(image.size)) if is_long(image.size) else None


def _with_later_pages(
    first: Document | Unreadable, content: bytes, *, library: KreuzbergParser, parts: FileParts, until: float
) -> Document | Unreadable:
    """The recognised text of a fax or a scan with that of its later pages, as many as there is time for."""
    texts = [text_of(first)]
    for number, page in later_pages(content):
        if time.monotonic() > until:
            parts.add_unread(f"page {number} and what follows", SkipReason.TIMEOUT)
            break
        outcome: Document | Unreadable = Unreadable(SkipReason.CORRUPT)
        if page is not None:
            outcome = _recognised(page, "image/png", library=library, parts=parts, until=until)
        if isinstance(outcome, Unreadable) and outcome.reason in FAILURES:
            parts.add_unread(f"page {number}", outcome.reason)
        texts.append(text_of(outcome))
    text = PAGE_SEPARATOR.join(filter(None, texts))
    if isinstance(first, Document):
        return replace(first, text=text)
    return Document(text=text, mime_type=TIFF_TYPE) if text else first
