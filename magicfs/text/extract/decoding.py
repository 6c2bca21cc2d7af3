"""Reads files that are text already: decodes them, and replaces what their format writes instead of letters.

Used by `FileExtractor` in the worker's own process, and in the parser process for texts inside of other files. Pure
functions; any thread.
"""

from __future__ import annotations

from magicfs.text.extract.content_lines import CONTENT_LINE_TYPES, unfold
from magicfs.text.extract.escapes import unescape
from magicfs.text.extract.plain_text import decode


def read_text(content: bytes, *, mime_type: str) -> str | None:
    """The text of `content` as a person reads it; None when it is not text."""
    text = decode(content)
    if text is None:
        return None
    return unfold(text) if mime_type in CONTENT_LINE_TYPES else unescape(text, mime_type=mime_type)
