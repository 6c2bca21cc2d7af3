"""Moves the cells of a workbook together where they stand far apart, for kreuzberg.

Runs in the child process, called by `running_text`. kreuzberg keeps a place for each cell between the first and the
last one: a word that somebody has written into the last row by mistake costs all memory, or the text of the sheet.
Cells stay in their rows, and rows in their order. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from functools import reduce
from typing import Final

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.office.repacking import repacked

_SHEET: Final = re.compile(r"xl/(?:work|macro)sheets/[^/]+\.xml")
_MAX_BYTES: Final = 128 << 20
"""A workbook whose sheets unpack to more stays as it is."""
_MAX_PLACES: Final = 1_000_000
"""The library takes a second for so many."""
_PLACES_A_CELL: Final = 4
"""Sheets with more empty places than these are sparse."""
_COLUMN: Final = re.compile(rb"\sr=\"([A-Z]{1,3})")
_PLACE: Final = re.compile(rb"\sr=\"[A-Z]{0,3}([0-9]{1,7})\"")
_FILLED: Final = re.compile(rb"<(?:\w+:)?c\b[^<>]{0,300}?\sr=\"([A-Z]{1,3})([0-9]{1,7})\"[^<>]{0,300}(?<!/)>")
"""A cell that has more than a style: the library keeps no place for others."""
_STATED_PLACE: Final = re.compile(rb"(<(?:\w+:)?(?:row|c)\b[^<>]{0,300}?)\sr=\"[A-Z0-9]{1,10}\"")


def moved_together(content: bytes) -> bytes:
    """A workbook without the places of the cells in sparse sheets; the same bytes where it has none, or is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as workbook:
            sheets = [member for member in workbook.infolist() if _SHEET.fullmatch(member.filename)]
            if sum(sheet.file_size for sheet in sheets) > _MAX_BYTES:
                return content
            changed = {}
            for sheet in sheets:
                data = workbook.read(sheet)
                if _is_sparse(data):
                    changed[sheet.filename] = _STATED_PLACE.sub(rb"\1", data)
            return repacked(workbook, changed=changed) if changed else content
    except DAMAGE:
        return content


def _is_sparse(sheet: bytes) -> bool:
    last = _PLACE.match(sheet, max(0, sheet.rfind(b' r="')))
    columns = set(_COLUMN.findall(sheet))
    if last is None or not columns:
        return False
    most_places = int(last[1]) * max(map(_number, columns))
    cells = sheet.count(b' r="')
    if not _are_many(most_places, cells):
        return False
    last_row = last_column = 0
    for filled in _FILLED.finditer(sheet):
        last_row, last_column = max(last_row, int(filled[2])), max(last_column, _number(filled[1]))
    return _are_many(last_row * last_column, cells)


def _are_many(places: int, cells: int) -> bool:
    return places > _MAX_PLACES and places > _PLACES_A_CELL * cells


def _number(column: bytes) -> int:
    """The number of a column: 1 of `A`, 28 of `AB`."""
    return reduce(lambda number, letter: 26 * number + letter - ord("A") + 1, column, 0)
