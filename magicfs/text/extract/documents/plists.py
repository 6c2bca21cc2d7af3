"""Reads property lists in their binary form: settings, bookmarks and saved pages of Apple's programs.

Runs in the child process, called by `own_readers`. The standard library parses them. Those in XML are read as text.
Pure functions.
"""

from __future__ import annotations

import plistlib
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.plain.plain_text import clean, decode
from magicfs.text.extract.plain.text_bytes import CONTROLS

PLIST_TYPE: Final = "application/x-bplist"
_PAGE: Final = "WebMainResource"
"""The key of the page in a web archive, which is a property list."""
_MAX_VALUE_CHARACTERS: Final = 20_000
_MAX_DEPTH: Final = 100
_TRAILER_BYTES: Final = 32
_UNIT_BYTES: Final = {5: 1, 6: 2}
"""The bytes of a letter, by the kind of a text."""
_LENGTH_FOLLOWS: Final = 15


def read_plist(content: bytes, *, parts: FileParts) -> Document:
    """The keys and values that are text, numbers and dates, a line each; of a web archive, its address and its page.

    Of a damaged list, the texts alone; none where its end is missing, which says where they are.
    """
    try:
        root = plistlib.loads(content, fmt=plistlib.FMT_BINARY)
    except plistlib.InvalidFileException:
        parts.add_unread("its structure")
        # Together: some programs write Unicode where only ASCII may stand, or letters of another charset.
        stored = b"\n".join(dict.fromkeys(_texts(content)))
        return Document(text=decode(stored) or clean(stored.decode("utf-8", "replace")), mime_type=PLIST_TYPE)
    page = root.get(_PAGE) if isinstance(root, dict) else None
    if isinstance(page, dict) and isinstance(page.get("WebResourceData"), bytes):
        extension = str(page.get("WebResourceMIMEType") or "text/html").rpartition("/")[2]
        text = parts.read(page["WebResourceData"], f"page.{extension}".encode())
        return Document(text="\n".join([clean(str(page.get("WebResourceURL") or "")), text]), mime_type=PLIST_TYPE)
    return Document(text=clean("\n".join(_lines(root, "", set(), 0))), mime_type=PLIST_TYPE)


def _texts(content: bytes) -> Iterator[bytes]:
    """Yield the texts in the order of the table of objects: each has its kind, its length, and its letters.

    Those of two bytes a letter are in UTF-8 then.
    """
    if len(content) < _TRAILER_BYTES:
        return
    left = len(content)
    size, count, table = struct.unpack_from(">6xBxQ8xQ", content, len(content) - _TRAILER_BYTES)
    for place in range(table, min(table + size * count, len(content) - _TRAILER_BYTES), max(size, 1)):
        at = int.from_bytes(content[place : place + size], "big")
        kind, length = divmod(int.from_bytes(content[at : at + 1], "big"), 16)
        begin = at + 1
        if length == _LENGTH_FOLLOWS:
            length_bytes = 1 << (int.from_bytes(content[begin : begin + 1], "big") & 3)
            begin += 1 + length_bytes
            length = int.from_bytes(content[begin - length_bytes : begin], "big")
        if kind in _UNIT_BYTES and 0 < length <= min(_MAX_VALUE_CHARACTERS, left):
            left -= length
            letters = content[begin : begin + length * _UNIT_BYTES[kind]]
            if _UNIT_BYTES[kind] > 1:
                letters = letters.decode("utf-16-be", "replace").encode()
            yield b" ".join(letters.translate(None, CONTROLS).split())


def _lines(value: Any, key: str, seen: set[int], depth: int) -> Iterator[str]:
    """Yield a line for each value. A list or a dictionary is visited once, whatever refers to it."""
    if isinstance(value, dict | list):
        if id(value) in seen or depth > _MAX_DEPTH:
            return
        seen.add(id(value))
        entries = value.items() if isinstance(value, dict) else ((key, item) for item in value)
        for name, item in entries:
            yield from _lines(item, str(name), seen, depth + 1)
    elif isinstance(value, str | int | float | datetime):
        shown = " ".join(str(value)[:_MAX_VALUE_CHARACTERS].split())
        yield f"{key}: {shown}" if key else shown
