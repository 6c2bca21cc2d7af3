"""Prepares RTF and FictionBook for kreuzberg, which divides words that change their style and leaves out notes.

Runs in the child process, called by `document_parser` before kreuzberg reads the file. Pure functions.
"""

from __future__ import annotations

import re
from typing import Final

_RTF: Final = "application/rtf"
FICTION_BOOK: Final = "application/x-fictionbook+xml"

_ESCAPE: Final = rb"\\'[0-9A-Fa-f]{2}|\\u-?[0-9]{1,5}(?:\\'[0-9A-Fa-f]{2}| ?\?)"
_AFTER_GROUP: Final = re.compile(
    rb"(?<=[A-Za-z0-9?])\}(?![0-9A-Fa-f]{16})((?:[A-Za-z\x80-\xff]|" + _ESCAPE + rb")"
    rb"(?:[^{}\\\r\n]|" + _ESCAPE + rb"){0,200})(?=[{}\\\r\n])"
)
"""The text right after a group that ends with a letter or an escape; not data of a picture in hexadecimal."""
_LINK: Final = re.compile(
    rb"\{\\\*\\fldinst\b[^{}\"]{0,200}(?:\{[^{}\"]{0,200})?HYPERLINK\s{1,9}\"((?:https?|ftp|mailto):[^\"{}\\]{1,2000})\""
    rb"[^{}]{0,200}\}?\s{0,9}\}"
)
"""The address of a link. It is read as a footnote is, too."""
_RTF_NOISE: Final = re.compile(
    rb"\{\\sp\s*\{\\sn [^{}]*\}\s*\{\\sv (?:[^{}]++|\{[^{}]*+\})*+\}\s*\}|\{\\\*\\atn(?:ref|date|time|parent)[^{}]*\}"
)
"""The measures of a box, and the marks of a comment."""
_RTF_NOTE: Final = re.compile(rb"\{\\\*\\(?:annotation|shpinst)\b")
"""A comment or a box. It is read as a footnote is: after the text, which goes on where it stands."""
_NEXT_BODY: Final = re.compile(rb"</body>\s*<body\b[^<>]*>")
"""The notes of a book are bodies of their own, which the library does not read."""
_STYLE: Final = re.compile(rb"</?(?:\w{1,20}:)?(?:emphasis|strong|style|strikethrough|sub|sup|code)\b[^<>]{0,500}>")


def with_words_and_notes(content: bytes, mime_type: str) -> bytes:
    """The file with its words in one piece and its notes; the same file for any other type, and for UTF-16.

    The text after a group of RTF gets a group of its own: between two groups no blank is put.
    """
    if mime_type == _RTF:
        if _RTF_NOTE.search(content):
            content = _RTF_NOTE.sub(rb"{\\footnote", _RTF_NOISE.sub(b"", content))
        return _AFTER_GROUP.sub(rb"}{\1}", _LINK.sub(rb"{\\footnote \1}", content))
    return _STYLE.sub(b"", _NEXT_BODY.sub(b"", content)) if mime_type == FICTION_BOOK else content
