"""Reads documents of Hangul 5 (`.hwp`), of which kreuzberg finds no text. Runs in the child process. Pure functions."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.plain.plain_text import clean

HANGUL_TYPE: Final = "application/x-hwp"

HANGUL_SIGNATURE: Final = b"HWP Document File"
"""How the header begins."""

_HEADER: Final = "FileHeader"
_FLAGS_OFFSET: Final = 36
_IS_COMPRESSED, _HAS_PASSWORD, _IS_FOR_DISTRIBUTION = 1, 2, 4
_SECTION: Final = re.compile(r"BodyText/Section(\d+)")
_PREVIEW: Final = "PrvText"
"""The beginning of the text as it is."""
_PARAGRAPH_TEXT: Final = 67
_LONG: Final = 0xFFF
_MAX_SECTION_BYTES: Final = 64 << 20
_CONTROL: Final = re.compile("[\x01-\x09\x0b\x0c\x0e-\x17].{7}|[\x0a\x0d]|[\0\x18-\x1f]", re.DOTALL)
"""A control takes eight characters, or one."""


def read_hangul(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The text of a document; that of its preview where the text itself is locked. Raises one of `DAMAGE`."""
    ole = OleFile(content)
    flags = struct.unpack_from("<I", ole.read(_HEADER), _FLAGS_OFFSET)[0]
    if flags & _HAS_PASSWORD:
        return Unreadable(SkipReason.ENCRYPTED, "a Hangul document with a password")
    if flags & _IS_FOR_DISTRIBUTION and _PREVIEW in ole:
        parts.add_unread("what follows the preview", SkipReason.ENCRYPTED)
        text = ole.read(_PREVIEW).decode("utf-16-le", "replace")
        return Document(text=clean(text), mime_type=HANGUL_TYPE)
    sections = sorted((int(match[1]), match[0]) for match in map(_SECTION.fullmatch, ole.paths) if match)
    texts: list[str] = []
    for _, path in sections:
        try:
            data = ole.read(path)
            if flags & _IS_COMPRESSED:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _MAX_SECTION_BYTES)
            texts += _paragraphs(data)
        except DAMAGE:
            parts.add_unread(path)
        else:
            parts.add()
    return Document(text="\n".join(texts), mime_type=HANGUL_TYPE)


def _paragraphs(data: bytes) -> Iterator[str]:
    place = 0
    while place + 4 <= len(data):
        head = struct.unpack_from("<I", data, place)[0]
        kind, size = head & 0x3FF, head >> 20
        place += 4
        if size == _LONG:
            size = struct.unpack_from("<I", data, place)[0]
            place += 4
        if kind == _PARAGRAPH_TEXT:
            text = data[place : place + size].decode("utf-16-le", "replace")
            yield clean(_CONTROL.sub(_shown, text)).rstrip("\n")
        place += size


def _shown(control: re.Match[str]) -> str:
    match control[0][0]:
        case "\t":
            return "\t"
        case "\n" | "\r":
            return "\n"
        case "\x18":
            return "-"
        case "\x1e" | "\x1f":
            return " "
    return ""
