"""Reads property lists in their binary form: settings, bookmarks and saved pages of Apple's programs.

Runs in the child process, called by `own_readers`. The standard library parses them. Those in XML are read as text.
Pure functions.
"""

from __future__ import annotations

import plistlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.plain.plain_text import clean

PLIST_TYPE: Final = "application/x-bplist"
_PAGE: Final = "WebMainResource"
"""The key of the page in a web archive, which is a property list."""
_MAX_VALUE_CHARACTERS: Final = 20_000
_MAX_DEPTH: Final = 100


def read_plist(content: bytes, *, parts: FileParts) -> Document:
    """The keys and values that are text, numbers and dates, a line each; of a web archive, its address and its page.

    Raises what `plistlib` does.
    """
    root = plistlib.loads(content, fmt=plistlib.FMT_BINARY)
    page = root.get(_PAGE) if isinstance(root, dict) else None
    if isinstance(page, dict) and isinstance(page.get("WebResourceData"), bytes):
        extension = str(page.get("WebResourceMIMEType") or "text/html").rpartition("/")[2]
        text = parts.read(page["WebResourceData"], f"page.{extension}".encode())
        return Document(text="\n".join([clean(str(page.get("WebResourceURL") or "")), text]), mime_type=PLIST_TYPE)
    return Document(text=clean("\n".join(_lines(root, "", set(), 0))), mime_type=PLIST_TYPE)


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
