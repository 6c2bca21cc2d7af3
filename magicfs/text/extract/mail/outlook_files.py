"""Reads the files that are attached to messages of Outlook (`.msg`), of which kreuzberg reads the text alone.

Runs in the child process, called by `document_parts`; `document_parser` reads the attached files. One thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Final

from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.part_count import DAMAGE, PartCount, PartReader
from magicfs.text.extract.mail.tnef import decompress_rtf
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.plain.plain_text import clean, decode

OUTLOOK_TYPE: Final = "application/vnd.ms-outlook"

_ATTACHED: Final = "__attach_version1.0_"
_MAX_ATTACHED: Final = 500
_MAX_DEPTH: Final = 3
"""Messages in messages that are read."""
_MAX_NAME_CHARACTERS: Final = 255
_LONG_NAME, _SHORT_NAME, _SHOWN_NAME = "3707", "3704", "3001"
_SUBJECT, _SENDER, _ADDRESS, _RECEIVERS, _BODY = "0037", "0C1A", "0C1F", "0E04", "1000"
_DATA: Final = "37010102"
_MESSAGE: Final = "3701000D"
_PAGE: Final = "10130102"
_PACKED_RTF: Final = "10090102"

_DIRECTORY_NAME: Final = re.compile(r"^((?:From|To|CC|BCC): .*)$", re.MULTILINE | re.IGNORECASE)
_IN_DIRECTORY: Final = re.compile(r" ?</o=[^<>\n]{1,1000}>", re.IGNORECASE)


def without_directory_names(text: str) -> str:
    """The text of a message whose people have no names that only a server knows (`/o=Example/cn=Recipients/...`)."""
    return _DIRECTORY_NAME.sub(lambda line: _IN_DIRECTORY.sub("", line[1]), text)


def attached_texts(content: bytes, read_part: PartReader, *, until: float, parts: PartCount) -> list[str]:
    """The names of attached files and their texts; until a moment on the monotonic clock.

    Raises one of `DAMAGE` for a message that is damaged itself.
    """
    return [clean(text) for text in _Attached(content, read_part, until=until, parts=parts).texts()]


def own_text(content: bytes, read_part: PartReader, *, until: float, parts: PartCount) -> str:
    """The text of a message that kreuzberg refuses, without what is attached. Raises one of `DAMAGE`."""
    attached = _Attached(content, read_part, until=until, parts=parts)
    return clean("\n\n".join(attached.message_texts("")))


class _Attached:
    def __init__(self, content: bytes, read_part: PartReader, *, until: float, parts: PartCount) -> None:
        self._ole = OleFile(content)
        self._read_part = read_part
        self._until = until
        self._parts = parts
        self._count = 0

    def texts(self, folder: str = "", depth: int = 0) -> Iterator[str]:
        start = len(folder)
        paths = (path for path in self._ole.paths if path.startswith(folder + _ATTACHED))
        for name in sorted({path[start:].partition("/")[0] for path in paths}):
            self._count += 1
            if self._count > _MAX_ATTACHED:
                return
            yield from self._file_texts(f"{folder}{name}/", depth)

    def _file_texts(self, folder: str, depth: int) -> Iterator[str]:
        name = self._text(folder, _LONG_NAME) or self._text(folder, _SHORT_NAME) or self._text(folder, _SHOWN_NAME)
        name = " ".join(name.replace("/", " ").split())[:_MAX_NAME_CHARACTERS]
        if name:
            yield f"Attachment: {name}"
        if time.monotonic() > self._until:
            self._parts.add_unread(name, SkipReason.TIMEOUT)
        elif f"{folder}__substg1.0_{_DATA}" in self._ole:
            data = self._ole.read(f"{folder}__substg1.0_{_DATA}")
            yield self._read_part(data, name.encode("utf-8", "replace"))
        elif depth < _MAX_DEPTH:
            inner = f"{folder}__substg1.0_{_MESSAGE}/"
            yield from self.message_texts(inner)
            yield from self.texts(inner, depth + 1)

    def message_texts(self, folder: str) -> Iterator[str]:
        address = self._text(folder, _ADDRESS)
        sender = " ".join(filter(None, (self._text(folder, _SENDER), address if "@" in address else "")))
        heads = {"Subject": self._text(folder, _SUBJECT), "From": sender, "To": self._text(folder, _RECEIVERS)}
        yield "\n".join(f"{head}: {value}" for head, value in heads.items() if value)
        body = self._text(folder, _BODY)
        if not body.strip() and f"{folder}__substg1.0_{_PAGE}" in self._ole:
            body = self._read_part(self._ole.read(f"{folder}__substg1.0_{_PAGE}"), b"body.html")
        if not body.strip() and f"{folder}__substg1.0_{_PACKED_RTF}" in self._ole:
            body = self._read_packed(self._ole.read(f"{folder}__substg1.0_{_PACKED_RTF}"))
        yield body

    def _read_packed(self, data: bytes) -> str:
        try:
            return self._read_part(decompress_rtf(data), b"body.rtf")
        except DAMAGE:
            self._parts.add_unread("body.rtf")
            return ""

    def _text(self, folder: str, field: str) -> str:
        """The text of a field, which is in UTF-16 or in the charset of a system; empty if there is none."""
        path = f"{folder}__substg1.0_{field}"
        if path + "001F" in self._ole:
            return self._ole.read(path + "001F").decode("utf-16-le", "replace").strip("\0")
        return (decode(self._ole.read(path + "001E")) or "") if path + "001E" in self._ole else ""
