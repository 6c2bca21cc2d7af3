"""Parses most formats that are not plain text, with kreuzberg: its settings, results and errors.

Runs in the child process; the only module that imports kreuzberg. One thread, although the library starts its own.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import kreuzberg
from PIL import Image

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.document_pictures import DocumentPictures
from magicfs.text.extract.documents.kreuzberg_results import document_of
from magicfs.text.extract.ocr.seen_pictures import png_of
from magicfs.text.extract.options import Ocr, OcrEngine
from magicfs.text.extract.pdf.pdf_pages import PdfPages
from magicfs.text.extract.plain.plain_text import clean

if TYPE_CHECKING:
    from magicfs.text.extract.ocr.rapid_ocr import RapidOcr

_INLINE_ELEMENTS = re.findall(
    r"\w+", "a b strong i em u s del ins mark code kbd samp var span font small sub sup img cite q"
)
"""HTML elements that kreuzberg would turn into Markdown, in the middle of words."""

_HTML_OPTIONS: Any = {"strip_tags": _INLINE_ELEMENTS}  # kreuzberg's type stubs declare this list as a boolean

_WITH_HEADINGS = frozenset(
    {
        *("text/html", "application/xhtml+xml", "application/epub+zip", "application/rtf", "application/msword"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.oasis.opendocument.text",
    }
)
"""Formats that state their headings."""

_PASSWORD = re.compile(r"password|encrypt", re.IGNORECASE)
_BOMB = re.compile(
    r"zip bomb|bomb|security|compression ratio|limit exceeded|too (?:large|many|deep)|exceeds", re.IGNORECASE
)
_BROKEN = re.compile("invalid Zip archive|Malformed")
"""What the library says of a broken container, among its limits."""
_NAMES = re.compile(r"^(?:[A-Z]\w*(?:Error|Exception): )+")
"""Names of exceptions, with which the library begins what it says."""
_AS_DRAWN: Any = kreuzberg.ImagePreprocessingConfig(target_dpi=100, auto_rotate=False, deskew=False)
"""The library takes a drawn page for one of 72 dpi. It tells Tesseract the resolution that is aimed at, and scales the
page up to it. At 72 dpi Tesseract reads nothing on a page with noise, at 300 a page takes twice the time for the same
text. With `auto_rotate`, an exception of Tesseract ends the process."""

_SMALL_SIDE = 1200
"""The longer side, in pixels, of a picture whose small print is read better when it is scaled up, as the library does.
That takes four times as long, and for larger ones is in vain."""

_PANIC = "PanicException"
"""The exception of a library in Rust that has found itself at fault. It is none of Python's `Exception`."""

_MAX_DETAIL_CHARACTERS = 300


class PanicError(Exception):
    """The library has failed at a file, in a way that it does not expect."""


class KreuzbergParser:
    """Extracts the text of files of the formats that the library reads. Used by `document_parser`."""

    def __init__(self, *, ocr: Ocr | None) -> None:
        """Without `ocr`, another process may recognise pages."""
        self.has_panicked = False
        """Whether the library has failed in a way that it does not expect: what it keeps may be damaged."""
        self._config = _config(disable_ocr=True)
        self._config_with_headings = _config(disable_ocr=True, include_document_structure=True)
        self._picture_config = self._page_config = None
        self._rapid_ocr: RapidOcr | None = None
        self._rapid_models = ocr.data_dir if ocr is not None and ocr.engine is OcrEngine.RAPIDOCR else None
        if ocr is not None and ocr.engine is OcrEngine.TESSERACT:
            self._picture_config = _config(ocr=_ocr_config(ocr))
            self._page_config = _config(ocr=_ocr_config(ocr, preprocessing=_AS_DRAWN))

    @property
    def recognises_pictures(self) -> bool:
        """Whether there is OCR."""
        return self._picture_config is not None or self._rapid_models is not None

    def warm_up(self) -> None:
        """Make the library load all it needs, before the limits are set relative to the memory in use.

        It makes a directory for its caches, which the limits forbid later.
        """
        kreuzberg.list_ocr_backends()  # registers them, which takes a directory for their caches
        self._read(b"<p>ready</p>", "text/html")
        if self._rapid_models is not None:
            from magicfs.text.extract.ocr.rapid_ocr import RapidOcr

            self._rapid_ocr = RapidOcr(self._rapid_models)

    def __call__(self, content: bytes, mime_type: str) -> Document | Unreadable:
        """The text of a file of the type that `document_parser` has found, or why there is none.

        Only pictures are recognised. PDF files are read by `pdf_text`.

        May raise any exception of the library; the caller reports a damaged file.
        """
        if self._rapid_ocr is not None and mime_type.startswith("image/"):
            return self._rapid_ocr.read_picture(content, mime_type)
        try:
            result = self._read(content, mime_type)
        except kreuzberg.KreuzbergError as error:
            return _unreadable(error, mime_type)
        document = document_of(result, mime_type)
        is_blank = not document.text or document.text.isspace()
        # What a document without text says that it is about may be all of it, or stand beside the text of its parts.
        says_more = not mime_type.startswith("image/") and (document.title or document.keywords)
        return Unreadable(SkipReason.NO_TEXT) if is_blank and not says_more else document

    def _read(self, content: bytes, mime_type: str) -> Any:
        config = self._picture_config if mime_type.startswith("image/") else None
        if mime_type in _WITH_HEADINGS:
            config = self._config_with_headings
        with self._as_exception():
            return kreuzberg.extract_bytes_sync(content, mime_type, config=config or self._config)

    @contextlib.contextmanager
    def _as_exception(self) -> Iterator[None]:
        """Raise `PanicError` for a panic of the library, which would end this process."""
        try:
            yield
        except BaseException as error:
            if type(error).__name__ != _PANIC:
                raise
            self.has_panicked = True
            raise PanicError(" ".join(str(error).split())[:_MAX_DETAIL_CHARACTERS]) from None

    def open_pages(self, descriptor: int, *, seconds: float) -> PdfPages:
        """The pages of an open PDF file; a long one may take so long."""
        recognise = self._text_of_picture if self.recognises_pictures else None
        return PdfPages(descriptor, recognise=recognise, seconds=seconds)

    def open_pictures(self, read: Callable[[int], bytes], *, seconds: float) -> DocumentPictures:
        """The pictures of a document, whose bytes `read` gives by their numbers; each may take so long."""
        recognise = self.text_in_picture if self.recognises_pictures else None
        return DocumentPictures(read, recognise=recognise, seconds=seconds)

    def text_in_picture(self, picture: Image.Image) -> str:
        """The text of an opened picture: a large one is read as it is, as a drawn page. Raises any exception."""
        png = png_of(picture)
        if self._rapid_ocr is not None or max(picture.size) > _SMALL_SIDE:
            return self._text_of_picture(png)
        return clean(self._read(png, "image/png").content)

    def _text_of_picture(self, picture: bytes) -> str:
        if self._rapid_ocr is not None:
            return self._rapid_ocr.text_of(picture)
        return clean(kreuzberg.extract_bytes_sync(picture, "image/png", config=self._page_config).content)


def _ocr_config(ocr: Ocr, **tesseract_options: Any) -> kreuzberg.OcrConfig:
    # The cache would keep the text of users' images on the disk.
    # With a configuration for Tesseract, the library takes the languages from there.
    languages = "+".join(ocr.languages)
    tesseract = kreuzberg.TesseractConfig(use_cache=False, language=languages, **tesseract_options)
    return kreuzberg.OcrConfig(backend="tesseract", language=languages, tesseract_config=tesseract)


def _config(**options: Any) -> kreuzberg.ExtractionConfig:
    return kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        **options,
        pages=kreuzberg.PageConfig(extract_pages=True, insert_page_markers=False),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
        html_options=_HTML_OPTIONS,
        content_filter=kreuzberg.ContentFilterConfig(
            include_headers=True, include_footers=True, strip_repeating_text=True
        ),
        tree_sitter=kreuzberg.TreeSitterConfig(enabled=False),
    )


def _unreadable(error: Exception, mime_type: str) -> Unreadable:
    """Translate the library's error. Only its message distinguishes a password, a bomb and a damaged file."""
    message = _NAMES.sub("", " ".join(str(error).split()))[:_MAX_DETAIL_CHARACTERS]
    if _PASSWORD.search(message):
        return Unreadable(SkipReason.ENCRYPTED, "needs a password")
    if _BOMB.search(message) and not _BROKEN.search(message):
        return Unreadable(SkipReason.BOMB, message)
    if isinstance(error, kreuzberg.ValidationError) and mime_type in message:
        return Unreadable(SkipReason.BINARY, f"no reader for {mime_type}")
    return Unreadable(SkipReason.CORRUPT, message)
