"""The one place that knows the extraction library: its settings, its results, its errors. Runs in the child process."""

from __future__ import annotations

import contextlib
import re
from itertools import accumulate, pairwise
from typing import Any

import kreuzberg

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract import container, opendocument, svg
from magicfs.text.extract.decode import clean
from magicfs.text.extract.ocr import Ocr

_WITH_MARKDOWN_LEFT = frozenset({"text/html", "application/xhtml+xml", "application/epub+zip", "message/rfc822"})
"""Formats of which the library's plain text still holds pictures in Markdown."""

_PAGED = frozenset(
    {
        "application/pdf",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    }
)
"""Formats whose pages are a matter of fact; those of a text document depend on who lays it out."""

_INLINE_HTML = re.findall(
    r"\w+", "a b strong i em u s del ins mark code kbd samp var span font small sub sup img cite q"
)
"""Elements whose markup would otherwise come out as Markdown, in the middle of words."""

_HTML_OPTIONS: Any = {"strip_tags": _INLINE_HTML}  # the stubs of the library take this list for a boolean

_PASSWORD = re.compile(r"password|encrypt", re.IGNORECASE)
_BOMB = re.compile(
    r"zip bomb|bomb|security|compression ratio|limit exceeded|too (?:large|many|deep)|exceeds", re.IGNORECASE
)
_PDF_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
"""The dictionaries of images always stand in the open, even in files with compressed objects."""

_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_]|$)")

_MARKDOWN_IMAGE = re.compile(r"!\[([^\]\n]{0,500})\]\([^)\s]{0,2000}\)")


_EMPTY_PDF = b"""%PDF-1.1
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
trailer<</Root 1 0 R>>
"""


class LibraryParser:
    """Gets text out of everything that is not plain text."""

    def __init__(self, *, ocr: Ocr | None) -> None:
        self._ocr = ocr
        ocr_options: dict[str, Any] = {"disable_ocr": True}
        if ocr is not None:
            # It keeps a cache of its own, of what it has read in users' pictures.
            tesseract = kreuzberg.TesseractConfig(use_cache=False)
            language = "+".join(ocr.languages)
            ocr_options = {
                "ocr": kreuzberg.OcrConfig(backend="tesseract", language=language, tesseract_config=tesseract)
            }
        self._config = kreuzberg.ExtractionConfig(
            use_cache=False,
            enable_quality_processing=False,
            **ocr_options,
            pages=kreuzberg.PageConfig(extract_pages=True, insert_page_markers=False),
            concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
            html_options=_HTML_OPTIONS,
            content_filter=kreuzberg.ContentFilterConfig(
                include_headers=True, include_footers=True, strip_repeating_text=True
            ),
            tree_sitter=kreuzberg.TreeSitterConfig(enabled=False),
        )

    def warm_up(self) -> None:
        """Have the library load what it loads late, before limits are measured from what is in use.

        That includes its PDF engine, which it unpacks into the temporary directory: under the limits it could not.
        Where no library may be loaded from there, everything else is read all the same.
        """
        self._read(b"<p>ready</p>", "text/html")
        with contextlib.suppress(kreuzberg.KreuzbergError):
            self._read(_EMPTY_PDF, "application/pdf")

    def __call__(self, content: bytes, mime_type: str) -> Document | Unreadable:
        """Return the text of a file that has been taken for `mime_type`, or why there is none.

        May raise what the library raises for reasons of its own; the caller takes that for damage.
        """
        exact: str | Unreadable = mime_type
        if mime_type == "application/zip":
            exact = container.zip_type(content)
        elif mime_type == "application/x-ole-storage":
            exact = container.ole_type(content)
        if isinstance(exact, Unreadable):
            return exact
        if exact in opendocument.MIME_TYPES:
            return opendocument.read(content, exact)
        if exact == svg.MIME_TYPE:
            return svg.read(content)
        try:
            result = self._read(content, exact)
        except kreuzberg.KreuzbergError as error:
            return _refusal(error, exact)
        return self._document(result, content, exact)

    def _read(self, content: bytes, mime_type: str) -> Any:
        return kreuzberg.extract_bytes_sync(content, mime_type, config=self._config)

    def _document(self, result: Any, content: bytes, mime_type: str) -> Document | Unreadable:
        text, starts = _text_and_pages(result) if mime_type in _PAGED else (clean(result.content), ())
        if mime_type in _WITH_MARKDOWN_LEFT:
            text = _MARKDOWN_IMAGE.sub(r"\1", text)
        if not text or text.isspace():
            return self._textless(content, mime_type)
        metadata = result.metadata
        authors = metadata.get("authors") or [metadata.get("from_email") or metadata.get("author")]
        return Document(
            text=text,
            mime_type=mime_type,
            title=_title(metadata.get("title") or metadata.get("subject")),
            author=", ".join(str(author) for author in authors if author) or None,
            language=_language(metadata.get("language")),
            page_starts=starts,
        )

    def _textless(self, content: bytes, mime_type: str) -> Unreadable:
        if mime_type == "application/pdf" and _PDF_IMAGE.search(content):
            if self._ocr is None:
                return Unreadable(SkipReason.NEEDS_OCR, "pages that are pictures: install tesseract to read them")
            return Unreadable(SkipReason.NO_TEXT, "no text was recognised in its pictures")
        return Unreadable(SkipReason.NO_TEXT)


def _refusal(error: Exception, mime_type: str) -> Unreadable:
    """Translate the library's error; its messages are the only thing that tells a password from damage."""
    message = " ".join(str(error).split())[:300]
    if _PASSWORD.search(message):
        return Unreadable(SkipReason.ENCRYPTED, "needs a password")
    if _BOMB.search(message):
        return Unreadable(SkipReason.BOMB, message)
    if isinstance(error, kreuzberg.ValidationError) and mime_type in message:
        return Unreadable(SkipReason.BINARY, f"no reader for {mime_type}")
    return Unreadable(SkipReason.CORRUPT, message)


def _text_and_pages(result: Any) -> tuple[str, tuple[int, ...]]:
    """Return clean text and the offsets in it at which pages start.

    The library counts in UTF-8 bytes of its own text; both change when newlines are made uniform.
    """
    data = result.content.encode("utf-8", errors="replace")
    marks = [boundary["byte_start"] for boundary in (result.metadata.get("pages") or {}).get("boundaries") or ()]
    if not marks or marks != sorted(marks) or marks[0] != 0 or marks[-1] > len(data):
        return clean(result.content), ()
    pieces = [clean(data[start:end].decode("utf-8", errors="replace")) for start, end in pairwise([*marks, len(data)])]
    starts = accumulate((len(piece) for piece in pieces[:-1]), initial=0)
    return "".join(pieces), tuple(starts)


def _title(title: object) -> str | None:
    r"""Return a title, unless it is what some writers leave there (RTF escapes, a placeholder)."""
    text = str(title or "").strip()
    return None if not text or "\\'" in text or text.lower() in {"untitled", "powerpoint presentation"} else text


def _language(tag: object) -> str | None:
    """Return the ISO 639-1 code that a language tag such as `en-US` begins with."""
    found = _LANGUAGE.match(str(tag or ""))
    return found[1].lower() if found else None
