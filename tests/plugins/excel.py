"""Workbooks of Excel 97 to 2003 (BIFF8), as a test wants them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from tests.plugins.ole import compound_file, record_of_excel

_GLOBALS, _SHEET, _CHART = 0x0005, 0x0010, 0x0020


def text(value: str, *, length: str = "<H") -> bytes:
    """A text with its length and its flags."""
    return struct.pack(length, len(value)) + b"\1" + value.encode("utf-16-le")


def begin(kind: int) -> bytes:
    return record_of_excel(0x0809, struct.pack("<HH12x", 0x0600, kind))


END = record_of_excel(0x000A, b"")


def number(row: int, column: int, value: float, *, style: int = 0) -> bytes:
    return record_of_excel(0x0203, struct.pack("<HHHd", row, column, style, value))


def shared(row: int, column: int, place: int) -> bytes:
    """A cell with the text at a place in the texts that all sheets share."""
    return record_of_excel(0x00FD, struct.pack("<HHHI", row, column, 0, place))


def drawn(value: str) -> bytes:
    """The text of a comment or a box."""
    head = struct.pack("<HH6xHHI", 0, 0, len(value), 16, 0)
    return record_of_excel(0x01B6, head) + record_of_excel(0x003C, b"\1" + value.encode("utf-16-le"))


def chart(title: str, *cells: bytes) -> bytes:
    """A chart in a sheet, with the cells that it shows."""
    name = struct.pack("<HB", 0, len(title)) + b"\0" + title.encode("latin-1")
    return begin(_CHART) + record_of_excel(0x100D, name) + b"".join(cells) + END


def workbook_97(
    sheets: Mapping[str, Sequence[bytes]],
    *,
    texts: Sequence[bytes] = (),
    formats: Sequence[str] = (),
    more: bytes = b"",
    streams: Mapping[str, bytes] | None = None,
    stream: str = "Workbook",
) -> bytes:
    """A workbook of sheets of records. Style 0 is the default one, and one more follows for each format.

    `texts` are the pieces of the record with the shared texts, the first without its head.
    """
    head = begin(_GLOBALS) + more
    for place, code in enumerate(formats):
        head += record_of_excel(0x041E, struct.pack("<H", 200 + place) + text(code))
    for place in (0, *(200 + number for number in range(len(formats)))):
        head += record_of_excel(0x00E0, struct.pack("<HH16x", 0, place))
    names = [text(name, length="<B") for name in sheets]
    size = len(head) + sum(4 + 6 + len(name) for name in names)
    pieces = [struct.pack("<II", len(texts), len(texts)) + b"".join(texts[:1]), *texts[1:]]
    shared_texts = b"".join(record_of_excel(0x003C if place else 0x00FC, piece) for place, piece in enumerate(pieces))
    place = size + len(shared_texts) + len(END)
    bodies = [begin(_SHEET) + b"".join(cells) + END for cells in sheets.values()]
    for name, body in zip(names, bodies, strict=True):
        head += record_of_excel(0x0085, struct.pack("<IBB", place, 0, 0) + name)
        place += len(body)
    return compound_file({stream: head + shared_texts + END + b"".join(bodies), **(streams or {})})


def properties(**values: str) -> bytes:
    """The stream in which a document says its `title`, `subject`, `author`, `keywords` and `comments`."""
    numbers = {"title": 2, "subject": 3, "author": 4, "keywords": 5, "comments": 6}
    entries = [(1, struct.pack("<IHxx", 2, 1251))]
    entries += [
        (numbers[name], struct.pack("<II", 0x1E, len(data)) + data + bytes(-len(data) % 4))
        for name, data in ((name, value.encode("cp1251") + b"\0") for name, value in values.items())
    ]
    place = 8 + 8 * len(entries)
    index = b""
    for name, data in entries:
        index += struct.pack("<II", name, place)
        place += len(data)
    section = struct.pack("<II", place, len(entries)) + index + b"".join(data for _, data in entries)
    return struct.pack("<HHI16xI16xI", 0xFFFE, 0, 2, 1, 48) + section
