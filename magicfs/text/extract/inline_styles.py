"""Prepares FictionBook for kreuzberg, which divides words that change their style and leaves out notes.

Runs in the child process, called by `document_parser` before kreuzberg reads the file. Pure functions.
"""

from __future__ import annotations

import re
from typing import Final

FICTION_BOOK: Final = "application/x-fictionbook+xml"

_NEXT_BODY: Final = re.compile(rb"</body>\s*<body\b[^<>]*>")
"""The notes of a book are bodies of their own, which the library does not read."""
_STYLE: Final = re.compile(rb"</?(?:\w{1,20}:)?(?:emphasis|strong|style|strikethrough|sub|sup|code)\b[^<>]{0,500}>")


def with_words_and_notes(content: bytes) -> bytes:
    """A book with its words in one piece and its notes; one in UTF-16 as it is."""
    return _STYLE.sub(b"", _NEXT_BODY.sub(b"", content))
