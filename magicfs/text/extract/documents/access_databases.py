"""Reads databases of Access (`.mdb`, `.accdb`): a line for each row of each table, and the names of other objects.

Runs in the child process, called by `document_parser`. Pictures, attached files and what programs alone know are left
out, and so are the tables in which Access keeps its own data. Pure functions.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.access_pages import AccessPages, Column
from magicfs.text.extract.documents.file_parts import WHAT_FOLLOWS, FileParts
from magicfs.text.extract.plain.plain_text import clean

ACCESS_TYPE: Final = "application/vnd.ms-access"

_CATALOGUE_PAGE: Final = 2
_TABLE: Final = 1
_SHOWN_OBJECTS: Final = {
    **dict.fromkeys((4, 6), "Linked table"),
    5: "Query",
    -32768: "Form",
    -32764: "Report",
    -32766: "Macro",
    -32761: "Module",
}
_OF_ACCESS: Final = 0x80000002
_HIDDEN_NAMES: Final = ("~", "MSys", "USys")
_PAGE_OF_TABLE: Final = 0xFFFFFF
_TEXT, _MEMO = 10, 12
_UNITS: Final = {2: ("<B", "d"), 3: ("<h", "d"), 4: ("<i", "d"), 6: ("<f", ".7g"), 7: ("<d", ".15g"), 19: ("<q", "d")}
"""How numbers are written, and shown, by the kind of a column."""
_MONEY, _DAY, _DECIMAL = 5, 8, 16
_MONEY_UNIT: Final = 10_000
_FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001  days have no time zone
_DAY_BYTES, _DECIMAL_BYTES = 8, 17
_COMPRESSED: Final = b"\xff\xfe"
"""How a text begins whose letters have a byte each, but for those between zeros."""
_RESULT_SIZE, _RESULT = slice(16, 20), 20
"""Where a value that was calculated has its size, and itself."""
_FLOATING: Final = frozenset({6, 7, 16})
"""The kinds of columns whose calculated values may be decimal numbers of another form."""
_MAX_CELL_CHARACTERS: Final = 200_000
_DAMAGE: Final = (struct.error, LookupError, ValueError)


def read_access(content: bytes, *, parts: FileParts, max_characters: int) -> Document | Unreadable:
    """The texts of a database, table by table, while there is time for parts. A damaged table is counted.

    Raises one of `DAMAGE` for a database whose list of tables is damaged.
    """
    pages = AccessPages(content)
    if pages.is_encrypted():
        return Unreadable(SkipReason.ENCRYPTED, "a database with a password")
    tables, others = _objects(pages)
    text = "\n\n".join(filter(None, (*_texts(pages, tables, parts, max_characters), "\n".join(others))))
    return Document(text=clean(text), mime_type=ACCESS_TYPE) if text else Unreadable(SkipReason.NO_TEXT)


def _objects(pages: AccessPages) -> tuple[dict[str, int], list[str]]:
    """The tables of people with the pages that define them, and the names of queries, forms and the like."""
    columns = pages.columns(_CATALOGUE_PAGE)
    tables: dict[str, int] = {}
    others: list[str] = []
    row = None
    for row in pages.rows(_CATALOGUE_PAGE, columns):
        cells = {column.name: _cell(pages, column, value) for column, value in zip(columns, row, strict=True)}
        name, kind, flags = cells["Name"], int(cells["Type"] or 0), int(cells["Flags"] or 0)
        if not name or name.startswith(_HIDDEN_NAMES) or flags & _OF_ACCESS:
            continue
        if kind == _TABLE:
            tables[name] = int(cells["Id"] or 0) & _PAGE_OF_TABLE
        elif kind in _SHOWN_OBJECTS:
            others.append(f"{_SHOWN_OBJECTS[kind]}: {name}")
    if row is None:
        raise ValueError("a list without the tables that each database has")
    return tables, others


def _texts(pages: AccessPages, tables: dict[str, int], parts: FileParts, max_characters: int) -> Iterator[str]:
    left = max_characters
    for name, page in tables.items():
        if left <= 0 or parts.is_time_over:
            reason = SkipReason.TOO_LARGE if left <= 0 else SkipReason.TIMEOUT
            parts.add_unread(f"table {name} and what follows", reason)
            return
        lines = [name]
        try:
            for line in _lines(pages, name, page, parts):
                if left <= 0:
                    parts.add_unread(f"{WHAT_FOLLOWS}row {len(lines) - 2} of table {name}", SkipReason.TOO_LARGE)
                    break
                lines.append(line)
                left -= len(line)
            else:
                parts.add()
        except TimeoutError:
            parts.add_unread(f"table {name}", SkipReason.TIMEOUT)
        except _DAMAGE:
            parts.add_unread(f"table {name}")
        yield "\n".join(lines)


def _lines(pages: AccessPages, table: str, page: int, parts: FileParts) -> Iterator[str]:
    """Yield the names of the columns, then each row. Raises `TimeoutError` when the time for parts is over.

    The rest of a cell that is too long is counted.
    """
    columns = pages.columns(page)
    yield "\t".join(column.name for column in columns)
    for row in pages.rows(page, columns):
        if parts.is_time_over:
            raise TimeoutError
        cells = [_cell(pages, column, value) for column, value in zip(columns, row, strict=True)]
        for one, cell in enumerate(cells):
            if len(cell) > _MAX_CELL_CHARACTERS:
                cells[one] = cell[:_MAX_CELL_CHARACTERS]
                parts.add_unread(f"{WHAT_FOLLOWS}in a cell of table {table}", SkipReason.TOO_LARGE)
        if shown := [" ".join(cell.split()) if "\n" not in cell else cell.strip() for cell in cells if cell.strip()]:
            yield ("\n" if any("\n" in cell for cell in shown) else "\t").join(shown)


def _cell(pages: AccessPages, column: Column, value: bytes | None) -> str:
    """A value as text; empty for one that is not shown, such as a picture."""
    if not value:
        return ""
    if column.kind == _MEMO:
        value = pages.long_value(value, max_bytes=2 * (_MAX_CELL_CHARACTERS + 1))
    if column.is_calculated and column.kind in _FLOATING:
        return ""
    if column.is_calculated:
        value = value[_RESULT:][: int.from_bytes(value[_RESULT_SIZE], "little")]
    if column.kind in {_TEXT, _MEMO}:
        return _decoded(pages, value)
    return _number(column, value)


def _number(column: Column, value: bytes) -> str:
    """A number, an amount or a day as text; empty for a value that is none."""
    if column.kind in _UNITS:
        unit, shown = _UNITS[column.kind]
        return format(struct.unpack_from(unit, value)[0], shown) if len(value) >= struct.calcsize(unit) else ""
    if column.kind == _MONEY:
        return f"{int.from_bytes(value, 'little', signed=True) / _MONEY_UNIT:.2f}"
    if column.kind == _DAY and len(value) >= _DAY_BYTES:
        return _moment(struct.unpack_from("<d", value)[0])
    if column.kind == _DECIMAL and len(value) == _DECIMAL_BYTES:
        number = sum(digit << 32 * (3 - place) for place, digit in enumerate(struct.unpack("<4I", value[1:])))
        return f"{'-' if value[0] else ''}{Decimal(number).scaleb(-column.scale).normalize():f}"
    return ""


def _decoded(pages: AccessPages, value: bytes) -> str:
    if pages.is_old or not value.startswith(_COMPRESSED):
        return value.decode(pages.charset, "replace")
    pieces = value[len(_COMPRESSED) :].split(b"\0")
    return "".join(piece.decode("utf-16-le" if one % 2 else "latin-1", "replace") for one, piece in enumerate(pieces))


def _moment(days: float) -> str:
    """A day, with the time where it has one; empty for one that no calendar has."""
    if not math.isfinite(days):
        return ""
    try:
        # Before the first day, the time of a day counts forward all the same.
        moment = _FIRST_DAY + timedelta(days=int(days), seconds=round(abs(days - int(days)) * 86_400))
    except OverflowError:
        return ""
    if not int(days) and days:
        return f"{moment:%H:%M}"
    return f"{moment:%Y-%m-%d}" if days == int(days) else f"{moment:%Y-%m-%d %H:%M}"
