"""The pages, tables and rows of a database of Access (`.mdb`, `.accdb`), of every version from 97 on.

Runs in the child process, used by `access_databases`. A database is a row of pages of one size: some define a table,
and each page of rows names the one that defines its table. Untrusted bytes: what is damaged raises `struct.error`,
`LookupError` or `ValueError`. Pure functions.
"""

from __future__ import annotations

import codecs
import struct
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

_VERSION_PLACE: Final = 0x14
_MASKED: Final = slice(0x18, 0x18 + 126)
_MASK_KEY: Final = bytes.fromhex("c7da396b")
"""The key of RC4 with which a part of the first page is masked in all databases."""
_CODE_PAGE, _KEY, _PASSWORD, _DAY = slice(0x3C, 0x3E), slice(0x3E, 0x42), 0x42, slice(0x72, 0x7A)
_USUAL_CHARSET: Final = "cp1252"
_ROWS: Final = b"\1\1"
_DELETED, _ELSEWHERE, _PLACE = 0x8000, 0x4000, 0x1FFF
"""What the place of a row says beside it."""
_INLINE, _ALONE, _LENGTH = 0x80000000, 0x40000000, 0x3FFFFFFF
"""What the length of a long value says beside it: whether the value follows, or is one piece."""
_LONG_HEAD_BYTES: Final = 12
_MAX_PIECES: Final = 2000
"""The pieces of a long value, and the pages that define a table, that are read."""
_MAX_COLUMNS: Final = 255
"""Those that a table may have."""
_IS_OF_ONE_LENGTH, _IS_CALCULATED = 0x01, 0xC0
_DEFINITION_HEAD_BYTES: Final = 8
_MAP_OF_PAGES: Final = b"\5\1"
_MAP_HEAD_BYTES: Final = 4


class _Layout(NamedTuple):
    """Where what stands, by the version."""

    page_bytes: int
    row_count_place: int
    map_place: int
    """Where it says which row of which page is the map of the pages of a table."""
    columns_place: int
    """The number of columns of a table, and of its indexes."""
    indexes_place: int
    index_bytes: int
    column: struct.Struct
    """Kind, number, number among those of any length, scale, flags, more flags if the version has any, place among
    those of one length, length."""
    size: struct.Struct
    """How the length of a name, and in a row the number of columns and a place, are written."""


_OLD: Final = _Layout(2048, 8, 0x23, 0x19, 43, 8, struct.Struct("<BHH7xBB0sHH"), struct.Struct("<B"))
_NEW: Final = _Layout(4096, 12, 0x37, 0x2D, 63, 12, struct.Struct("<B4xHH3xB2xB1s4xHH"), struct.Struct("<H"))


class Column(NamedTuple):
    """A column of a table."""

    name: str
    kind: int
    number: int
    scale: int
    is_of_one_length: bool
    is_calculated: bool
    """Whether its values are results that Access keeps."""
    place: int
    """Among the columns of one length in a row in bytes, or among those of any length."""
    size: int


class AccessPages:
    """The pages of a database."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.is_old = content[_VERSION_PLACE] == 0
        """Whether it is of Access 97, with texts in the charset of its system."""
        self._layout = _OLD if self.is_old else _NEW
        self._head = mask(content[: self._layout.page_bytes])
        self.charset = _charset(int.from_bytes(self._head[_CODE_PAGE], "little")) if self.is_old else "utf-16-le"
        self._pages_of_rows: dict[int, list[int]] = defaultdict(list)
        for start in range(0, len(content), self._layout.page_bytes):
            if content.startswith(_ROWS, start):
                owner = int.from_bytes(content[start + 4 : start + 8], "little")
                self._pages_of_rows[owner].append(start // self._layout.page_bytes)

    def is_encrypted(self) -> bool:
        """Whether the database asks for a password, or its pages are encrypted."""
        day = bytes(4) if self.is_old else struct.pack("<i", int(struct.unpack("<d", self._head[_DAY])[0]))
        password = self._head[_PASSWORD : _PASSWORD + (20 if self.is_old else 40)]
        return any(self._head[_KEY]) or any(byte ^ day[place % 4] for place, byte in enumerate(password))

    def columns(self, page: int) -> list[Column]:
        """The columns of the table that a page defines, in the order in which a person sees them."""
        layout = self._layout
        definition = self._definition(page)
        count, _, indexes = struct.unpack_from("<HII", definition, layout.columns_place)
        if count > _MAX_COLUMNS:
            raise ValueError("more columns than a table may have")
        start = layout.indexes_place + indexes * layout.index_bytes
        place = start + count * layout.column.size
        columns = []
        for one in range(count):
            kind, number, order, scale, flags, more_flags, fixed_place, size = layout.column.unpack_from(
                definition, start + one * layout.column.size
            )
            (name_bytes,) = layout.size.unpack_from(definition, place)
            place += layout.size.size
            name = definition[place : place + name_bytes].decode(self.charset, "replace")
            place += name_bytes
            is_of_one_length = bool(flags & _IS_OF_ONE_LENGTH)
            is_calculated = any(byte & _IS_CALCULATED for byte in more_flags)
            value_place = fixed_place if is_of_one_length else order
            columns.append(Column(name, kind, number, scale, is_of_one_length, is_calculated, value_place, size))
        return columns

    def _definition(self, page: int) -> bytes:
        """What defines a table, which may be more than a page."""
        pieces = [self._page(page)]
        following = int.from_bytes(pieces[0][4:8], "little")
        while following and len(pieces) <= _MAX_PIECES:
            more = self._page(following)
            pieces.append(more[_DEFINITION_HEAD_BYTES:])
            following = int.from_bytes(more[4:8], "little")
        return b"".join(pieces)

    def rows(self, page: int, columns: list[Column]) -> Iterator[list[bytes | None]]:
        """Yield the values of the rows of the table that a page defines; None where a row has none."""
        pages_map = self._pages_map(page)
        for number in self._pages_of_rows[page]:
            if pages_map is not None and not self._is_in_map(number, pages_map):
                continue
            data = self._page(number)
            (count,) = struct.unpack_from("<H", data, self._layout.row_count_place)
            for row in range(count):
                (place,) = struct.unpack_from("<H", data, self._layout.row_count_place + 2 + 2 * row)
                if place & _DELETED:
                    continue
                content = self._row(number, row)
                if place & _ELSEWHERE:
                    content = self._row(int.from_bytes(content[1:4], "little"), content[0])
                if content:
                    yield self._values(content, columns)

    def _pages_map(self, page: int) -> bytes | None:
        """The map of the pages of a table; None for a damaged one.

        A page that is free names the table that it had, whose number may be that of a newer table.
        """
        place = self._layout.map_place
        row, *number = self._page(page)[place : place + 4]
        try:
            pages_map = self._row(int.from_bytes(bytes(number), "little"), row)
        except struct.error:
            return None
        return pages_map if pages_map[:1] in {b"\0", b"\1"} else None

    def _is_in_map(self, number: int, pages_map: bytes) -> bool:
        """Whether a page is in the map of a table, or the part of the map is damaged that would say so."""
        if not pages_map[0]:
            bits, place = pages_map[5:], number - int.from_bytes(pages_map[1:5], "little")
        else:
            part, place = divmod(number, 8 * (self._layout.page_bytes - _MAP_HEAD_BYTES))
            page = self._page(int.from_bytes(pages_map[1 + 4 * part : 5 + 4 * part], "little"))
            if not page.startswith(_MAP_OF_PAGES):
                return True
            bits = page[_MAP_HEAD_BYTES:]
        return 0 <= place < 8 * len(bits) and bool(bits[place // 8] >> place % 8 & 1)

    def _page(self, number: int) -> bytes:
        start = number * self._layout.page_bytes
        return self._content[start : start + self._layout.page_bytes]

    def _row(self, page: int, row: int) -> bytes:
        """The bytes of a row, which ends where the one before it begins."""
        data = self._page(page)
        places = self._layout.row_count_place + 2
        (start,) = struct.unpack_from("<H", data, places + 2 * row)
        (end,) = struct.unpack_from("<H", data, places + 2 * (row - 1)) if row else (len(data),)
        return data[start & _PLACE : (end & _PLACE) or len(data)]

    def _values(self, row: bytes, columns: list[Column]) -> list[bytes | None]:
        size = self._layout.size.size
        (count,) = self._layout.size.unpack_from(row)
        present = row[len(row) + -count // 8 :]
        ends = (
            self._places(row, len(row) - len(present)) if any(not column.is_of_one_length for column in columns) else []
        )
        values: list[bytes | None] = []
        for column in columns:
            if column.number >= count or not present[column.number // 8] >> column.number % 8 & 1:
                values.append(None)
            elif column.is_of_one_length:
                values.append(row[size + column.place : size + column.place + column.size])
            elif column.place + 1 < len(ends):
                values.append(row[ends[column.place] : ends[column.place + 1]])
            else:
                values.append(None)
        return values

    def _places(self, row: bytes, end: int) -> list[int]:
        """Where the values of any length begin, and the last one ends; these places stand before `end`."""
        if not self.is_old:
            (count,) = struct.unpack_from("<H", row, end - 2)
            return list(struct.unpack_from(f"<{count + 1}H", row, end - 2 * (count + 2)))[::-1]
        # A place has one byte: before the count stands at which ones another 256 bytes begin.
        count = row[end - 1]
        jumps = (len(row) - 1) // 256
        first = end - 2 - jumps
        if (first - count) // 256 < jumps:
            jumps -= 1
        places, passed = [], 0
        for one in range(count + 1):
            while passed < jumps and one == row[end - 2 - passed]:
                passed += 1
            places.append(row[first - one] + 256 * passed)
        return places

    def long_value(self, value: bytes, *, max_bytes: int) -> bytes:
        """The beginning of a long text, which stands in a row or in pages of its own."""
        if len(value) < _LONG_HEAD_BYTES:
            return b""
        (length,) = struct.unpack_from("<I", value)
        if length & _INLINE:
            return value[_LONG_HEAD_BYTES:]
        piece = self._row(int.from_bytes(value[5:8], "little"), value[4])
        if length & _ALONE:
            return piece[: length & _LENGTH]
        whole = bytearray(piece[4:])
        for _ in range(_MAX_PIECES):
            following = int.from_bytes(piece[1:4], "little")
            if not following or len(whole) >= max_bytes:
                break
            piece = self._row(following, piece[0])
            whole += piece[4:]
        return bytes(whole[: min(length & _LENGTH, max_bytes)])


def _charset(code_page: int) -> str:
    """Python's codec for a code page; the usual one for a code page that is not known."""
    try:
        return codecs.lookup(f"cp{code_page}").name
    except LookupError:
        return _USUAL_CHARSET


def mask(page: bytes) -> bytes:
    """The first page of a database with its masked part in clear, or the other way round."""
    masked = page[_MASKED]
    clear = bytes(one ^ other for one, other in zip(masked, _key_stream(len(masked)), strict=True))
    return page[: _MASKED.start] + clear + page[_MASKED.stop :]


def _key_stream(size: int) -> bytes:
    """The first bytes with which RC4 masks a text."""
    state = list(range(256))
    other = 0
    for one in range(256):
        other = (other + state[one] + _MASK_KEY[one % len(_MASK_KEY)]) % 256
        state[one], state[other] = state[other], state[one]
    stream = bytearray()
    other = 0
    for one in range(1, size + 1):
        other = (other + state[one]) % 256
        state[one], state[other] = state[other], state[one]
        stream.append(state[(state[one] + state[other]) % 256])
    return bytes(stream)
