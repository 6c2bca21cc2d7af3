"""Reads what Outlook packs its messages into for other programs: `winmail.dat`, the transport format TNEF.

Runs in the child process, called by `own_readers`. The format is a row of attributes; some of them hold properties
of MAPI. The text is that of the message, in the plainest form that it has, then the attached files by their names.
What follows a damaged attribute is left out, and counted. One thread.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from magicfs.domain.contents import Document
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.mail.outlook_properties import charset_of_code_page
from magicfs.text.extract.plain.plain_text import clean, decode

TNEF_TYPE: Final = "application/ms-tnef"

_HEAD: Final = struct.Struct("<IH")
_ATTRIBUTE: Final = struct.Struct("<BII")
"""The level of an attribute (message or attached file), its name with its type, and its length."""
_LEVELS: Final = frozenset({1, 2})
_MAX_REST_BYTES: Final = 256
"""What programs put behind the last attribute, such as a line end."""
_CHECKSUM_BYTES: Final = 2

_SUBJECT: Final = 0x00018004
_BODY: Final = 0x0002800C
_CODE_PAGE: Final = 0x00069007
_PROPERTIES: Final = 0x00069003
_NEXT_FILE: Final = 0x00069002
_FILE_NAME: Final = 0x00018010
_FILE_DATA: Final = 0x0006800F
_FILE_PROPERTIES: Final = 0x00069005

_MAPI_SUBJECT, _MAPI_SENDER, _MAPI_BODY, _MAPI_RTF, _MAPI_HTML = 0x0037, 0x0C1A, 0x1000, 0x1009, 0x1013
_MAPI_FILE_DATA, _MAPI_FILE_NAME = 0x3701, 0x3707
_NAMED: Final = 0x8000
"""Properties from this number on have a name."""
_SEVERAL: Final = 0x1000
"""In the type of a property: it has a row of values."""
_TEXT_8, _TEXT_16, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_FIXED: Final = {0x02: 4, 0x03: 4, 0x04: 4, 0x0A: 4, 0x0B: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x14: 8, 0x40: 8, 0x48: 16}
"""The bytes that a value takes, by the type of its property."""
_OBJECT_ID_BYTES: Final = 16
"""The kind of an object, before its data."""

_RTF_HEAD: Final = struct.Struct("<IIII")
_COMPRESSED, _UNCOMPRESSED = 0x75465A4C, 0x414C454D
_RTF_START: Final = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""What compressed RTF may refer to before its own beginning."""
_WINDOW: Final = 4096
_MAX_RTF_BYTES: Final = 32 << 20
_MAX_FILES: Final = 500
"""Attached files that are read."""


class _Property(NamedTuple):
    number: int
    kind: int
    value: bytes


@dataclass
class _File:
    name: str = ""
    data: bytes = b""

    def holds_anything(self) -> bool:
        return bool(self.name or self.data)


@dataclass
class _Message:
    code_page: str = "cp1252"
    subject: str = ""
    sender: str = ""
    body: str = ""
    html: bytes = b""
    rtf: bytes = b""
    files: list[_File] = field(default_factory=list)
    has_damaged_rtf: bool = False
    has_more_files: bool = False

    def text_of(self, value: bytes, kind: int = _TEXT_8) -> str:
        """A text of a message, which ends with a NUL."""
        try:
            text = value.decode("utf-16-le" if kind == _TEXT_16 else self.code_page, "strict")
        except (LookupError, UnicodeError):
            text = decode(value) or ""
        return clean(text.partition("\0")[0])

    def add(self, name: int, value: bytes) -> None:
        """Take an attribute. Raises `struct.error` for damaged properties."""
        if name == _CODE_PAGE:
            self.code_page = charset_of_code_page(struct.unpack_from("<I", value)[0]) or self.code_page
        elif name == _SUBJECT:
            self.subject = self.text_of(value)
        elif name == _BODY:
            self.body = self.text_of(value)
        elif name == _PROPERTIES:
            self._add_properties(value)
        elif name == _NEXT_FILE and len(self.files) < _MAX_FILES:
            self.files.append(_File())
        elif name == _NEXT_FILE:
            self.has_more_files = True
        elif name in {_FILE_NAME, _FILE_DATA, _FILE_PROPERTIES} and self.files and not self.has_more_files:
            self._add_to_file(self.files[-1], name, value)

    def _add_properties(self, value: bytes) -> None:
        for entry in _properties(value):
            if entry.number == _MAPI_SUBJECT:
                self.subject = self.text_of(entry.value, entry.kind)
            elif entry.number == _MAPI_SENDER:
                self.sender = self.text_of(entry.value, entry.kind)
            elif entry.number == _MAPI_BODY:
                self.body = self.text_of(entry.value, entry.kind)
            elif entry.number == _MAPI_HTML:
                self.html = entry.value
            elif entry.number == _MAPI_RTF:
                self.rtf = self._decompressed(entry.value)

    def _decompressed(self, value: bytes) -> bytes:
        try:
            return decompress_rtf(value)
        except struct.error:
            self.has_damaged_rtf = True
            return b""

    def _add_to_file(self, file: _File, name: int, value: bytes) -> None:
        if name == _FILE_NAME:
            file.name = file.name or self.text_of(value)
        elif name == _FILE_DATA:
            file.data = value
        else:
            for entry in _properties(value):
                if entry.number == _MAPI_FILE_NAME:
                    file.name = self.text_of(entry.value, entry.kind)
                elif entry.number == _MAPI_FILE_DATA and entry.kind == _OBJECT:
                    file.data = file.data or entry.value[_OBJECT_ID_BYTES:]


def read_tnef(content: bytes, *, parts: FileParts) -> Document:
    """The text of a message and of its attached files; of those for which there is no time, the names."""
    message = _Message()
    try:
        for name, value in _attributes(content):
            message.add(name, value)
    except struct.error:
        parts.add_unread("what follows the damage")
    if message.has_damaged_rtf:
        parts.add_unread("its text in RTF")
    if message.has_more_files:
        parts.add_unread("further files")
    blocks = [
        f"Subject: {message.subject}" if message.subject else "",
        f"From: {message.sender}" if message.sender else "",
    ]
    if not message.body.strip():
        message.body = parts.read(message.html, b"body.html") if message.html else ""
    if not message.body.strip() and message.rtf:
        message.body = parts.read(message.rtf, b"body.rtf")
    blocks.append(message.body)
    for file in filter(_File.holds_anything, message.files):
        blocks.append(f"Attachment: {file.name}")
        if parts.is_time_over:
            parts.add_unread(file.name, SkipReason.TIMEOUT)
        else:
            blocks.append(parts.read(file.data, file.name.encode("utf-8", "replace")))
    text = "\n\n".join(filter(str.strip, blocks))
    return Document(text=text, mime_type=TNEF_TYPE, title=message.subject or None, author=message.sender or None)


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the name and the value of each attribute. Raises `struct.error` where the file ends inside of one."""
    place = _HEAD.size
    while place < len(content):
        rest = len(content) - place
        if rest < _ATTRIBUTE.size or (content[place] not in _LEVELS and rest < _MAX_REST_BYTES):
            return
        _, name, length = _ATTRIBUTE.unpack_from(content, place)
        place += _ATTRIBUTE.size
        if place + length > len(content):
            raise struct.error("an attribute beyond the end")
        yield name, content[place : place + length]
        place += length + _CHECKSUM_BYTES


def _properties(data: bytes) -> Iterator[_Property]:
    """Yield the properties of MAPI. Raises `struct.error` for damaged ones."""
    (count,) = struct.unpack_from("<I", data)
    place = 4
    for _ in range(count):
        kind, number = struct.unpack_from("<HH", data, place)
        place += 4
        if number >= _NAMED:
            place = _after_name(data, place)
        is_row, kind = bool(kind & _SEVERAL), kind & ~_SEVERAL
        values = 1
        if is_row or kind in {_TEXT_8, _TEXT_16, _BINARY, _OBJECT}:
            (values,) = struct.unpack_from("<I", data, place)
            place += 4
        for _ in range(values):
            if kind in _FIXED:
                length = _FIXED[kind]
            else:
                (length,) = struct.unpack_from("<I", data, place)
                place += 4
            if place + length > len(data):
                raise struct.error("a property beyond the end")
            yield _Property(number, kind, data[place : place + length])
            place += _padded(length)


def _after_name(data: bytes, place: int) -> int:
    """Where the value of a property with a name begins: behind the name's space and its number or its letters."""
    place += 16
    is_text, length = struct.unpack_from("<II", data, place)
    return place + 8 + (_padded(length) if is_text else 0)


def _padded(length: int) -> int:
    return length + -length % 4


def decompress_rtf(data: bytes) -> bytes:
    """The RTF of a message. Raises `struct.error` where its head or a reference is cut."""
    _, size, method, _ = _RTF_HEAD.unpack_from(data)
    if method == _UNCOMPRESSED:
        return data[_RTF_HEAD.size :]
    if method != _COMPRESSED:
        return b""
    window = bytearray(_RTF_START.ljust(_WINDOW, b"\0"))
    write = len(_RTF_START)
    found = bytearray()
    place = _RTF_HEAD.size
    while place < len(data) and len(found) < min(size, _MAX_RTF_BYTES):
        flags = data[place]
        place += 1
        for bit in range(8):
            if place >= len(data):
                break
            if not flags >> bit & 1:
                piece = data[place : place + 1]
                place += 1
            else:
                (reference,) = struct.unpack_from(">H", data, place)
                place += 2
                start, length = reference >> 4, (reference & 15) + 2
                if start == write % _WINDOW:
                    return bytes(found[:size])
                piece = b""
            count = length if not piece else 1
            for step in range(count):
                byte = piece[0] if piece else window[(start + step) % _WINDOW]
                window[write % _WINDOW] = byte
                found.append(byte)
                write += 1
    return bytes(found[:size])
