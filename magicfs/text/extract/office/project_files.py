"""Reads plans of Microsoft Project 2000 and later (`.mpp`): tasks, resources, their texts and notes.

Runs in the child process, called by `own_readers`. The texts of each table are in one stream, each behind its size;
between them are numbers, and gaps from before they were changed. Dates and durations are not read. Untrusted bytes;
pure functions.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.ole_properties import stated_properties
from magicfs.text.extract.plain.plain_text import clean

PROJECT_TYPE: Final = "application/vnd.ms-project"
PROJECT_STREAMS: Final = ("Props9", "Props12", "Props14")
"""What plans of 2000, 2007 and 2010 have, and later ones as those of 2010."""

_TEXTS_OF: Final = re.compile(r"\s*\d+/TBknd(?:Task|Rsc)/Var2Data")
_SIZE_BYTES: Final = 4
_MIN_BYTES, _MAX_BYTES = 6, 4096
"""The size of a text: two letters at least, because numbers look like one."""
_RTF: Final = b"{\\rtf"
_SHOWN: Final = frozenset("\t\n\r")


def read_project(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The texts of tasks, then those of resources, each one once. Raises one of `DAMAGE`."""
    ole = OleFile(content)
    streams = sorted(filter(_TEXTS_OF.fullmatch, ole.paths), key=lambda path: "TBkndTask" not in path)
    texts = dict.fromkeys(text for path in streams for text in _texts(ole.read(path), parts))
    text = clean("\n".join(texts)).strip()
    stated = stated_properties(ole)
    if not text:
        return Unreadable(SkipReason.NO_TEXT)
    return Document(text=text, mime_type=PROJECT_TYPE, title=stated.title, author=stated.author)


def _texts(data: bytes, parts: FileParts) -> Iterator[str]:
    place = 0
    while place + _SIZE_BYTES <= len(data):
        (size,) = struct.unpack_from("<I", data, place)
        begin = place + _SIZE_BYTES
        text = ""
        if size <= len(data) - begin:
            if data.startswith(_RTF, begin) and not parts.is_time_over:
                text = parts.read(data[begin : begin + size].rstrip(b"\0"), b"note.rtf").strip()
            elif _MIN_BYTES <= size <= _MAX_BYTES:
                text = _text(data[begin : begin + size])
        if text:
            yield text
            place = begin + size
        else:
            place += 2


def _text(stored: bytes) -> str:
    """The text that bytes are; empty for other data."""
    if len(stored) % 2 or stored[-2:] != b"\0\0":
        return ""
    try:
        text = stored[:-2].decode("utf-16-le")
    except UnicodeDecodeError:
        return ""
    is_shown = all(sign.isprintable() or sign in _SHOWN for sign in text)
    return text.strip() if is_shown and any(map(str.isalnum, text)) else ""
