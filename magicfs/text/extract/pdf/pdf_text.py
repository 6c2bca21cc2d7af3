"""`PdfFile`: an open PDF file. PDFium gives its text layers and draws its pages.

Runs in the child process. `text_layers` makes a document of it, `pdf_pages` has its pages recognised. PDFium is not
thread-safe: one thread.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final, Self

import pypdfium2
import pypdfium2.raw
from PIL import Image

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.stated_metadata import keywords_of, stated, title_of
from magicfs.text.extract.ocr.seen_pictures import png_of
from magicfs.text.extract.pdf.glyph_lines import text_of_glyphs
from magicfs.text.extract.pdf.glyph_numbers import with_letters_of_numbers
from magicfs.text.extract.pdf.missing_fonts import provide_missing_fonts
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.page_glyphs import glyphs_of, whole
from magicfs.text.extract.pdf.shown_pictures import NO_PICTURES, Box, PagePictures, margins, pictures_of
from magicfs.text.extract.pdf.tex_letters import (
    has_accents_apart,
    has_tex_ligatures,
    with_accents,
    with_tex_ligatures,
)
from magicfs.text.extract.pdf.text_doubts import is_better, is_doubtful, is_written_from_right
from magicfs.text.extract.plain.plain_text import clean

PDF_TYPE: Final = "application/pdf"

_POINTS_PER_INCH: Final = 72
_CONTROLS: Final = {code: " " for code in range(0x20) if chr(code) not in "\t\n\x02"}
"""Glyphs without a known meaning."""
_SMALL_CAPITALS: Final = {
    0xF700 + code: chr(code) for code in (*b"!$&0123456789?", *range(0x61, 0x7B), 0xA1, 0xA2, 0xBF, *range(0xE0, 0x100))
}
"""Small capitals and old-style digits, to which Adobe has given private characters by the names of their glyphs."""
_SHOWN: Final = _CONTROLS | _SMALL_CAPITALS
_LINE_END_HYPHEN: Final = re.compile("[\x02\ufffe]\n?")
"""The engine's hyphen at the end of a line, which goes on with the rest of the word."""
_MAX_GLYPHS: Final = 100_000
"""Those of a page that are put together anew take a second, and some hundred bytes each."""
_MOST_READ_IN_VAIN: Final = 3
"""The pages of a file that are put together anew, at five times the cost, without a better text: then no more are."""
MOST_KEPT_BYTES: Final = 64 << 20
"""What the engine may keep of a file that is not in memory: the streams of the pages that were read."""
_KEYS: Final = ("Title", "Author", "Subject", "Keywords")
_NO_AUTHOR: Final = "anonymous"
_EMPTY: Final = b"""%PDF-1.1
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
trailer<</Root 1 0 R>>
"""


class PdfFile:
    """An open PDF file. Pages count from 0. Every method may raise `PdfiumError`."""

    def __init__(self, source: bytes | OpenFile) -> None:
        """`source` is the file in memory, or one that is open as long as this is used."""
        provide_missing_fonts()
        self._source = source
        self._file = pypdfium2.PdfDocument(source)
        self._read_before = _bytes_read(source)
        self._read_in_vain = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        """The number of pages."""
        return len(self._file)

    def document(self) -> Document:
        """The document with what it is about, and with empty pages."""
        metadata = {key.lower(): self._stated(key) for key in _KEYS}
        author = stated(metadata.get("author"))
        return Document(
            text="",
            mime_type=PDF_TYPE,
            title=title_of(metadata),
            author=None if author is None or author.strip("() ").lower() == _NO_AUTHOR else author,
            keywords=keywords_of(metadata),
            page_starts=(0,) * len(self._file),
        )

    def _stated(self, key: str) -> str:
        """What the file states by a key, without half of a character: programs cut titles, and the package fails."""
        name = key.encode() + b"\0"
        size = pypdfium2.raw.FPDF_GetMetaText(self._file, name, None, 0)
        value = ctypes.create_string_buffer(size)
        pypdfium2.raw.FPDF_GetMetaText(self._file, name, value, size)
        return clean(value.raw.decode("utf-16-le", "ignore"))

    def text(self, number: int) -> str:
        """The clean text of a page, in the order of its content, with all that lies outside of the visible part.

        A divided word stays divided, so that the analysis of words finds it either way.
        """
        return self._text_and_pictures(number, find=None)[0]

    def text_and_pictures(self, number: int) -> tuple[str, PagePictures]:
        """The text of a page, as `text` gives it, and what the page shows in pictures."""
        return self._text_and_pictures(number, find=pictures_of)

    def _text_and_pictures(
        self,
        number: int,
        *,
        find: Callable[[pypdfium2.PdfPage, pypdfium2.PdfTextPage], PagePictures] | None,
    ) -> tuple[str, PagePictures]:
        with closing(self._page(number)) as page, closing(page.get_textpage()) as layer:
            text = self._text_of(layer)
            pictures = NO_PICTURES
            if find is not None:
                with suppress(Exception):  # what a page shows never costs its text
                    pictures = find(page, layer)
        return _LINE_END_HYPHEN.sub("-\n", clean(with_tex_ligatures(text)).translate(_SHOWN)), pictures

    def _text_of(self, layer: pypdfium2.PdfTextPage) -> str:
        """The text of a page as the engine puts it together, or as its glyphs stand, where that is better."""
        text = _engine_text(layer)
        if len(text) > _MAX_GLYPHS:
            return text
        if (by_numbers := with_letters_of_numbers(text)) != text:
            return by_numbers
        if is_written_from_right(text):
            return text_of_glyphs(glyphs_of(layer))
        if has_accents_apart(text) and (glyphs := with_accents(glyphs_of(layer))):
            return text_of_glyphs(glyphs)
        if self._read_in_vain < _MOST_READ_IN_VAIN and is_doubtful(text):
            by_glyphs = text_of_glyphs(glyphs_of(layer))
            if is_better(by_glyphs, than=text):
                return by_glyphs
            self._read_in_vain += 1
        return text

    def draw(self, number: int, *, dpi: float, max_pixels: int, box: Box | None = None) -> bytes:
        """A page, or a part of it, as a picture in the format PNG: see `picture`."""
        return png_of(self.picture(number, dpi=dpi, max_pixels=max_pixels, box=box))

    def picture(self, number: int, *, dpi: float, max_pixels: int, box: Box | None = None) -> Image.Image:
        """A page, or a part of it, as a picture in RGB, with the fields of its form.

        The resolution is lower than `dpi` where a side would have more than `max_pixels`.
        """
        with closing(self._page(number, with_forms=True)) as page:
            outside = (0.0,) * 4 if box is None else margins(page, box)
            width, height = page.get_size()
            longest = max(width - outside[0] - outside[2], height - outside[1] - outside[3])
            scale = min(dpi / _POINTS_PER_INCH, max_pixels / longest)
            drawn: Image.Image = page.render(scale=scale, crop=outside).to_pil()
            return drawn.convert("RGB")

    def size(self, number: int) -> tuple[float, float]:
        """The width and the height of a page, in points."""
        with closing(self._page(number)) as page:
            width, height = page.get_size()
            return float(width), float(height)

    def pictures(self, number: int) -> PagePictures:
        """What a page shows in pictures."""
        with closing(self._page(number)) as page, closing(page.get_textpage()) as layer:
            return pictures_of(page, layer)

    def _page(self, number: int, *, with_forms: bool = False) -> pypdfium2.PdfPage:
        """A page, to be closed. PDFium keeps what it reads, so a file that is not in memory is opened now and then."""
        if _bytes_read(self._source) - self._read_before > MOST_KEPT_BYTES:
            try:
                before, self._file = self._file, pypdfium2.PdfDocument(self._source)
                before.close()
            finally:  # to find the objects of a damaged file, all of it is read
                self._read_before = _bytes_read(self._source)
        page = self._file[number]
        if with_forms and self._file.formenv is None and pypdfium2.raw.FPDFPage_GetAnnotCount(page) > 0:
            # It reads all fields of the file, of which a damaged one has any number. Pages are opened after it.
            page.close()
            self._file.init_forms()
            page = self._file[number]
        return page


def _bytes_read(source: bytes | OpenFile) -> int:
    """The bytes of a source that were read from the disk."""
    return source.bytes_read if isinstance(source, OpenFile) else 0


def _engine_text(layer: pypdfium2.PdfTextPage) -> str:
    """The text of a page, with a blank for each glyph without a known meaning: a space often has none."""
    count = layer.count_chars()
    ends = {pypdfium2.raw.FPDFText_GetTextIndexFromCharIndex(layer, place) for place in (0, count - 1)}
    # The engine leaves those glyphs out, and the package calls itself for each of them at an end of the page.
    if -1 not in ends and len(text := str(layer.get_text_range())) == count and not has_tex_ligatures(text):
        return text
    # It is asked for one by one, which takes twice the time.
    codes = (pypdfium2.raw.FPDFText_GetUnicode(layer, place) for place in range(count))
    text = whole("".join(chr(code) if code <= sys.maxunicode else " " for code in codes))
    return with_tex_ligatures(text).replace("\0", " ")


def warm_up() -> None:
    """Load what the libraries load late: the process cannot read it any more behind its walls."""
    with PdfFile(_EMPTY) as file:
        file.text(0)
        file.draw(0, dpi=_POINTS_PER_INCH, max_pixels=_POINTS_PER_INCH)
