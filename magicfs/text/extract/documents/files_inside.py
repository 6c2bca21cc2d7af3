"""Reads the files inside of a file, such as attachments and members of archives, and gathers the pictures among them.

Runs in the child process. `document_parser` has one `FilesInside`, whose state is that of the file which is read now:
how deep in it the reading is, which parts of it were counted, and which pictures were found. One thread.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Final

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.detect import detect
from magicfs.text.extract.documents.extended_documents import text_of
from magicfs.text.extract.documents.file_parts import FAILURES, FileParts
from magicfs.text.extract.file_types import FileType, Route
from magicfs.text.extract.mail.mail_pictures import AttachedPictures
from magicfs.text.extract.parsed import Parsed
from magicfs.text.extract.plain.decoding import read_text
from magicfs.text.extract.plain.plain_text import decode
from magicfs.text.extract.process.page_reader import unreadable_of

_PARSED: Final = frozenset({Route.PARSE, Route.MARKUP, Route.ARCHIVE})
_NO_HOLDER: Final = -1
_MAX_DEPTH: Final = 3
"""Files in files that are read: a document attached to a message attached to a message."""


class FilesInside:
    """The files inside of the file that is read. A holder is a message or an archive, whose pictures are gathered."""

    def __init__(self, parse: Callable[[bytes, str], Parsed]) -> None:
        """`parse` returns the outcome for a file by its bytes and its type. It may raise any exception."""
        self._parse = parse
        self.begin(until=math.inf)

    def begin(self, *, until: float, attached: AttachedPictures | None = None) -> None:
        """Begin a file whose parts are read until a moment on the monotonic clock.

        With `attached`, pictures are added to it; else holders make one.
        """
        self._depth = 0
        self._holder_depth = _NO_HOLDER
        """How deep the innermost holder stands that has holders alone around it."""
        self.parts = FileParts(self._read_part, until=until)
        self.attached = attached
        """The pictures in holders; None where the file is none."""

    @property
    def is_outermost(self) -> bool:
        """Whether the file itself is read, and not one inside of it."""
        return not self._depth

    @property
    def wants_pictures_alone(self) -> bool:
        """Whether what is read is in a holder whose texts were read before."""
        return self.attached is not None and self.attached.keeps_bytes

    @property
    def pictures_of_document(self) -> AttachedPictures | None:
        """Where to add the pictures in the document that is read; None for one that is not directly in a holder."""
        return self.attached if self._depth == self._holder_depth + 1 else None

    @property
    def pictures_of_members(self) -> AttachedPictures | None:
        """Where to add the pictures among the members of what is read; None if that is no holder."""
        return self.attached if self._depth == self._holder_depth else None

    @property
    def has_pictures_of_outermost(self) -> bool:
        """Whether the file itself is read, and pictures were found in it."""
        return self.is_outermost and self.attached is not None and self.attached.count > 0

    @contextlib.contextmanager
    def holder(self) -> Iterator[None]:
        """What is read meanwhile is in a holder. The outermost one gathers the pictures of all."""
        if self.is_outermost and self.attached is None:
            self.attached = AttachedPictures()
        before = self._holder_depth
        if self._depth == before + 1:
            self._holder_depth = self._depth
        try:
            yield
        finally:
            self._holder_depth = before

    def read(self, content: bytes, name: bytes, file_type: FileType) -> str:
        """The text of a file of a type that was detected; empty if it has none. It is counted as a part."""
        pictures = self.pictures_of_members
        if pictures is not None:
            pictures.add(content, file_type)
        if file_type.route is Route.DECODE:
            return "" if self.wants_pictures_alone else self._decode(content, file_type)
        shown = name.decode("utf-8", "replace") or file_type.mime_type
        if file_type.route in {Route.DAMAGED, Route.ENCRYPTED}:
            reason = SkipReason.CORRUPT if file_type.route is Route.DAMAGED else SkipReason.ENCRYPTED
            self.parts.add_unread(shown, reason)
            return ""
        if file_type.route not in _PARSED or self._depth >= _MAX_DEPTH:
            self.parts.add()
            return ""
        if file_type.route is Route.MARKUP:
            text = read_text(content, mime_type=file_type.mime_type)
            content = content if text is None else text.encode("utf-8")
        outcome = self._parse_deeper(content, file_type.mime_type, shown)
        if not isinstance(outcome, Unreadable) or outcome.reason not in FAILURES:
            self.parts.add()
        elif file_type.route is Route.MARKUP:
            self.parts.add()
            return decode(content) or ""
        else:
            self.parts.add_unread(shown, outcome.reason)
        return text_of(outcome)

    def _read_part(self, content: bytes, name: bytes) -> str:
        """The text of a file inside of the file; empty if it has none."""
        return self.read(content, name, detect(content, name=name)) if content else ""

    def _decode(self, content: bytes, file_type: FileType) -> str:
        self.parts.add()
        return read_text(content, mime_type=file_type.mime_type) or ""

    def _parse_deeper(self, content: bytes, mime_type: str, shown: str) -> Parsed:
        """The outcome for a file inside of what is read. A damaged one costs its own text only."""
        self._depth += 1
        try:
            with self.parts.inside(shown):
                return self._parse(content, mime_type)
        except Exception as error:
            return unreadable_of(error)
        finally:
            self._depth -= 1
