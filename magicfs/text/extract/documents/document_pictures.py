"""The pictures in office documents, books and messages that may show text: which there are, and their recognition.

Runs in the child process: `document_parser` lists them, and `page_reader` reads them one by one, as scanned pages.
`container_pictures` finds those in zip containers. Of drawings (WMF, EMF), there are the pictures in them. Left out are
SVG, icons and rules, and repetitions. Untrusted bytes. One thread.
"""

from __future__ import annotations

import contextlib
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Final

from PIL import Image

from magicfs.domain.contents import Document, Picture, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.container_pictures import pictures_in_container
from magicfs.text.extract.documents.djvu_documents import DJVU_TYPE, scanned_pages
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.found_pictures import FORMATS, MAX_PIXELS, FoundPictures
from magicfs.text.extract.documents.inline_pictures import pictures_in_text
from magicfs.text.extract.documents.mobipocket import MOBIPOCKET_TYPE, pictures_of_book
from magicfs.text.extract.ocr.recognised_words import is_text
from magicfs.text.extract.ocr.seen_pictures import as_seen, is_long, png_of
from magicfs.text.extract.ocr.strips import text_in_strips
from magicfs.text.extract.office.drawn_bitmaps import pictures_in_drawings
from magicfs.text.extract.office.drawn_pictures import pictures_of_old_office, pictures_of_slides
from magicfs.text.extract.office.excel_files import OLD_WORKBOOK_TYPE
from magicfs.text.extract.office.rtf_files import RTF_TYPE
from magicfs.text.extract.office.rtf_pictures import rtf_pictures
from magicfs.text.extract.office.slide_files import OLD_SLIDES_TYPE
from magicfs.text.extract.office.word_files import WORD_TYPE
from magicfs.text.extract.pdf.page_pictures import is_noise, may_show_text

_ZIP_SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06")
_FINDERS: Final[dict[str, Callable[[bytes], Iterator[tuple[bytes, int | None]]]]] = {
    WORD_TYPE: pictures_of_old_office,
    OLD_WORKBOOK_TYPE: pictures_of_old_office,
    OLD_SLIDES_TYPE: pictures_of_slides,
    RTF_TYPE: rtf_pictures,
    MOBIPOCKET_TYPE: pictures_of_book,
}
"""What finds the pictures of a document that is no container of files, each with its page if there are pages."""

_MAX_SIDE: Final = 3000
"""The longer side of a picture that is recognised, in pixels, as that of a page."""
_PREVIEW_SIDE: Final = 1000


def with_pictures(outcome: Document | Unreadable, content: bytes, exact_type: str) -> Document | Unreadable:
    """The outcome with the pictures of a document that may show text. One that has nothing else has empty pages."""
    if isinstance(outcome, Unreadable) and outcome.reason is not SkipReason.NO_TEXT:
        return outcome
    found = _found_pictures(content, exact_type)
    if not found:
        return outcome
    document = outcome if isinstance(outcome, Document) else Document(text="", mime_type=exact_type)
    if not document.text.strip() and not document.page_starts:
        pages = max((picture.page or 0 for picture in found), default=0)
        document = replace(document, text="", page_starts=(0,) * pages)
    return replace(document, pictures=found)


def _found_pictures(content: bytes, exact_type: str) -> tuple[Picture, ...]:
    """The pictures of a document that may show text, as far as it is not damaged."""
    if not content.startswith(_ZIP_SIGNATURES):
        return _inside_of(content, exact_type, keeps_bytes=False).found
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            return tuple(found.picture for found in pictures_in_container(container, exact_type))
    except DAMAGE:
        return ()


def _inside_of(content: bytes, exact_type: str, *, keeps_bytes: bool) -> FoundPictures:
    """The pictures of a document that is no zip container."""
    pictures = FoundPictures(keeps_bytes=keeps_bytes)
    if exact_type == DJVU_TYPE:
        for scan, read in scanned_pages(content):
            pictures.add_listed(scan, read)
            if pictures.is_full:
                break
        return pictures
    with contextlib.suppress(*DAMAGE):
        found = _FINDERS.get(exact_type, partial(_in_text, mime_type=exact_type))(content)
        for picture, page in chain(found, pictures_in_drawings(content, exact_type)):
            pictures.add(picture, page=page)
            if pictures.is_full:
                break
    return pictures


def _in_text(content: bytes, mime_type: str) -> Iterator[tuple[bytes, None]]:
    return ((picture, None) for picture in pictures_in_text(content, mime_type))


def pictures_inside(content: bytes, exact_type: str) -> Iterator[tuple[Picture, Callable[[], bytes]]]:
    """Yield the pictures that may show text of a document inside of a file, each with what gives its bytes.

    The document is in the form that its readers understand, as far as it is not damaged.
    """
    if not content.startswith(_ZIP_SIGNATURES):
        pictures = _inside_of(content, exact_type, keeps_bytes=True)
        yield from ((picture, partial(pictures.read, number)) for number, picture in enumerate(pictures.found))
        return
    with contextlib.suppress(*DAMAGE):
        container = zipfile.ZipFile(io.BytesIO(content))
        yield from pictures_in_container(container, exact_type)


class DocumentPictures:
    """The pictures of a document, by number from 0, as `page_reader` reads pages. Calls may raise any exception."""

    def __init__(
        self, read: Callable[[int], bytes], *, recognise: Callable[[Image.Image], str] | None, seconds: float
    ) -> None:
        """`read` gives the bytes of a picture, `recognise` the clean text in one; None without OCR.

        Of a long picture, strips are begun for so many `seconds`.
        """
        self._read = read
        self._recognise = recognise
        self._seconds = seconds
        self._opened: tuple[int, Image.Image] | None = None

    def shows_more(self, number: int, *, known_letters: int) -> bool:
        """Whether a picture may show text. A smooth one does not, nor does noise."""
        preview = self._picture(number).copy()
        side = _PREVIEW_SIDE if not is_long(preview.size) else max(preview.size) // 2
        preview.thumbnail((side, side))
        png = png_of(preview)
        return may_show_text(png, known_letters=known_letters) and not is_noise(png)

    def recognise(self, number: int) -> str:
        """The recognised text of a picture; empty if it is hardly one. Raises `RuntimeError` without OCR."""
        if self._recognise is None:
            raise RuntimeError("there is no OCR")
        picture = self._picture(number)
        if is_long(picture.size):
            text, _ = text_in_strips(picture, self._recognise, until=time.monotonic() + self._seconds)
        else:
            text = self._recognise(picture).strip()
        return text if is_text(text) else ""

    def document(self) -> Document:
        """Raises `RuntimeError`: only PDF files are read page by page."""
        raise RuntimeError("a document has no layers")

    def layer(self, number: int) -> str:
        """Raises `RuntimeError`, as `document` does."""
        raise RuntimeError(f"picture {number} has no layer")

    def _picture(self, number: int) -> Image.Image:
        """The picture as a person sees it: upright, on white, and not larger than it is read."""
        if self._opened is None or self._opened[0] != number:
            with Image.open(io.BytesIO(self._read(number)), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise MemoryError(f"{image.width} x {image.height} pixels")
                self._opened = number, as_seen(image, max_side=_MAX_SIDE)
        return self._opened[1]


def reader_of_pictures(content: bytes, exact_type: str | Unreadable) -> Callable[[int], bytes]:
    """What gives the bytes of a picture of a document, by its number from 0.

    The document is in the form and of the type in which its pictures were listed. Raises `DAMAGE`.
    """
    if not content.startswith(_ZIP_SIGNATURES) and isinstance(exact_type, str):
        return _inside_of(content, exact_type, keeps_bytes=True).read
    container = zipfile.ZipFile(io.BytesIO(content))
    found = [] if isinstance(exact_type, Unreadable) else list(pictures_in_container(container, exact_type))
    return lambda number: found[number].read()
