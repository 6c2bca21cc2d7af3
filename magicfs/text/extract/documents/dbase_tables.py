"""Reads tables of dBase and FoxPro (`.dbf`), which also stand beside the shapes of maps: a line for each record.

Runs in the child process, called by `own_readers`; `detect` asks whether a file is one. Long texts are in a file of
their own, which is not read. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from magicfs.domain.contents import Document
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import WHAT_FOLLOWS, FileParts
from magicfs.text.extract.plain.plain_text import clean, decode

DBASE_TYPE: Final = "application/x-dbf"

_VERSIONS: Final = frozenset(b"\x02\x03\x30\x31\x32\x43\x63\x83\x8b\xcb\xf5\xfb")
_HEADER: Final = struct.Struct("<4BIHH")
_HEADER_BYTES: Final = 32
_FIELD_BYTES: Final = 32
_FIELD: Final = struct.Struct("<11sc4xB")
_END_OF_FIELDS: Final = 0x0D
_TYPES: Final = frozenset(b"CNFDLMGBPITYVQW0")
_MONTHS, _DAYS = range(1, 13), range(1, 32)
_CHARSET_PLACE: Final = 29
_CHARSETS: Final = {
    **dict.fromkeys(b"\x01\x09\x0b\x0d\x0f\x11\x15\x18\x19\x1b", "cp437"),
    **dict.fromkeys(b"\x02\x0a\x0e\x10\x12\x14\x16\x1a\x1d\x25\x37", "cp850"),
    **dict.fromkeys(b"\x03\x57\x58\x59", "cp1252"),
    **dict.fromkeys(b"\x1f\x22\x23\x40\x64", "cp852"),
    **dict.fromkeys(b"\x08\x17\x66", "cp865"),
    **dict.fromkeys(b"\x13\x7b", "cp932"),
    **dict.fromkeys(b"\x4d\x7a", "gbk"),
    **dict.fromkeys(b"\x4e\x79", "cp949"),
    **dict.fromkeys(b"\x4f\x78", "cp950"),
    **dict.fromkeys(b"\x26\x65", "cp866"),
    0x04: "mac_roman",
    0x7D: "cp1255",
    0x7E: "cp1256",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
    0xCB: "cp1253",
    0xCC: "cp1257",
    0x6B: "cp857",
}
"""By the number that a file states. Many state none, and some that of their computer where the text is UTF-8."""
_DELETED: Final = ord("*")
_DAY_BYTES, _MONEY_BYTES, _NUMBER_BYTES, _MOMENT_BYTES = 8, 8, 4, 8
_MONEY_UNIT: Final = 10_000
_FIRST_JULIAN_DAY: Final = 1_721_426
"""That of 1 January of the year 1."""
_LAST_DAY: Final = date.max.toordinal()
_DAY_SECONDS: Final = 86_400
_CHECKED_RECORDS: Final = 256


class _Field(NamedTuple):
    name: bytes
    kind: bytes
    size: int


def is_dbase_table(head: bytes) -> bool:
    """Whether a file begins as a table does: with its last day, and a field of a known type."""
    if len(head) < _HEADER_BYTES + _FIELD_BYTES or head[0] not in _VERSIONS:
        return False
    _, _, month, day, _, header_bytes, record_bytes = _HEADER.unpack_from(head)
    name, kind, size = _FIELD.unpack_from(head, _HEADER_BYTES)
    return (
        (month in _MONTHS and day in _DAYS)
        and header_bytes > _HEADER_BYTES + _FIELD_BYTES
        and record_bytes > size > 0
        and (kind[0] in _TYPES and name[0] > ord(" "))
    )


def read_dbase_table(content: bytes, *, parts: FileParts) -> Document:
    """The names of the fields, and each record that is not deleted. What is cut off, or not read in time, is counted.

    Raises `struct.error` for a damaged table.
    """
    _, _, _, _, count, header_bytes, record_bytes = _HEADER.unpack_from(content)
    fields = list(_fields(content[:header_bytes]))
    lines = [b"\t".join(field.name for field in fields)]
    for number in range(count):
        start = header_bytes + number * record_bytes
        record = content[start : start + record_bytes]
        if len(record) < record_bytes:
            parts.add_unread(f"{WHAT_FOLLOWS}record {number}")
            break
        if number % _CHECKED_RECORDS == 0 and parts.is_time_over:
            parts.add_unread(f"{WHAT_FOLLOWS}record {number}", SkipReason.TIMEOUT)
            break
        if record[0] != _DELETED and (values := list(filter(None, _values(record, fields)))):
            lines.append(b"\t".join(values))
    parts.add()
    return Document(text=clean(_decoded(b"\n".join(lines), content[_CHARSET_PLACE])), mime_type=DBASE_TYPE)


def _fields(header: bytes) -> Iterator[_Field]:
    for place in range(_HEADER_BYTES, len(header) - _FIELD_BYTES, _FIELD_BYTES):
        if header[place] == _END_OF_FIELDS:
            return
        name, kind, size = _FIELD.unpack_from(header, place)
        yield _Field(name.partition(b"\0")[0], kind, size)


def _values(record: bytes, fields: list[_Field]) -> Iterator[bytes]:
    place = 1
    for field in fields:
        value = record[place : place + field.size]
        place += field.size
        yield b" ".join(_value(field.kind, value).replace(b"\0", b" ").split())


def _value(kind: bytes, value: bytes) -> bytes:
    """A value as text; empty for one that is not known, and for a place in another file."""
    if kind == b"D" and len(value) == _DAY_BYTES and value.isdigit():
        return b"-".join((value[:4], value[4:6], value[6:]))
    if kind == b"I" and len(value) == _NUMBER_BYTES:
        return b"%d" % int.from_bytes(value, "little", signed=True)
    if kind == b"Y" and len(value) == _MONEY_BYTES:
        return b"%.2f" % (int.from_bytes(value, "little", signed=True) / _MONEY_UNIT)
    if kind == b"T" and len(value) == _MOMENT_BYTES:
        return _moment(*struct.unpack("<II", value))
    return value if kind in {b"C", b"N", b"F", b"D"} else b""


def _moment(julian_day: int, milliseconds: int) -> bytes:
    day = julian_day - _FIRST_JULIAN_DAY + 1
    if not 0 < day <= _LAST_DAY:
        return b""
    return f"{date.fromordinal(day)} {timedelta(seconds=milliseconds // 1000 % _DAY_SECONDS)}".encode()


def _decoded(text: bytes, charset: int) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        stated = _CHARSETS.get(charset)
        return text.decode(stated, "replace") if stated else decode(text) or text.decode("latin-1")
