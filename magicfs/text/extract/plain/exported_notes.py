"""Reads notes that Evernote exports (`.enex`): pages of HTML inside of XML, with their titles, tags and attachments.

Used by `decoding` on decoded text. What a person sees stays, on the lines on which it stands in the file, days as
people write them, and of a picture the words that Evernote has recognised in it. Pure functions; any thread.
"""

from __future__ import annotations

import html
import re
from typing import Final

NOTES_TYPE: Final = "application/x-enex"

_RECOGNISED: Final = re.compile(r"<recoIndex\b[^<>]{0,2000}>((?:[^<]++|<(?!/?recoIndex\b))*+)</recoIndex>")
_RECOGNISED_WORD: Final = re.compile(r"<item\b[^<>]{0,200}>\s{0,20}<t\b[^<>]{0,100}>([^<>]{1,500})</t>")
"""The first of several words that a place in a picture may show is the likeliest."""
_DATA: Final = re.compile(r"<data\b[^<>]{0,200}>[^<>]*</data>")
_MOMENT: Final = re.compile(r">([12][0-9]{3})([01][0-9])([0-3][0-9])T([0-2][0-9])([0-5][0-9])[0-9]{2}Z<")
_INLINE: Final = re.compile(
    r"</?(?:a|b|strong|i|em|u|s|strike|del|font|span|sub|sup|mark|code|small|big|wbr)(?:\s[^<>]{0,5000})?/?>",
    re.IGNORECASE,
)
"""What may stand inside a word."""
_TAG: Final = re.compile(r"<!\[CDATA\[|\]\]>|<[/!?]?[A-Za-z][^<>]{0,5000}>")
_LINE_ENDS: Final = str.maketrans("\n\r", "  ")
_BLANKS: Final = re.compile(r"[ \t\u00a0]{2,}")


def read_notes(text: str) -> str:
    """The notes as a person reads them. A line stays a line."""
    text = _RECOGNISED.sub(_recognised_words, _DATA.sub(_only_line_ends, text))
    text = _MOMENT.sub(r">\1-\2-\3 \4:\5<", text)
    text = _TAG.sub(_line_ends, _INLINE.sub(_only_line_ends, text))
    return _BLANKS.sub(" ", "\n".join(map(_unescaped, text.split("\n"))))


def _unescaped(line: str) -> str:
    """A line with its letters. In a note, those of XML are escaped once more."""
    return html.unescape(html.unescape(line)).translate(_LINE_ENDS)


def _recognised_words(match: re.Match[str]) -> str:
    return f" {' '.join(_RECOGNISED_WORD.findall(match[1]))} " + "\n" * match[1].count("\n")


def _only_line_ends(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _line_ends(match: re.Match[str]) -> str:
    return _only_line_ends(match) or " "
