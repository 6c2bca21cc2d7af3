"""Makes a document of the text layers of a PDF file, and says which of its pages need more than their layer.

Runs in the child process, called by `DocumentParser`.
"""

from __future__ import annotations

import dataclasses
import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Final

import pypdfium2
import pypdfium2.raw
import xxhash

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.page_texts import (
    FEW_PAGE_CHARACTERS,
    MIN_PAGE_CHARACTERS,
    PAGE_SEPARATOR,
    pages_with_few_letters,
)
from magicfs.text.extract.pdf.pdf_text import PdfFile
from magicfs.text.extract.pdf.shown_pictures import NO_PICTURES, PagePictures

COVERED_SHARE: Final = 0.5
"""The share of a page that the pictures of a scan cover at least: many programs leave margins."""
_IMAGE: Final = re.compile(rb"/Subtype\s*/Image\b")
"""An image's dictionary is never compressed, even in PDF files with compressed objects."""
_MAX_PICTURE_PAGES: Final = 50
"""The pages of a file of which pictures are recognised beside their text, the first ones: as many as of a document."""
MAX_KNOWN_CHARACTERS: Final = 8 << 20
"""Those of the texts that are kept: they take as many bytes, and up to four times as many in rare scripts."""
_LEAST_CHARACTERS: Final = 1000
"""As how many a text counts beside its own."""
_ENCRYPTED: Final = b"/Encrypt"
"""The key is never compressed."""


def read_pdf(source: bytes | OpenFile) -> Parsed:
    """The document, or why there is none. The outcome says which pages have few letters or none.

    The text of a page that cannot be read is empty.
    """
    if isinstance(source, OpenFile) and source.is_incomplete():
        # The engine would search gigabytes of them for objects.
        return Unreadable(SkipReason.CORRUPT, "its end is missing")
    # Words beside a picture may be a stamp on a scan, or those beside the screenshot on a slide.
    has_pictures = isinstance(source, OpenFile) or _IMAGE.search(source) is not None
    try:
        with PdfFile(source) as file:
            pages = [_page(file, number, with_pictures=has_pictures) for number in range(len(file))]
            document = file.document()
    except pypdfium2.PdfiumError as error:
        return _unreadable(error, source)
    texts = [text + PAGE_SEPARATOR for text, _ in pages]
    starts = tuple(accumulate((len(text) for text in texts[:-1]), initial=0)) if texts else ()
    document = dataclasses.replace(document, text="".join(texts), page_starts=starts)
    few = set(pages_with_few_letters(document, fewer_than=FEW_PAGE_CHARACTERS))
    none = pages_with_few_letters(document, fewer_than=MIN_PAGE_CHARACTERS)
    scanned = {*none, *(page for page in few if pages[page][1].share >= COVERED_SHARE)}
    beside = _pages_with_new_pictures([pictures for _, pictures in pages], without=scanned)
    if not scanned and not beside:
        return document
    return PartialDocument(document, pages=tuple(sorted(scanned)), beside_text=beside)


class KnownLayers:
    """What was read of the last PDF files, as `read_pdf` gives it.

    The pictures of a mailbox are looked for at each turn, which would read all PDF files in it again.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Parsed] = OrderedDict()
        self._characters = 0

    def read(self, content: bytes) -> Parsed:
        """The document, or why there is none: see `read_pdf`."""
        digest = xxhash.xxh3_128_digest(content)
        if digest in self._known:
            self._known.move_to_end(digest)
            return self._known[digest]
        read = self._known[digest] = read_pdf(content)
        self._characters += _characters_of(read)
        while self._characters > MAX_KNOWN_CHARACTERS:
            _, oldest = self._known.popitem(last=False)
            self._characters -= _characters_of(oldest)
        return read


def _characters_of(read: Parsed) -> int:
    document = read.document if isinstance(read, PartialDocument) else read
    return _LEAST_CHARACTERS + (len(document.text) if isinstance(document, Document) else 0)


def _pages_with_new_pictures(pages: Sequence[PagePictures], *, without: Collection[int]) -> tuple[int, ...]:
    """The first pages with pictures that may have words, and that no page before has, as it has a background."""
    seen: set[tuple[int, ...]] = set()
    found = []
    for number, pictures in enumerate(pages):
        if number not in without and not pictures.marks <= seen:
            found.append(number)
        seen |= pictures.marks
    return tuple(found[:_MAX_PICTURE_PAGES])


def _page(file: PdfFile, number: int, *, with_pictures: bool) -> tuple[str, PagePictures]:
    try:
        return file.text_and_pictures(number) if with_pictures else (file.text(number), NO_PICTURES)
    except (pypdfium2.PdfiumError, AssertionError, ValueError):  # the package asserts what the engine gives
        return "", NO_PICTURES


def _unreadable(error: pypdfium2.PdfiumError, source: bytes | OpenFile) -> Unreadable:
    content = source.ends() if isinstance(source, OpenFile) else source
    # The engine may give the error of an earlier file.
    if error.err_code in {pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY} and _ENCRYPTED in content:
        return Unreadable(SkipReason.ENCRYPTED, "needs a password")
    return Unreadable(SkipReason.CORRUPT, "PDFium cannot open it")
