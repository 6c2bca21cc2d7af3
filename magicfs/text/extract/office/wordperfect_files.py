"""Reads the running text of documents of WordPerfect 5 and later (`.wpd` `.wp`), without notes and headers.

Runs in the child process, called by `own_readers`. A document is a row of bytes: letters, and codes of known
length. Untrusted bytes; pure functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.plain.plain_text import clean

WORDPERFECT_TYPE: Final = "application/vnd.wordperfect"

_HEADER_BYTES: Final = 16
_DOCUMENT: Final = 0x0A
_VERSION_6: Final = 2
_ASCII: Final = range(0x21, 0x7F)

_IN_ORDER: Final = "ÁáÂâÄäÀàÅåÆæÇçÉéÊêËëÈèÍíÎîÏïÌìÑñÓóÔôÖöÒòÚúÛûÜüÙùŸÿÃãĐđØøÕõÝýÐðÞþ"
_LETTERS: Final = {9: "\u2019", 23: "ß"} | dict(enumerate(_IN_ORDER, start=26))
_SIGNS: Final = {28: "\u2019", 29: "\u2018", 31: "\u201d", 32: "\u201c", 33: "\u2013", 34: "\u2014", 72: "€"}
_CHARACTERS: Final = {1: _LETTERS, 4: _SIGNS}
"""Characters by their number, by that of their set."""
_USUAL_LETTERS: Final = "åÅæÆäÄáàâãÃçÇëéÉèêíñÑøØõÕöÖüÜúùß"
"""Letters that have a byte of their own in version 6, from 1."""

_SINGLE_6: Final = {0x80: " ", 0x81: " ", 0x84: "-", 0xC7: "\n", 0xCC: "\n", 0xCF: " "}
_LINES_6: Final = 0xD0
_HARD_LINES_6: Final = 4
_CELLS_6: Final = 10
_FIXED_6: Final = dict(zip(range(0xF0, 0x100), (4, 5, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 8, 8, 1, 1), strict=True))
_SINGLE_5: Final = {
    0x20: " ",
    0x0A: "\n",
    0x0B: " ",
    0x0C: "\n",
    0x0D: " ",
    0x99: "\n",
    0xA0: " ",
    0xA9: "-",
    0xAA: "-",
    0xAB: "-",
}
_FIXED_5: Final = dict(zip(range(0xC0, 0xD0), (4, 9, 11, 3, 3, 5, 6, 7, 4, 5, 6, 6, 8, 10, 10, 12), strict=True))
_FIRST_VARIABLE: Final = 0xD0
_FIRST_FIXED_6: Final = 0xF0
_CELLS_5: Final = 0xDC


def read_wordperfect(content: bytes) -> Document | Unreadable:
    """The text of a document; no text of a file of another program of WordPerfect."""
    header = content[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\0")
    if header[9] != _DOCUMENT:
        return Unreadable(SkipReason.BINARY, "a file of WordPerfect that is no document")
    if any(header[12:14]):
        return Unreadable(SkipReason.ENCRYPTED, "needs a password")
    body = content[int.from_bytes(header[4:8], "little") :]
    text = clean(_read(body, _piece_6 if header[10] >= _VERSION_6 else _piece_5))
    return Document(text=text, mime_type=WORDPERFECT_TYPE) if text.strip() else Unreadable(SkipReason.NO_TEXT)


def _read(body: bytes, piece_at: Callable[[bytes, int], tuple[str, int]]) -> str:
    pieces: list[str] = []
    place = 0
    while place < len(body):
        if body[place] in _ASCII:
            pieces.append(chr(body[place]))
            place += 1
            continue
        text, length = piece_at(body, place)
        pieces.append(text)
        place += max(length, 1)
    return "".join(pieces)


def _piece_6(body: bytes, place: int) -> tuple[str, int]:
    """What a code of version 6 stands for, and its length."""
    code = body[place]
    if 0 < code <= len(_USUAL_LETTERS):
        return _USUAL_LETTERS[code - 1], 1
    if code < _FIRST_VARIABLE:
        return _SINGLE_6.get(code, ""), 1
    if code >= _FIRST_FIXED_6:
        return (_character(body, place) if code == _FIRST_FIXED_6 else ""), _FIXED_6[code]
    group = int.from_bytes(body[place + 1 : place + 2], "little")
    text = ""
    if code == _LINES_6:
        text = " " if group < _HARD_LINES_6 else "\n" if group < _CELLS_6 else "\t"
    return text, int.from_bytes(body[place + 2 : place + 4], "little")


def _piece_5(body: bytes, place: int) -> tuple[str, int]:
    """What a code of version 5 stands for, and its length."""
    code = body[place]
    if code in _FIXED_5:
        text = _character(body, place) if code == min(_FIXED_5) else "\t" if code == min(_FIXED_5) + 1 else ""
        return text, _FIXED_5[code]
    if code < _FIRST_VARIABLE:
        return _SINGLE_5.get(code, ""), 1
    return ("\t" if code == _CELLS_5 else ""), int.from_bytes(body[place + 2 : place + 4], "little") + 4


def _character(body: bytes, place: int) -> str:
    number, kind = body[place + 1 : place + 2], body[place + 2 : place + 3]
    return _CHARACTERS.get(kind[0], {}).get(number[0], "") if number and kind else ""
