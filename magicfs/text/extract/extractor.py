"""Which way a file's bytes go: decoded here, parsed in the sandbox, or not read at all.

Used by the extraction service through the `Extractor` protocol. One thread at a time.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Protocol, Self

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.decode import cut, decode
from magicfs.text.extract.detect import Format, Route, detect, named_as_document
from magicfs.text.extract.limits import Limits
from magicfs.text.extract.ocr import Ocr
from magicfs.text.extract.sandbox import Sandbox
from magicfs.text.extract.titles import title_of

_PARSED: Final = frozenset({Route.PARSE, Route.MARKUP, Route.IMAGE})
_UNREAD: Final[dict[Route, Unreadable]] = {
    Route.ARCHIVE: Unreadable(SkipReason.BINARY, "an archive: not opened"),
    Route.BINARY: Unreadable(SkipReason.BINARY, "holds no text"),
    Route.DAMAGED: Unreadable(SkipReason.CORRUPT, "the content is not what the name says"),
}
"""Outcomes that need no look beyond the first bytes."""


class Extractor(Protocol):
    """Gets the text out of a file's bytes."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        """Return what `content` is taken to be: bytes of one kind always give the same text, whatever their name."""
        ...

    def is_quick(self, kind: str) -> bool:
        """Whether such bytes need no parser: what there is to be had from them is had at once."""
        ...

    def is_document(self, name: bytes) -> bool:
        """Whether a name promises a document that needs a parser. `kind` knows better."""
        ...

    def extract(self, content: bytes, *, name: bytes) -> Document | Unreadable:
        """Return the text of `content`, or why there is none.

        `name` is the file's own name without folders; it decides only where the content leaves it open.
        Bad content never raises.
        """
        ...


class FileExtractor:
    """The extractor for real use; its child process starts with the first file that needs one."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None = None, sandbox: Sandbox | None = None) -> None:
        self._limits = limits
        self._ocr = ocr
        self._sandbox = sandbox or Sandbox(limits=limits, ocr=ocr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process, if one runs."""
        self._sandbox.close()

    def kind(self, content: bytes, *, name: bytes) -> str:
        """See `Extractor`."""
        form = detect(content, name=name)
        return f"{form.mime_type} {form.route.name.lower()}"

    def is_quick(self, kind: str) -> bool:
        """See `Extractor`."""
        route = Route[kind.rpartition(" ")[2].upper()]
        return route not in _PARSED or (route is Route.IMAGE and self._ocr is None)

    def is_document(self, name: bytes) -> bool:
        """See `Extractor`."""
        return named_as_document(name)

    def extract(self, content: bytes, *, name: bytes) -> Document | Unreadable:
        """See `Extractor`."""
        if not content:
            return Unreadable(SkipReason.EMPTY)
        form = detect(content, name=name)
        match form.route:
            case Route.DECODE:
                return self._decoded(content, form)
            case Route.MARKUP:
                return self._marked_up(content, form)
            case Route.PARSE:
                return self._sandbox.parse(content, mime_type=form.mime_type)
            case Route.IMAGE:
                return self._image(content, form)
            case _:
                return _UNREAD[form.route]

    def _image(self, content: bytes, form: Format) -> Document | Unreadable:
        if self._ocr is None:
            return Unreadable(SkipReason.NEEDS_OCR, "an image: install tesseract to read text in images")
        return self._sandbox.parse(content, mime_type=form.mime_type)

    def _decoded(self, content: bytes, form: Format) -> Document | Unreadable:
        text = decode(content)
        if text is None:
            return Unreadable(SkipReason.BINARY, "no text in any known encoding")
        return self._document(text, form)

    def _document(self, text: str, form: Format) -> Document | Unreadable:
        if not text or text.isspace():
            return Unreadable(SkipReason.NO_TEXT, "nothing but blanks")
        text = cut(text, max_bytes=self._limits.text_bytes)
        return Document(text=text, mime_type=form.mime_type, title=title_of(text, mime_type=form.mime_type))

    def _marked_up(self, content: bytes, form: Format) -> Document | Unreadable:
        """Parse a format that is itself text. If it does not parse, it is read as it stands."""
        text = decode(content)
        if text is None:
            return Unreadable(SkipReason.BINARY, "no text in any known encoding")
        parsed = self._sandbox.parse(text.encode("utf-8"), mime_type=form.mime_type)
        if isinstance(parsed, Unreadable) and parsed.reason is SkipReason.CORRUPT:
            return self._document(text, form)
        return parsed
