"""Finds the words that a text has in an encoding of mail, behind the escape of a line end, or in a wrong charset.

Used by `readable`, which puts them beside the running text: the encoded ones are what the text has to the letter. Pure
functions; any thread. Each rule is guarded by a search for its characters.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Final

_STRING: Final = re.compile(
    r"[\"'](?:(?<![\w\\\"'].)|(?<=\b[rbfuRBFU].)|(?<=\b[rbfuRBFU]{2}.))"
    r"(?:(?<=\")([^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+)(?:\"|\Z)|(?<=')([^'\\\n]*+(?:\\.[^'\\\n]*+)*+)'(?!\w))"
)
"""A string of code in one line: from a quote that is neither an apostrophe nor behind another one, to the next."""
_WITHOUT_ESCAPES: Final = re.compile(r"(?<=[rR])|(?<=[rR][bBfF])|.[A-Za-z]:\\|.[^\n]*\$\\")
"""What a string begins with whose backslashes are no escapes: a raw one, a path of Windows, or one with a formula."""
_LINE_END: Final = re.compile(r"(?<!\\)(?<!\\[nrt])(?:\\[nrt])++([^\W_]+(?:[^\w\\\"'`\n]{1,3}[^\W_]+){0,7})")
"""The escape of a line end or a tab in a string, and the words behind it."""
_LAST_WORD: Final = re.compile(r"(?:(?<!\\)\\[nrt])?([^\W_]+)(?=[^\w\\]{0,2}\Z)")
_MAX_WORD: Final = 60

_HEADER_WORDS: Final = re.compile(
    r"=\?[A-Za-z0-9_-]{2,40}\?[BbQq]\?[^?\s]{1,500}\?=(?:\s{1,3}=\?[A-Za-z0-9_-]{2,40}\?[BbQq]\?[^?\s]{1,500}\?=){0,20}"
)
"""Encoded words of a header of mail (RFC 2047)."""
_LETTER_OF_MAIL: Final = r"=(?:[CD][0-9A-F]|E[0-9A-F]=[89AB][0-9A-F])=[89AB][0-9A-F]"
"""A letter beyond ASCII as bytes of UTF-8 in hexadecimal."""
_HAS_LETTER_OF_MAIL: Final = re.compile(_LETTER_OF_MAIL)
_QUOTED_PRINTABLE: Final = re.compile(
    rf"(?<![^\s=])[^\s=]{{0,200}}{_LETTER_OF_MAIL}(?:[^\s=]|=(?:[0-9A-F]{{2}}|\n)){{0,500}}"
)
"""A word with such letters, which may go on in the next line."""

_LETTER_ENCODED_TWICE: Final = (
    "[\u00c3-\u00c5\u00d0\u00d1][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013-\u2026\u2030\u2039\u203a\u20ac\u2122]"
)
"""A letter whose bytes of UTF-8 a program took for characters of Windows, and wrote in UTF-8 again."""
_HAS_LETTER_ENCODED_TWICE: Final = re.compile(_LETTER_ENCODED_TWICE)
_ENCODED_TWICE: Final = re.compile(rf"(?<![^\s<>\"])[^\s<>\"]{{0,200}}?{_LETTER_ENCODED_TWICE}[^\s<>\"]{{0,200}}")
_SURELY_ENCODED_TWICE: Final = re.compile(
    rf"(?<=[a-z]){_LETTER_ENCODED_TWICE}|{_LETTER_ENCODED_TWICE}(?:[^\W_]|.*{_LETTER_ENCODED_TWICE})"
)
"""A word with such a letter elsewhere than at the end of capitals, which a sign may follow: `AMANH\u00c3\u2026`."""


def encoded_words(text: str) -> list[str]:
    """What a text says in an encoding, piece by piece."""
    found: list[str] = []
    if "\\n" in text or "\\t" in text:
        found += _behind_line_ends(text)
    if "=?" in text:
        found += map(_header_text, _HEADER_WORDS.findall(text))
    if "=" in text and _HAS_LETTER_OF_MAIL.search(text):
        found += map(_unquoted, _QUOTED_PRINTABLE.findall(text))
    if not text.isascii() and _HAS_LETTER_ENCODED_TWICE.search(text):
        found += map(_encoded_once, _ENCODED_TWICE.findall(text))
    return list(filter(None, found))


def _behind_line_ends(text: str) -> Iterator[str]:
    """Yield the words behind escapes of line ends in strings, after the word before each, so that phrases go on.

    A command of TeX and a path of Windows may look like one, and stay as they are.
    """
    for string in _STRING.finditer(text):
        if "\\" not in string[0] or _WITHOUT_ESCAPES.match(text, string.start(), string.end()):
            continue
        words = string[1] or string[2]
        for match in _LINE_END.finditer(words):
            before = _LAST_WORD.search(words[max(0, match.start() - _MAX_WORD) : match.start()])
            yield f"{before[1]} {match[1]}" if before else match[1]


def _header_text(words: str) -> str:
    try:
        return str(make_header(decode_header(words)))
    except (HeaderParseError, LookupError, ValueError, binascii.Error):
        return ""


def _unquoted(word: str) -> str:
    return _in_utf8(quopri.decodestring(word.encode("utf-8", "replace")))


def _encoded_once(word: str) -> str:
    """What a word is without its second encoding; nothing for one with other characters than those of Windows."""
    try:
        return _in_utf8(b"".join(map(_byte, word))) if _SURELY_ENCODED_TWICE.search(word) else ""
    except UnicodeEncodeError:
        return ""


def _byte(character: str) -> bytes:
    """The byte that Windows shows as a character; one of Latin-1 for the few that it does not show."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def _in_utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
