"""Reads the tables of documents of iWork, of Numbers above all: a row is a line, a table has its name above it.

Runs in the child process, used by `iwork_files`. The rows stand in tiles; their cells are read by `iwork_cells`. A
damaged cell costs its own text alone. Pure functions.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from typing import Final

from magicfs.text.extract.office.iwork_archives import Message, Stored, message_of
from magicfs.text.extract.office.iwork_cells import MAX_CELL_BYTES, CellLists, cell_text

TABLE, LIST = 6001, 6005
_TABLE_INFO, _GROUP, _OWN_FORMATS, _TILE_OF_ROWS, _SEGMENT, _PAYLOAD = 6000, 3008, 222, 6002, 6011, 6218
TABLE_PARTS: Final = frozenset({TABLE, LIST, _TABLE_INFO, _GROUP, _OWN_FORMATS, _TILE_OF_ROWS, _SEGMENT, _PAYLOAD})
"""The kinds of objects: the model of a table, which says its name, and what it needs."""

_NAME, _STORE = 8, 4
"""The fields of a table."""
_TILES, _TEXTS, _FORMATS, _OLD_FORMATS, _RICH_TEXTS = 3, 4, 22, 11, 17
"""The fields of its store."""
_TILE_ENTRIES, _ROWS_OF_TILE = 1, 2
_TILE_NUMBER, _TILE = 1, 2
_ROWS, _ROW_NUMBER, _CELLS, _OFFSETS, _HAS_WIDE_OFFSETS, _OLD_CELLS, _OLD_OFFSETS = 5, 1, 6, 7, 8, 3, 4
_MODEL, _CHILDREN, _DRAWN_OF_SHEET = 2, 2, 2
_ENTRIES, _SEGMENTS = 3, 4
_KEY, _TEXT, _FORMAT, _RICH_TEXT = 1, 3, 6, 9
"""The fields of a list and of its entries."""
_STORAGE, _STORAGE_TEXT = 1, 3
_OWN_FORMAT_NUMBERS, _OWN_FORMAT, _OWN_FORMAT_OF = 1, 2, 41
_DEFAULT_FORMAT, _CONDITIONS = 3, 4

_MAX_CHARACTERS: Final = 32 << 20
"""More than is kept of a text: all cells may show the same long one."""
_MAX_DEPTH: Final = 8
"""Groups in groups of what a sheet shows."""
_DAMAGE: Final = (struct.error, ValueError, IndexError, ArithmeticError)
"""What a damaged cell raises."""


class Tables:
    """The tables of one document."""

    def __init__(self, stored: Iterable[Stored], *, until: float) -> None:
        """Read the tables among the objects of a document, until a moment on the monotonic clock."""
        self._stored: dict[int, Stored] = {}
        for one in stored:
            self._stored.setdefault(one.identifier, one)
        self._until = until
        self._characters = 0
        self.is_cut = False
        """Whether the time ended before the tables did."""
        self.lists: set[int] = set()
        """The lists of texts that belong to a table."""
        self.storages_of_cells: set[int] = set()
        """The storages whose text a cell shows."""
        self._own_formats = dict(self._read_own_formats())
        tables = (one.identifier for one in self._stored.values() if one.kind == TABLE)
        self._texts = {identifier: list(self._table(identifier)) for identifier in tables}

    def of_sheet(self, sheet: Message) -> Iterator[str]:
        """Yield the texts of the tables that a sheet shows, in its order."""
        yield from self._drawn(sheet.references(_DRAWN_OF_SHEET), depth=0, seen=set())

    def take(self, identifier: int) -> list[str]:
        """The text of a table, and each text that stands in its list and in no cell; nothing the second time."""
        return self._texts.pop(identifier, [])

    def _table(self, identifier: int) -> Iterator[str]:
        if self._is_late():
            return
        model = self._message(identifier)
        store = model.message(_STORE)
        lists = CellLists(
            texts={key: entry.text(_TEXT) for key, entry in self._entries(store.reference(_TEXTS))},
            rich_texts=dict(self._rich_texts(store.reference(_RICH_TEXTS))),
            formats=dict(self._formats(store.reference(_FORMATS))),
            old_formats=dict(self._formats(store.reference(_OLD_FORMATS))),
        )
        self.lists.add(store.reference(_TEXTS))
        rows = self._rows(store.message(_TILES), lists)
        yield "\n".join(filter(None, [model.text(_NAME), *rows]))
        yield from (text for key, text in sorted(lists.texts.items()) if key not in lists.seen)

    def _is_late(self) -> bool:
        self.is_cut = self.is_cut or time.monotonic() > self._until
        return self.is_cut

    def _message(self, identifier: int) -> Message:
        """An object; one without fields where it is missing or damaged."""
        return message_of(self._stored[identifier].data) if identifier in self._stored else Message(b"")

    def _drawn(self, identifiers: list[int], *, depth: int, seen: set[int]) -> Iterator[str]:
        for identifier in identifiers:
            if identifier in seen:
                continue
            seen.add(identifier)
            kind = self._stored[identifier].kind if identifier in self._stored else 0
            if kind == _TABLE_INFO:
                yield from self.take(self._message(identifier).reference(_MODEL))
            elif kind == _GROUP and depth < _MAX_DEPTH:
                yield from self._drawn(self._message(identifier).references(_CHILDREN), depth=depth + 1, seen=seen)

    def _entries(self, identifier: int) -> Iterator[tuple[int, Message]]:
        """Yield the entries of a list, and of the segments of a long one, with their keys."""
        found = self._message(identifier)
        for part in [found, *map(self._message, dict.fromkeys(found.references(_SEGMENTS)))]:
            for entry in part.messages(_ENTRIES):
                yield entry.number(_KEY), entry

    def _rich_texts(self, identifier: int) -> Iterator[tuple[int, str]]:
        for key, entry in self._entries(identifier):
            storage = self._message(entry.reference(_RICH_TEXT)).reference(_STORAGE)
            self.storages_of_cells.add(storage)
            yield key, " ".join(self._message(storage).texts(_STORAGE_TEXT))

    def _formats(self, identifier: int) -> Iterator[tuple[int, Message]]:
        for key, entry in self._entries(identifier):
            form = entry.message(_FORMAT)
            own = form.data(_OWN_FORMAT_OF)
            yield key, self._own_formats.get(own, form) if own else form

    def _read_own_formats(self) -> Iterator[tuple[bytes, Message]]:
        """Yield the formats that a person has made, by their numbers; those with conditions show no number."""
        for stored in self._stored.values():
            if stored.kind == _OWN_FORMATS:
                found = self._message(stored.identifier)
                for number, form in zip(
                    found.all_bytes(_OWN_FORMAT_NUMBERS), found.messages(_OWN_FORMAT), strict=False
                ):
                    yield number, form.message(_DEFAULT_FORMAT) if not form.all_bytes(_CONDITIONS) else Message(b"")

    def _rows(self, tiles: Message, lists: CellLists) -> Iterator[str]:
        """Yield the rows with a cell that shows something."""
        for tile in sorted(tiles.messages(_TILE_ENTRIES), key=lambda tile: tile.number(_TILE_NUMBER)):
            rows = self._message(tile.reference(_TILE)).messages(_ROWS)
            for row in sorted(rows, key=lambda row: row.number(_ROW_NUMBER)):
                if self._is_late():
                    return
                texts = [" ".join(text.split()) for text in _cells(row, lists)]
                line = "\t".join(filter(None, texts))
                self._characters += len(line)
                if self._characters > _MAX_CHARACTERS:
                    return
                yield line


def _cells(row: Message, lists: CellLists) -> Iterator[str]:
    """Yield what each cell of a row shows."""
    cells, offsets = row.data(_CELLS), row.data(_OFFSETS)
    unit = 4 if row.number(_HAS_WIDE_OFFSETS) else 1
    if not cells:
        cells, offsets, unit = row.data(_OLD_CELLS), row.data(_OLD_OFFSETS), 1
    for (offset,) in struct.iter_unpack("<h", offsets[: len(offsets) // 2 * 2]):
        if offset >= 0:
            try:
                yield cell_text(cells[offset * unit : offset * unit + MAX_CELL_BYTES], lists)
            except _DAMAGE:
                continue
