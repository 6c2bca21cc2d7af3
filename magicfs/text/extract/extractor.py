"""The `Extractor` protocol and its implementation: decodes a file here, parses it in the sandbox, or does not read it.

Used by `magicfs.pipeline.file_processor`. It opens no file. Not thread-safe: one extractor belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Final, Protocol, Self

from magicfs.domain.contents import Document, Gap, PageText, Unreadable, UnreadPart
from magicfs.domain.files import SkipReason
from magicfs.errors import ServerError
from magicfs.text.encoded.strip import strip_document
from magicfs.text.extract.detect import detect, has_document_extension
from magicfs.text.extract.documents.file_parts import WHAT_FOLLOWS
from magicfs.text.extract.documents.inline_pictures import has_pictures
from magicfs.text.extract.file_types import FileType, Route
from magicfs.text.extract.options import Limits, Ocr
from magicfs.text.extract.plain.plain_text import title_of
from magicfs.text.extract.plain.text_ends import read_ends
from magicfs.text.extract.plain.text_pieces import ReadText, read_pieces
from magicfs.text.extract.process.sandbox import Sandbox
from magicfs.text.language import language_of

_PARSED: Final = frozenset({Route.PARSE, Route.IMAGE, Route.MEDIA, Route.ARCHIVE})
"""The routes of files that the sandbox gets as they are."""
_READ_OPEN: Final = frozenset({"application/pdf", "application/vnd.ms-outlook-pst"})
"""The types whose readers read what they need of a file that is not in memory."""
_NOT_READ: Final[dict[Route, Unreadable]] = {
    Route.BINARY: Unreadable(SkipReason.BINARY, "a type that is not read"),
    Route.ENCRYPTED: Unreadable(SkipReason.ENCRYPTED, "encrypted as a whole"),
    Route.DAMAGED: Unreadable(SkipReason.CORRUPT, "the content is not what the name says"),
}
"""The outcome of routes that do not read the file."""


class Extractor(Protocol):
    """Extracts the text of a file's bytes."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        """The MIME type of `content` and its `Route`, such as `text/html markup`; stored in `contents.kind`.

        Equal bytes of the same kind always give the same text, whatever the file's name is.
        """
        ...

    def needs_no_parser(self, kind: str) -> bool:
        """Whether `extract` handles bytes of this kind without a parser process, so in milliseconds."""
        ...

    def may_need_parser(self, name: bytes) -> bool:
        """Whether a file of this name probably needs a parser process, a guess before the file is read."""
        ...

    def recognises(self) -> bool:
        """Whether there is OCR, and it starts. That is tried, which may take seconds."""
        ...

    def lacks_ocr(self) -> bool:
        """Whether there is OCR that did not start when it was last tried."""
        ...

    def free_memory(self) -> None:
        """Free memory that only some files need: no file waits."""
        ...

    def close(self) -> None:
        """Free all that `extract` builds again when it is called."""
        ...

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        """The text of `content`, or why there is none.

        `name` is the file's own name without folders; it decides where the content alone does not. `gap` is the part of
        the file that is not in `content`. Bad content never raises; `ServerError` is raised when no parser process can
        be started.
        """
        ...

    def reads_open(self, kind: str) -> bool:
        """Whether files of this kind need not be in memory: `extract_open` reads them."""
        ...

    def extract_open(self, descriptor: int, *, kind: str) -> Document | Unreadable:
        """The text of an open file of such a kind. What is cut off meanwhile is missing. Raises as `extract` does.

        When the disk or the network of the file fails, pages that were not read are pending, and a file of which
        nothing was read has `VANISHED`.
        """
        ...

    def go_on(self, source: bytes | int, *, kind: str, page_texts: Mapping[int, PageText]) -> Document | Unreadable:
        """The text of a file that had pending pages, with some more of them; `page_texts` has those that are known.

        `source` is its bytes or its descriptor. Raises as `extract` does.
        """
        ...


class FileExtractor:
    """The extractor of the worker. Its parser process starts with the first file that needs one."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None = None) -> None:
        """Without `ocr`, the texts of pictures and of scanned pages are not read."""
        self._limits = limits
        self._sandbox = Sandbox(limits=limits, ocr=ocr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the parser process, if one runs."""
        self._sandbox.close()

    def kind(self, content: bytes, *, name: bytes) -> str:
        """The MIME type of `content` and its `Route`, such as `text/html markup`."""
        file_type = detect(content, name=name)
        return f"{file_type.mime_type} {file_type.route}"

    def needs_no_parser(self, kind: str) -> bool:
        """Whether this process extracts bytes of this kind itself."""
        route = Route(kind.rpartition(" ")[2])
        return route not in _PARSED and route is not Route.MARKUP

    def may_need_parser(self, name: bytes) -> bool:
        """Whether the extension is one of a type that a parser process reads."""
        return has_document_extension(name)

    def recognises(self) -> bool:
        """Whether there is OCR, and a parser process starts with it. Where it does not, that is logged once."""
        try:
            return self._sandbox.recognises()
        except ServerError:
            return False

    def lacks_ocr(self) -> bool:
        """Whether there is OCR that did not start when it was last tried: files were read without it."""
        return self._sandbox.lacks_ocr()

    def free_memory(self) -> None:
        """Free the memory of OCR, if it is loaded."""
        self._sandbox.free_memory()

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        """The text of `content` with its language, or why there is none.

        Raises `ServerError` when no parser process can be started.
        """
        extracted = self._extract(content, name=name, gap=gap)
        return replace(extracted, language=language_of(extracted)) if isinstance(extracted, Document) else extracted

    def reads_open(self, kind: str) -> bool:
        """Whether it is a PDF file, or one in which Outlook keeps mail."""
        return kind.partition(" ")[0] in _READ_OPEN

    def extract_open(self, descriptor: int, *, kind: str) -> Document | Unreadable:
        """The text of such an open file with its language, or why there is none. Raises `ServerError` as `extract`."""
        parsed = _without_encoded(self._sandbox.parse_open(descriptor, mime_type=kind.partition(" ")[0]))
        return replace(parsed, language=language_of(parsed)) if isinstance(parsed, Document) else parsed

    def go_on(self, source: bytes | int, *, kind: str, page_texts: Mapping[int, PageText]) -> Document | Unreadable:
        """The text of a file that had pending pages or pictures, with some more of them. Raises as `extract` does."""
        mime_type, _, route = kind.partition(" ")
        if route == Route.MARKUP and isinstance(source, bytes):
            read = _read_markup(source, mime_type)
            source = read.text.encode("utf-8") if read is not None else source
        parsed = _without_encoded(self._sandbox.go_on(source, mime_type=mime_type, page_texts=page_texts))
        return replace(parsed, language=language_of(parsed)) if isinstance(parsed, Document) else parsed

    def _extract(self, content: bytes, *, name: bytes, gap: Gap | None) -> Document | Unreadable:
        if not content:
            return Unreadable(SkipReason.EMPTY)
        file_type = detect(content, name=name)
        if file_type.route in _PARSED:
            parsed = _without_encoded(self._sandbox.parse(content, mime_type=file_type.mime_type))
            return _with_gap(parsed, gap) if gap is not None else parsed
        match file_type.route:
            case Route.DECODE:
                return self._decode(content, file_type, gap=gap)
            case Route.MARKUP:
                return self._parse_markup(content, file_type)
            case _:
                return _NOT_READ[file_type.route]

    def _decode(self, content: bytes, file_type: FileType, *, gap: Gap | None = None) -> Document | Unreadable:
        read = read_ends(content, mime_type=file_type.mime_type, max_bytes=self._limits.text_bytes, gap=gap)
        if read is None:
            return Unreadable(SkipReason.BINARY, "no text in any known encoding")
        if not read.text or read.text.isspace():
            only = "encoded data" if read.removed_characters else "blanks"
            return Unreadable(SkipReason.NO_TEXT, f"nothing but {only}")
        return Document(
            text=read.text,
            mime_type=file_type.mime_type,
            title=title_of(read.text, mime_type=file_type.mime_type),
            cut_bytes=read.cut_bytes,
            omission=read.omission,
            encoded_characters=read.removed_characters,
        )

    def _parse_markup(self, content: bytes, file_type: FileType) -> Document | Unreadable:
        """Parse a text format. A file that does not parse is indexed as plain text."""
        read = _read_markup(content, file_type.mime_type)
        if read is None:
            return Unreadable(SkipReason.BINARY, "no text in any known encoding")
        removed, markup = read.removed_characters, read.text.encode("utf-8")
        del read
        parsed = self._sandbox.parse(markup, mime_type=file_type.mime_type)
        if isinstance(parsed, Unreadable) and parsed.reason is SkipReason.CORRUPT:
            return self._decode(content, file_type)
        return _without_encoded(parsed, removed_characters=removed)


def _read_markup(content: bytes, mime_type: str) -> ReadText | None:
    """What a parser gets of a text: without encoded data, unless there are pictures, which it looks for."""
    return read_pieces(content, mime_type=mime_type, keeps_encoded=has_pictures(content, mime_type))


def _without_encoded(parsed: Document | Unreadable, *, removed_characters: int = 0) -> Document | Unreadable:
    """What was parsed, without encoded data in its text. `removed_characters` were taken out before it was parsed."""
    if isinstance(parsed, Unreadable):
        return parsed
    document = strip_document(parsed)
    return replace(document, encoded_characters=document.encoded_characters + removed_characters)


def _with_gap(parsed: Document | Unreadable, gap: Gap) -> Document | Unreadable:
    """What was parsed of a part of a file, with what that part lacks."""
    if isinstance(parsed, Unreadable):
        return parsed
    # Its pictures are not read: another part of it would be looked at later.
    parsed = replace(parsed, pictures=(), pending_pages=())
    unread = parsed.unread_parts
    if unread is not None and gap.offset:
        # An archive is not damaged where its beginning ends.
        some = tuple(
            UnreadPart(part.name, SkipReason.TOO_LARGE) if part.name.startswith(WHAT_FOLLOWS) else part
            for part in unread.some
        )
        unread = replace(unread, some=some)
    first_page = parsed.first_page if gap.offset else None
    return replace(parsed, cut_bytes=parsed.cut_bytes + gap.length, first_page=first_page, unread_parts=unread)
