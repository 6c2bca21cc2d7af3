"""Databases of Access (`.mdb`, `.accdb`), of the version of 97 and of later ones, with texts, numbers and days."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from magicfs.text.extract.documents.access_pages import mask

Value = str | int | float | bytes | None
Table = Sequence[Sequence[Value]]
"""The names of the columns with their kinds, such as `Town:10`, then the rows."""

LONG, MONEY, SINGLE, DAY, PICTURE, TEXT, MEMO, DECIMAL, LARGE = 4, 5, 6, 8, 11, 10, 12, 16, 19
CALCULATED: Final = 256
"""What is added to the kind of a column whose values Access calculates."""
_SIZES: Final = {LONG: 4, MONEY: 8, SINGLE: 4, DAY: 8, DECIMAL: 17, LARGE: 8}
_DECIMAL_PLACES: Final = 2
_MAP_BYTES: Final = 64
_CATALOGUE: Final = (f"Id:{LONG}", f"Name:{TEXT}", f"Type:{LONG}", f"Flags:{LONG}")
_CATALOGUE_PAGE: Final = 2


def access_database(
    tables: Mapping[str, Table],
    *,
    others: Mapping[str, int] | None = None,
    is_old: bool = False,
    password: str = "",
    code_page: int = 1252,
    freed: Sequence[Sequence[Value]] = (),
) -> bytes:
    """A database with these tables, and the names and types of other objects. Long texts have pages of their own.

    `freed` are rows like those of the first table, in a page that it has no more.
    """
    writer = _Writer(is_old=is_old, code_page=code_page)
    catalogue: list[Sequence[Value]] = [_CATALOGUE]
    for name, table in tables.items():
        page = writer.add_table(table, freed=freed if not catalogue[1:] else ())
        catalogue.append((page, name, 1, 0))
    catalogue += [(0, name, kind, 0) for name, kind in (others or {}).items()]
    catalogue.append((7, "MSysQueries", 1, -0x80000000))
    writer.add_table(catalogue, page=_CATALOGUE_PAGE)
    return writer.file(password)


class _Writer:
    def __init__(self, *, is_old: bool, code_page: int) -> None:
        self._is_old = is_old
        self._code_page = code_page
        self._page_bytes = 2048 if is_old else 4096
        self._pages: list[bytes] = [b"", b"", b""]

    def add_table(self, table: Table, *, page: int = 0, freed: Sequence[Sequence[Value]] = ()) -> int:
        """The number of the page that defines it."""
        columns = [(str(name), int(kind)) for name, _, kind in (str(column).partition(":") for column in table[0])]
        if not page:
            page = len(self._pages)
            self._pages.append(b"")
        owner = page.to_bytes(4, "little")
        rows, others = ([self._row(columns, row) for row in rows] for rows in (table[1:], freed))
        self._pages += [self._data(owner, rows), self._data(owner, others)]
        # Of small databases the map is a bit for each page; of large ones it is in pages, which it names.
        bits = (1 << len(self._pages) - 2).to_bytes(_MAP_BYTES, "little")
        if freed:
            self._pages.append(b"\5\1\0\0" + bits)
            usage = b"\1" + struct.pack("<I", len(self._pages) - 1)
        else:
            usage = bytes(5) + bits
        self._pages.append(self._data(bytes(4), [usage]))
        self._pages[page] = self._definition(columns, map_page=len(self._pages) - 1)
        return page

    def _definition(self, columns: Sequence[tuple[str, int]], *, map_page: int) -> bytes:
        described = names = b""
        fixed = 0
        for number, (name, kind) in enumerate(columns):
            size = _SIZES.get(kind, 0)
            flags, order = int(bool(size)), sum(kind not in _SIZES for _, kind in columns[:number])
            layout = "<BHH6xBxBHH" if self._is_old else "<B4xHH3xB2xBB4xHH"
            flags_and_more = (flags,) if self._is_old else (flags, 0xC0 if kind > CALCULATED else 0)
            scale = _DECIMAL_PLACES if kind == DECIMAL else 0
            described += struct.pack(layout, kind % CALCULATED, number, order, scale, *flags_and_more, fixed, size)
            encoded = name.encode("cp1252" if self._is_old else "utf-16-le")
            names += struct.pack("<B" if self._is_old else "<H", len(encoded)) + encoded
            fixed += size
        place, start = (0x19, 43) if self._is_old else (0x2D, 63)
        head = (b"\2\1" + bytes(place - 2) + struct.pack("<HII", len(columns), 0, 0)).ljust(start, b"\0")
        head = head[: start - 8] + struct.pack("<I", map_page << 8) + head[start - 4 :]
        return head + described + names

    def _row(self, columns: Sequence[tuple[str, int]], row: Sequence[Value]) -> bytes:
        head = struct.pack("<B" if self._is_old else "<H", len(columns))
        fixed = b"".join(_number(kind, value) for (_, kind), value in zip(columns, row, strict=True) if kind in _SIZES)
        texts = [self._text(kind, value) for (_, kind), value in zip(columns, row, strict=True) if kind not in _SIZES]
        ends = list(accumulate(map(len, texts), initial=len(head + fixed)))
        present = sum(1 << number for number, value in enumerate(row) if value is not None)
        mask_bytes = present.to_bytes(-(-len(columns) // 8), "little")
        body = head + fixed + b"".join(texts)
        if not texts:
            return body + mask_bytes
        if not self._is_old:
            return body + struct.pack(f"<{len(ends) + 1}H", *ends[::-1], len(texts)) + mask_bytes
        size = len(body) + len(ends) + 1 + len(mask_bytes)
        jumps = bytes(
            next(place for place, end in enumerate(ends) if end >= 256 * (jump + 1)) for jump in range(ends[-1] // 256)
        )
        jumps = jumps.ljust((size + len(jumps) - 1) // 256, b"\xff")
        return body + bytes(end % 256 for end in ends[::-1]) + jumps[::-1] + bytes([len(texts)]) + mask_bytes

    def _text(self, kind: int, value: Value) -> bytes:
        if kind > CALCULATED:
            return _result(kind - CALCULATED, value)
        if not isinstance(value, str):
            return value if isinstance(value, bytes) else b""
        data = value.encode("cp1252" if self._is_old else "utf-16-le")
        if not self._is_old and kind == TEXT and value.isascii():
            data = b"\xff\xfe" + value.encode()
        if kind == TEXT:
            return data
        if len(data) < 100:
            return struct.pack("<IQ", len(data) | 0x80000000, 0) + data
        following = bytes(4)
        pieces = [data[start : start + 1500] for start in range(0, len(data), 1500)]
        for piece in reversed(pieces):
            self._pages.append(self._data(b"LVAL", [following + piece]))
            following = struct.pack("<I", len(self._pages) - 1 << 8)
        return struct.pack("<I", len(data)) + following + bytes(4)

    def _data(self, owner: bytes, rows: Sequence[bytes]) -> bytes:
        place = 8 if self._is_old else 12
        ends = accumulate(map(len, rows))
        head = b"\1\1\0\0" + owner + bytes(place - 8) + struct.pack("<H", len(rows))
        head += b"".join(struct.pack("<H", self._page_bytes - end) for end in ends)
        body = b"".join(reversed(rows))
        return head + bytes(self._page_bytes - len(head) - len(body)) + body

    def file(self, password: str) -> bytes:
        name = b"Standard Jet DB" if self._is_old else b"Standard ACE DB"
        day = struct.pack("<d", 45000.5)
        hidden = password.encode("utf-16-le").ljust(40, b"\0")
        hidden = bytes(byte ^ struct.pack("<i", 45000)[place % 4] for place, byte in enumerate(hidden))
        head = bytearray(b"\0\1\0\0" + name + b"\0" + bytes([not self._is_old]) + bytes(self._page_bytes - 21))
        head[0x3C:0x3E] = struct.pack("<H", self._code_page)
        if not self._is_old:
            head[0x42 : 0x42 + 40] = hidden
            head[0x72:0x7A] = day
        self._pages[0] = mask(bytes(head))
        return b"".join(page.ljust(self._page_bytes, b"\0") for page in self._pages)


def _number(kind: int, value: Value) -> bytes:
    if kind in {DAY, SINGLE}:
        return struct.pack("<d" if kind == DAY else "<f", value or 0.0)
    assert value is None or isinstance(value, int)
    if kind == DECIMAL:
        return bytes([0x80 * ((value or 0) < 0)]) + struct.pack(
            "<4I", *(abs(value or 0) >> 32 * place & 0xFFFFFFFF for place in (3, 2, 1, 0))
        )
    return (value or 0).to_bytes(_SIZES[kind], "little", signed=True)


def _result(kind: int, value: Value) -> bytes:
    stored = struct.pack("<i", value) if isinstance(value, int) else str(value).encode("utf-16-le")
    data = bytes(16) + struct.pack("<I", len(stored)) + stored + bytes(3)
    return struct.pack("<IQ", len(data) | 0x80000000, 0) + data if kind == MEMO else data
