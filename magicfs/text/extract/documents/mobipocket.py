"""Reads books of Mobipocket and Kindle (`.mobi`, `.azw`, `.azw3`, `.prc`), and texts of the Palm (`.pdb`).

Runs in the child process, called by `document_parser`, which reads the page of HTML that such a book is. A book is a
database of records: the first one describes it, the next ones hold the text. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.plain.plain_text import decode

MOBIPOCKET_TYPE: Final = "application/x-mobipocket-ebook"

_COUNT_OFFSET: Final = 76
_OFFSETS_START: Final = 78
_ENTRY_BYTES: Final = 8
_PLAIN, _PALM_DOC = 1, 2
"""The compressions that are read; the third one is rare."""
_HEADER_START: Final = 16
_UTF_8: Final = 65001
_MIN_HEADER_WITH_ENDS: Final = 0xE4
"""A shorter header of a book says nothing about what follows the text in a record."""
_AUTHOR, _DESCRIPTION, _SUBJECT, _TITLE = 100, 103, 105, 503
"""The numbers of what a book states of itself."""
_MAX_STATED: Final = 1000
_COUNTS: Final = range(1, 9)
"""What stands before so many bytes that are not compressed."""
_FIRST_OF_PAIR, _FIRST_WITH_BLANK = 0x80, 0xC0
"""Lower bytes stand for themselves. From the first one on, a byte and the next say what to repeat; from the second one
on, a byte stands for a blank and a letter."""
_MAX_TEXT_BYTES: Final = 64 << 20
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
"""How the records of pictures begin."""


class Book(NamedTuple):
    """What a book holds."""

    text: bytes
    is_html: bool
    title: str | None
    author: str | None
    keywords: str | None


def read_book(content: bytes) -> Book | Unreadable:
    """The text in UTF-8 and what is stated of a book. Raises `struct.error` for a damaged one."""
    records = _records(content)
    if not records:
        return Unreadable(SkipReason.NO_TEXT)
    first = content[records[0]]
    compression, _, length, texts, _, protection = struct.unpack_from(">HHIHHH", first)
    is_book = first[_HEADER_START : _HEADER_START + 4] == b"MOBI"
    # A text of the Palm has the place of its reader there.
    if is_book and protection:
        return Unreadable(SkipReason.ENCRYPTED, "an e-book with digital rights management")
    if compression not in {_PLAIN, _PALM_DOC}:
        return Unreadable(SkipReason.BINARY, "a book in a compression that is not read")
    header_bytes, _, encoding = struct.unpack_from(">III", first, 20) if is_book else (0, 0, 1252)
    flags = struct.unpack_from(">H", first, 242)[0] if header_bytes >= _MIN_HEADER_WITH_ENDS else 0
    text = bytearray()
    for record in records[1 : texts + 1]:
        piece = _without_ends(content[record], flags)
        text += decompress(piece) if compression == _PALM_DOC else piece
        if len(text) > _MAX_TEXT_BYTES:
            break
    codec = "utf-8" if encoding == _UTF_8 else "cp1252"
    stated = _stated(first, _HEADER_START + header_bytes) if is_book else {}
    plain = bytes(text[:length] if length else text)
    values = {number: ", ".join(value.decode(codec, "replace") for value in stated[number]) for number in stated}
    name = _name(first) if is_book else content[:32].partition(b"\0")[0]
    keywords = ", ".join(filter(None, (values.get(_SUBJECT), values.get(_DESCRIPTION))))
    return Book(
        text=((None if is_book else decode(plain)) or plain.decode(codec, "replace")).encode("utf-8"),
        is_html=is_book,
        title=values.get(_TITLE) or name.decode(codec, "replace") or None,
        author=values.get(_AUTHOR),
        keywords=keywords or None,
    )


def pictures_of_book(content: bytes) -> Iterator[tuple[bytes, None]]:
    """Yield the pictures of a book: each is a record. Raises `struct.error` for a damaged one."""
    for record in _records(content):
        if content.startswith(_PICTURES, record.start):
            yield content[record], None


def _records(content: bytes) -> list[slice]:
    """Where each record of a book is. Raises `struct.error` for a damaged one."""
    (count,) = struct.unpack_from(">H", content, _COUNT_OFFSET)
    starts = [struct.unpack_from(">I", content, _OFFSETS_START + _ENTRY_BYTES * n)[0] for n in range(count)]
    places = list(pairwise([*starts, len(content)]))
    if any(end < start for start, end in places):
        raise struct.error("records that overlap")
    return [slice(start, end) for start, end in places]


def _name(first: bytes) -> bytes:
    """The title in the record that describes a book."""
    start, length = struct.unpack_from(">II", first, 84)
    return first[start : start + length]


def _stated(first: bytes, start: int) -> dict[int, list[bytes]]:
    """What a book states of itself, by number; nothing without that table."""
    if first[start : start + 4] != b"EXTH":
        return {}
    found: dict[int, list[bytes]] = {}
    (count,) = struct.unpack_from(">I", first, start + 8)
    place = start + 12
    for _ in range(min(count, _MAX_STATED)):
        number, length = struct.unpack_from(">II", first, place)
        found.setdefault(number, []).append(first[place + 8 : place + length])
        place += max(length, 8)
    return found


def _without_ends(record: bytes, flags: int) -> bytes:
    """The text of a record without what follows it: a table for each flag, and the rest of a divided letter."""
    flags, has_divided_letter = flags >> 1, flags & 1
    while flags:
        if flags & 1:
            record = record[: max(0, len(record) - _backward_number(record))]
        flags >>= 1
    return record[: max(0, len(record) - (record[-1] & 3) - 1)] if has_divided_letter and record else record


def _backward_number(record: bytes) -> int:
    """The number that the last bytes give, seven bits each, the last ones first."""
    number = 0
    for place, byte in enumerate(reversed(record[-4:])):
        number |= (byte & 0x7F) << 7 * place
        if byte & 0x80:
            break
    return number


def decompress(record: bytes) -> bytes:
    """The text of a record that is compressed as texts of the Palm are."""
    found = bytearray()
    place, end = 0, len(record)
    while place < end:
        byte = record[place]
        place += 1
        if byte in _COUNTS:
            found += record[place : place + byte]
            place += byte
        elif byte < _FIRST_OF_PAIR:
            found.append(byte)
        elif byte >= _FIRST_WITH_BLANK:
            found += bytes((0x20, byte ^ 0x80))
        elif place < end:
            pair = byte << 8 | record[place]
            place += 1
            distance, length = pair >> 3 & 0x7FF, (pair & 7) + 3
            if not 0 < distance <= len(found):
                continue
            for _ in range(length):
                found.append(found[-distance])
    return bytes(found)
