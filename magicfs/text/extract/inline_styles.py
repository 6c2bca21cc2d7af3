"""Keeps words whole that change their style inside, in RTF and in FictionBook: kreuzberg puts a blank there.

Runs in the child process, called by `document_parser` before kreuzberg reads the file. Pure functions.
"""

from __future__ import annotations

import re
from typing import Final

_RTF: Final = "application/rtf"
FICTION_BOOK: Final = "application/x-fictionbook+xml"

_AFTER_GROUP: Final = re.compile(
    rb"(?<=[A-Za-z0-9?])\}(?![0-9A-Fa-f]{16})([A-Za-z\x80-\xff][^{}\\\r\n]{0,200})(?=[{}\\\r\n])"
)
"""The text right after a group that ends with a letter or an escape; not data of a picture in hexadecimal."""
_STYLE: Final = re.compile(rb"</?(?:\w{1,20}:)?(?:emphasis|strong|style|strikethrough|sub|sup|code)\b[^<>]{0,500}>")


def with_whole_words(content: bytes, mime_type: str) -> bytes:
    """The file with its words in one piece; the same file for any other type, and for UTF-16.

    The text after a group of RTF gets a group of its own: between two groups no blank is put.
    """
    if mime_type == _RTF:
        return _AFTER_GROUP.sub(rb"}{\1}", content)
    return _STYLE.sub(b"", content) if mime_type == FICTION_BOOK else content
