"""Reads the texts of Pages, Keynote and Numbers since 2013: paragraphs, cells with text, notes, comments and names.

Runs in the child process, called by `document_parser`. Such a document is a zip container of archives: compressed with
Snappy, each holds objects in Protocol Buffers, of which kreuzberg gives all that looks like text, such as the names of
thousands of styles. Numbers in cells, and the order of slides and cells, are not read. Pure functions.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.part_count import DAMAGE, PartCount
from magicfs.text.extract.office.snappy import uncompressed
from magicfs.text.extract.plain.plain_text import clean

NUMBERS_TYPE: Final = "application/x-iwork-numbers-sffnumbers"
IWORK_TYPES: Final = frozenset(
    {NUMBERS_TYPE, "application/x-iwork-keynote-sffkey", "application/x-iwork-pages-sffpages"}
)

_ARCHIVE: Final = re.compile(
    r"Index/(?!(?:Master|Template)Slide|ViewState|\w*Stylesheet|\w*Metadata)(?:\w+/)?([A-Za-z]+)(?:-(\d+))?[\d-]*\.iwa"
)
"""An archive; those that slides are made from say what to type there."""
_FIRST: Final = "Document"
_STORAGES, _TABLE, _LIST, _SHEET, _COMMENT = frozenset({2001, 2005}), 6001, 6005, 2, 3056
"""The kinds of objects that hold texts, the names of a table and of a sheet, and the texts of cells."""
_LIST_OF_TEXTS: Final = 1
_NAME_OF_TABLE: Final = 8
_NAME: Final = 1
"""The field with the name of a sheet, and with the text of a comment."""
_KIND, _KEY, _ENTRY, _TEXT = 1, 1, 3, 3
"""The fields of a list and of its entries. A storage has its text in the same field."""
_MESSAGE: Final = 2
_MAX_BYTES: Final = 128 << 20
_MAX_NUMBER_BITS: Final = 70

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
"""How a field is written, in its lowest three bits."""
_PLACES: Final = dict.fromkeys(map(ord, "\u2028\u2029"), "\n") | {0xFFFC: None}
"""Ends of lines and paragraphs, and what stands for an object in a text."""

_Fields = Iterator[tuple[int, int | bytes]]


def read_iwork(content: bytes, mime_type: str, *, until: float, parts: PartCount) -> Document | Unreadable:
    """The texts of a document, a paragraph a line; archives after `until` on the monotonic clock are left out.

    Damaged archives are counted. Raises one of `DAMAGE` for a damaged container.
    """
    found: dict[str, None] = {}
    room = _MAX_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        for member in sorted(filter(_ARCHIVE.fullmatch, container.namelist()), key=_place):
            if time.monotonic() > until:
                parts.add_unread(member, SkipReason.TIMEOUT)
                break
            try:
                data = b"".join(_pieces(container.read(member), most_bytes=room))
                room -= len(data)
                for text in _texts(data, is_table=mime_type == NUMBERS_TYPE):
                    found[clean(text.translate(_PLACES)).strip()] = None
            except (*DAMAGE, IndexError):
                parts.add_unread(member)
            else:
                parts.add()
    text = "\n\n".join(filter(None, found))
    return Document(text=text, mime_type=mime_type) if text else Unreadable(SkipReason.NO_TEXT)


def _place(member: str) -> tuple[bool, str, int]:
    """The key that sorts the document before what belongs to it."""
    match = _ARCHIVE.fullmatch(member)
    name, number = match.groups() if match else (member, None)
    return name != _FIRST, name, int(number or 0)


def _pieces(archive: bytes, *, most_bytes: int) -> Iterator[bytes]:
    """Yield the uncompressed pieces of an archive, each of which its length precedes."""
    place = 0
    while place + 4 <= len(archive):
        length = int.from_bytes(archive[place + 1 : place + 4], "little")
        piece = uncompressed(archive[place + 4 : place + 4 + length], most_bytes=most_bytes)
        most_bytes -= len(piece)
        yield piece
        place += 4 + length


def _texts(data: bytes, *, is_table: bool) -> Iterator[str]:
    for kind, message in _objects(data):
        if kind in _STORAGES:
            yield from _strings(message, _TEXT)
        elif kind == _LIST:
            yield from _texts_of_cells(message)
        elif kind == _TABLE:
            yield from _strings(message, _NAME_OF_TABLE)
        elif kind == _COMMENT or (kind == _SHEET and is_table):
            yield from _strings(message, _NAME)


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the message of each object: a head says how long they are."""
    place = 0
    while place < len(data):
        length, place = _number(data, place)
        head = data[place : place + length]
        place += length
        for field, value in _fields(head):
            if field == _MESSAGE and isinstance(value, bytes):
                said = dict(_fields(value))
                kind, size = said.get(1), said.get(3)
                if isinstance(kind, int) and isinstance(size, int):
                    yield kind, data[place : place + size]
                    place += size


def _texts_of_cells(message: bytes) -> Iterator[str]:
    fields = list(_fields(message))
    if (_KIND, _LIST_OF_TEXTS) not in fields:
        return
    entries = [dict(_fields(value)) for field, value in fields if field == _ENTRY and isinstance(value, bytes)]
    for entry in sorted(entries, key=lambda entry: str(entry.get(_KEY)).zfill(_MAX_NUMBER_BITS)):
        text = entry.get(_TEXT)
        if isinstance(text, bytes):
            yield text.decode("utf-8", "replace")


def _strings(message: bytes, wanted: int) -> Iterator[str]:
    for field, value in _fields(message):
        if field == wanted and isinstance(value, bytes):
            yield value.decode("utf-8", "replace")


def _fields(message: bytes) -> _Fields:
    """Yield the number of each field with its value. Raises `ValueError` for what is no message."""
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        way = key & 7
        if way == _VARINT:
            value, place = _number(message, place)
            yield key >> 3, value
            continue
        if way == _BYTES:
            length, place = _number(message, place)
        elif way in {_EIGHT_BYTES, _FOUR_BYTES}:
            length = 8 if way == _EIGHT_BYTES else 4
        else:
            raise ValueError("a field that is written in an unknown way")
        yield key >> 3, message[place : place + length]
        place += length


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    number = 0
    for shift in range(0, _MAX_NUMBER_BITS, 7):
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  (the highest bit says that there are more)
            return number, place
    raise ValueError("a number that does not end")
