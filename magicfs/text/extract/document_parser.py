"""The `Parser` of the child process: gives each file to the reader of its type.

kreuzberg reads most formats; the readers beside it are for what it does not read. A file in a file, such as an
attachment, comes back here. One thread.
"""

from __future__ import annotations

import time
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract import container, xml_documents
from magicfs.text.extract.answers import PartialDocument
from magicfs.text.extract.decoding import read_text
from magicfs.text.extract.detect import detect
from magicfs.text.extract.file_types import Route
from magicfs.text.extract.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.mail import MAILBOX_TYPE, MESSAGE_TYPE, MailReader
from magicfs.text.extract.options import Limits

_PARTS_TIME_SHARE: Final = 0.5
"""The share of a file's time in which files inside of it are read."""
_TIME_SHARE: Final = 0.8
"""The share of a file's time after which its reader stops, so that what was read is kept."""
_MAX_DEPTH: Final = 3
"""Files in files that are read: a document attached to a message attached to a message."""


class DocumentParser:
    """Reads files of every type that needs a parser."""

    def __init__(self, kreuzberg: KreuzbergParser, *, limits: Limits) -> None:
        self._kreuzberg = kreuzberg
        self._limits = limits
        self._started = 0.0
        self._depth = 0

    def __call__(self, content: bytes, mime_type: str) -> Document | PartialDocument | Unreadable:
        """The text of a file of the detected type, or why there is none.

        May raise any exception of the libraries; the caller reports a damaged file.
        """
        self._started = time.monotonic()
        self._depth = 0
        return self._parse(content, mime_type)

    def recognise(self, page: int) -> str:
        """The recognised text of a page of the shared PDF file, by number from 0."""
        return self._kreuzberg.recognise(page)

    def _parse(self, content: bytes, mime_type: str) -> Document | PartialDocument | Unreadable:
        exact = _exact_type(content, mime_type)
        if isinstance(exact, Unreadable):
            return exact
        if exact in xml_documents.OPENDOCUMENT_TYPES:
            return xml_documents.read_opendocument(content, exact)
        if exact == xml_documents.SVG_TYPE:
            return xml_documents.read_svg(content)
        if exact == MESSAGE_TYPE:
            return self._mail_reader().read_message(content)
        if exact == MAILBOX_TYPE:
            return self._mail_reader().read_mailbox(content)
        return self._kreuzberg(content, exact)

    def _mail_reader(self) -> MailReader:
        return MailReader(
            self._read_part,
            max_characters=self._limits.text_bytes,
            parts_until=self._started + self._limits.seconds * _PARTS_TIME_SHARE,
            until=self._started + self._limits.seconds * _TIME_SHARE,
        )

    def _read_part(self, content: bytes, name: bytes) -> str:
        """The text of a file inside of the file; empty if it has none. Pictures are not recognised."""
        if not content or self._depth >= _MAX_DEPTH:
            return ""
        file_type = detect(content, name=name)
        if file_type.route is Route.DECODE:
            return read_text(content, mime_type=file_type.mime_type) or ""
        if file_type.route not in {Route.PARSE, Route.MARKUP}:
            return ""
        self._depth += 1
        try:
            outcome = self._parse(content, file_type.mime_type)
        except Exception:  # noqa: BLE001  (a damaged attachment costs its own text only)
            return ""
        finally:
            self._depth -= 1
        if isinstance(outcome, PartialDocument):
            outcome = outcome.document
        return outcome.text if isinstance(outcome, Document) else ""


def _exact_type(content: bytes, mime_type: str) -> str | Unreadable:
    """The type of the document in a container; the same type for any other file."""
    if mime_type == "application/zip":
        return container.zip_type(content)
    if mime_type == "application/x-ole-storage":
        return container.ole_type(content)
    return mime_type
