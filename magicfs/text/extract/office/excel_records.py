"""Reads the records of workbooks of Excel 5 to 2003 (BIFF), and the texts in them.

Used by `excel_files` in the child process. A record that is longer than 8 KB goes on in others, and a text in it states
its width again where it goes on. Pure functions.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_CONTINUE: Final = b"\x3c\0"
_HEAD_BYTES: Final = 4
_WIDE, _HAS_MORE, _HAS_RUNS = 0x01, 0x04, 0x08
"""Flags of a text: two bytes a character, and what follows it: its reading (Japanese), and its fonts."""
_CHARSETS: Final = {
    65001: "utf-8",
    1200: "utf-16-le",
    10000: "mac-roman",
    32768: "mac-roman",
    32769: "cp1252",
    367: "ascii",
}


@dataclass(frozen=True, slots=True)
class Record:
    """A record, with those in which it goes on."""

    place: int
    kind: int
    pieces: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """The record itself."""
        return self.pieces[0]


def records(stream: bytes) -> Iterator[Record]:
    """Yield the records of a workbook until it ends, or is damaged."""
    place = 0
    while place + _HEAD_BYTES <= len(stream):
        begin = place
        kind, size = struct.unpack_from("<HH", stream, place)
        pieces = [stream[place + _HEAD_BYTES : place + _HEAD_BYTES + size]]
        place += _HEAD_BYTES + size
        while stream[place : place + 2] == _CONTINUE and place + _HEAD_BYTES <= len(stream):
            size = struct.unpack_from("<H", stream, place + 2)[0]
            pieces.append(stream[place + _HEAD_BYTES : place + _HEAD_BYTES + size])
            place += _HEAD_BYTES + size
        if kind:
            yield Record(begin, kind, tuple(pieces))


class Texts:
    """Reads texts one after the other, from a place in a record on."""

    def __init__(self, record: Record, place: int, *, charset: str | None) -> None:
        """With a charset, a text has one byte a character, and no flags: those of before Excel 97."""
        self._pieces = record.pieces
        self._number = 0
        self._place = place
        self._charset = charset

    def one(self, *, length_bytes: int = 2) -> str:
        """The next text, which its length precedes. Raises `EOFError` where there is none."""
        length = int.from_bytes(self._read(length_bytes), "little")
        if self._charset is not None:
            return self._read(length).decode(self._charset, "replace")
        return self.characters(length)

    def characters(self, length: int) -> str:
        """The next text of so many characters, which its flags precede."""
        flags = self._read(1)[0]
        runs = int.from_bytes(self._read(2), "little") if flags & _HAS_RUNS else 0
        more = int.from_bytes(self._read(4), "little") if flags & _HAS_MORE else 0
        found: list[str] = []
        while True:
            width = 2 if flags & _WIDE else 1
            piece = self._pieces[self._number]
            count = min(length, (len(piece) - self._place) // width)
            data = piece[self._place : self._place + count * width]
            found.append(data.decode("utf-16-le" if flags & _WIDE else "latin-1", "replace"))
            self._place += count * width
            length -= count
            if not length:
                break
            if self._number + 1 >= len(self._pieces):
                return "".join(found)
            self._number += 1
            flags, self._place = int.from_bytes(self._pieces[self._number][:1], "little"), 1
        self._skip(4 * runs + more)
        return "".join(found)

    def all(self) -> Iterator[str]:
        """Yield all texts until the record ends."""
        try:
            while True:
                yield self.one()
        except EOFError:
            return

    def _read(self, count: int) -> bytes:
        """The next bytes; they are in one piece. Raises `EOFError` where there are fewer."""
        if self._place == len(self._pieces[self._number]) and self._number + 1 < len(self._pieces):
            self._number, self._place = self._number + 1, 0
        data = self._pieces[self._number][self._place : self._place + count]
        if len(data) < count:
            raise EOFError("a record that ends inside of a text")
        self._place += count
        return data

    def _skip(self, count: int) -> None:
        """Go on. At the end of a piece the next one is not begun: it may begin with flags."""
        self._place += count
        while self._place > len(self._pieces[self._number]) and self._number + 1 < len(self._pieces):
            self._place -= len(self._pieces[self._number])
            self._number += 1


def charset_of(code_page: int) -> str:
    """The charset of texts that have one byte a character."""
    name = _CHARSETS.get(code_page, f"cp{code_page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
