"""`PdfPages`: the pages of one PDF file, one by one: what a page shows beside its text layer, and that layer itself.

Runs in the child process, made by `kreuzberg_parser` for each file. Layers are read here where another process has
failed at one of them. One thread; calls may raise any exception of the libraries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.page_pictures import may_show_text
from magicfs.text.extract.pdf.pdf_text import PdfFile

_DPI = 200
_MAX_SIDE_PIXELS = 3000
"""The longer side of a page that is recognised; a larger page is drawn with less than `_DPI`."""
_PREVIEW_DPI = 72

_COVERED_SHARE: Final = 0.5
"""The share of a page that the pictures of a scan cover at least: many programs leave margins."""


class PdfPages:
    """The pages of an open PDF file, by number from 0."""

    def __init__(self, descriptor: int, *, recognise: Callable[[bytes], str] | None) -> None:
        """Read from the descriptor, which stays open as long as this is used.

        `recognise` gives the clean text in a picture; None without OCR.
        """
        self._descriptor = descriptor
        self._recognise = recognise
        self._preview: tuple[int, bytes] | None = None

    def is_covered(self, page: int) -> bool:
        """Whether pictures cover a page, so that the few words of its text layer may be a stamp or a header on a scan.

        Not if the engine cannot say it: the text layer was read, and stands.
        """
        try:
            return self._file.share_of_pictures(page) >= _COVERED_SHARE
        except Exception:
            return False

    def shows_more(self, page: int, *, known_letters: int) -> bool:
        """Whether a page may show text beside the letters of its text layer, so that it is worth recognising."""
        return may_show_text(self._drawn_small(page), known_letters=known_letters)

    def recognise(self, page: int) -> str:
        """The recognised text of a page. Raises `RuntimeError` without OCR."""
        if self._recognise is None:
            raise RuntimeError("there is no OCR")
        return self._recognise(self._file.draw(page, dpi=_DPI, max_pixels=_MAX_SIDE_PIXELS))

    def document(self) -> Document:
        """The document with its title, and with empty pages whose texts `layer` has."""
        return self._file.document()

    def layer(self, page: int) -> str:
        """The clean text layer of a page."""
        return self._file.text(page)

    @cached_property
    def _file(self) -> PdfFile:
        return PdfFile(OpenFile(self._descriptor))

    def _drawn_small(self, page: int) -> bytes:
        if self._preview is None or self._preview[0] != page:
            self._preview = page, self._file.draw(page, dpi=_PREVIEW_DPI, max_pixels=_MAX_SIDE_PIXELS)
        return self._preview[1]
