"""`PdfPages`: the pages of one PDF file, one by one: what a page shows beside its text layer, and that layer itself.

Runs in the child process, made by `kreuzberg_parser` for each file. A scanned page is recognised as a whole, of others
the pictures are. Layers are read here where another process has failed at one of them. One thread; calls may raise any
exception of the libraries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.extract.ocr.recognised_words import is_text
from magicfs.text.extract.ocr.seen_pictures import is_long, long_side, png_of
from magicfs.text.extract.ocr.strips import text_in_strips
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.page_pictures import is_noise, may_show_text
from magicfs.text.extract.pdf.page_texts import FEW_PAGE_CHARACTERS, MIN_PAGE_CHARACTERS, PAGE_SEPARATOR
from magicfs.text.extract.pdf.pdf_text import PdfFile
from magicfs.text.extract.pdf.shown_pictures import NO_PICTURES, Box, PagePictures, Region
from magicfs.text.extract.pdf.text_layers import COVERED_SHARE

_DPI: Final = 200
_MAX_SIDE_PIXELS: Final = 3000
"""The longer side of a page that is recognised; a larger page is drawn with less than `_DPI`."""
_MAX_REGION_PIXELS: Final = 2400
"""The longer side of a picture on a page that is recognised, that of A4 at `_DPI`."""
_MAX_LONG_SIDE: Final = 30_000
"""That of a long page or picture, in pixels: with a width of 1600, it is as large as the largest picture."""
_POINTS_PER_INCH: Final = 72
_PREVIEW_DPI: Final = 72
_PREVIEW_SIDE_PIXELS: Final = 1000


def picture_of_page(content: bytes, page: int) -> bytes:
    """A page of a PDF file in memory as a picture in the format PNG, as large as it is recognised.

    May raise any exception of the library.
    """
    with PdfFile(content) as file:
        return file.draw(page, dpi=_DPI, max_pixels=_most_pixels(file.size(page), dpi=_DPI) or _MAX_SIDE_PIXELS)


def pictures_on_pages(content: bytes, pages: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield pages of a PDF file in memory that show pictures which may have words beside the text, each as often.

    The second number counts the pictures of a page from 0. May raise any exception of the library.
    """
    with PdfFile(content) as file:
        for page in pages:
            yield from ((page, number) for number in range(len(file.pictures(page).regions)))


def picture_on_page(content: bytes, page: int, number: int) -> bytes:
    """A picture that a page of a PDF file in memory shows, in the format PNG, as large as it is recognised.

    May raise any exception of the library.
    """
    with PdfFile(content) as file:
        region = file.pictures(page).regions[number]
        box, dpi = region.box, max(_DPI, region.dpi)
        most = _most_pixels((box.right - box.left, box.top - box.bottom), dpi=dpi) or _MAX_REGION_PIXELS
        return file.draw(page, dpi=dpi, max_pixels=most, box=box)


def _most_pixels(sides: tuple[float, float], *, dpi: float) -> int | None:
    """The longer side, in pixels, of a long page or picture of these sides in points; None for any other."""
    width, height = (int(side / _POINTS_PER_INCH * dpi) for side in sides)
    return min(long_side(sides), _MAX_LONG_SIDE) if is_long((width, height)) else None


class PdfPages:
    """The pages of an open PDF file, by number from 0."""

    def __init__(self, descriptor: int, *, recognise: Callable[[bytes], str] | None, seconds: float) -> None:
        """Read from the descriptor, which stays open as long as this is used.

        `recognise` gives the clean text in a picture; None without OCR. Of a long page or picture, strips are begun for
        so many `seconds`.
        """
        self._descriptor = descriptor
        self._recognise = recognise
        self._seconds = seconds
        self._shown: tuple[int, list[Region] | None] | None = None
        """The page that was looked at last, and the pictures on it that show more than its text; None for all of it."""

    def shows_more(self, page: int, *, known_letters: int) -> bool:
        """Whether a page may show text beside the letters of its text layer, so that it is worth recognising."""
        if self._is_scan(page, known_letters):
            self._shown = page, None
            drawn = self._file.draw(page, dpi=_PREVIEW_DPI, max_pixels=_MAX_SIDE_PIXELS)
            return may_show_text(drawn, known_letters=known_letters)
        regions = [region for region in self._pictures(page).regions if self._may_show_text(page, region)]
        self._shown = page, regions
        return bool(regions)

    def recognise(self, page: int) -> str:
        """The recognised text of a page, or of the pictures on it that show more. Raises `RuntimeError` without OCR."""
        regions = self._shown[1] if self._shown is not None and self._shown[0] == page else None
        if regions is None:
            return self._text(page, self._file.size(page), dpi=_DPI, max_pixels=_MAX_SIDE_PIXELS)
        read = [self._text_of_region(page, region).strip() for region in regions]
        return PAGE_SEPARATOR.join(filter(is_text, read))

    def document(self) -> Document:
        """The document with its title, and with empty pages whose texts `layer` has."""
        return self._file.document()

    def layer(self, page: int) -> str:
        """The clean text layer of a page."""
        return self._file.text(page)

    @cached_property
    def _file(self) -> PdfFile:
        return PdfFile(OpenFile(self._descriptor))

    def _is_scan(self, page: int, known_letters: int) -> bool:
        """Whether a page has no text layer, or a few words that may be a stamp or a header on a scan."""
        if known_letters < MIN_PAGE_CHARACTERS:
            return True
        return known_letters < FEW_PAGE_CHARACTERS and self._pictures(page).share >= COVERED_SHARE

    def _text_of_region(self, page: int, region: Region) -> str:
        """The text of a picture, drawn large enough for the print of a page, and of a screenshot shown small."""
        box, dpi = region.box, max(_DPI, region.dpi)
        sides = box.right - box.left, box.top - box.bottom
        return self._text(page, sides, dpi=dpi, max_pixels=_MAX_REGION_PIXELS, box=box)

    def _text(
        self, page: int, sides: tuple[float, float], *, dpi: float, max_pixels: int, box: Box | None = None
    ) -> str:
        """The text of a page, or of a part of it, of these sides in points. What is long is read in strips."""
        if self._recognise is None:
            raise RuntimeError("there is no OCR")
        recognise, most_pixels = self._recognise, _most_pixels(sides, dpi=dpi)
        if most_pixels is None:
            return recognise(self._file.draw(page, dpi=dpi, max_pixels=max_pixels, box=box))
        picture = self._file.picture(page, dpi=dpi, max_pixels=most_pixels, box=box)
        until = time.monotonic() + self._seconds
        return text_in_strips(picture, lambda strip: recognise(png_of(strip)), until=until)[0]

    def _may_show_text(self, page: int, region: Region) -> bool:
        # How many outlines a letter of the text layer has is known at one resolution only.
        dpi = _PREVIEW_DPI if region.letters else region.dpi
        drawn = self._file.draw(page, dpi=dpi, max_pixels=_PREVIEW_SIDE_PIXELS, box=region.box)
        return may_show_text(drawn, known_letters=region.letters) and not is_noise(drawn)

    def _pictures(self, page: int) -> PagePictures:
        """What a page shows in pictures; nothing if the engine cannot say it: the text layer was read, and stands."""
        try:
            return self._file.pictures(page)
        except Exception:
            return NO_PICTURES
