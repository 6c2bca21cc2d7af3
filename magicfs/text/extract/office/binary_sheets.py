"""Reads the sheets of `.xlsb` as a person sees them: percentages, days and times as they are shown, and comments.

Runs in the child process, called by `running_text`. kreuzberg gives the numbers behind them, and not the comments. A
row is a line. Damaged members cost their own text alone. Pure functions.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.office.excel_files import number_of_short, number_text
from magicfs.text.extract.office.relationships import targets_of
from magicfs.text.extract.office.repacking import repacked
from magicfs.text.extract.office.sheet_formats import BUILT_IN_FORMATS, EPOCH, EPOCH_OF_MACINTOSH
from magicfs.text.extract.parsed import Parsed
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

BINARY_WORKBOOK_TYPE: Final = "application/vnd.ms-excel.sheet.binary.macroEnabled.12"

_WORKBOOK: Final = "xl/workbook.bin"
_STYLES: Final = "xl/styles.bin"
_SHARED: Final = "xl/sharedStrings.bin"
_WORKSHEET: Final = "worksheet"
_COMMENTS: Final = re.compile(r"xl/(?:comments/)?comments?\d*\.bin")

_ROW, _SHORT, _TRUTH, _NUMBER, _TEXT, _SHARED_TEXT, _RICH_TEXT = 0, 2, 4, 5, 6, 7, 62
_TEXT_OF_FORMULA, _NUMBER_OF_FORMULA, _TRUTH_OF_FORMULA = 8, 9, 10
_SHARED_ENTRY, _FORMAT, _STYLE, _PROPERTIES, _SHEET = 19, 44, 47, 153, 156
_BEGIN_STYLES, _END_STYLES, _AUTHOR, _COMMENT = 617, 618, 632, 637
"""The kinds of records: of cells, of what all sheets share, of the workbook, of styles, of comments."""
_CELL_BYTES: Final = 8
_LENGTH_BYTES: Final = 4
_EPOCH_FLAG: Final = 0x01
_TRUE_AND_FALSE: Final = ("FALSE", "TRUE")
_MAX_MEMBER_BYTES: Final = 128 << 20
_MAX_CHARACTERS: Final = 32 << 20
"""More than is kept of a text: all cells may show the same long one."""
_CHECKED_ROWS: Final = 256
_READ_ALL_THE_SAME: Final = frozenset({SkipReason.CORRUPT, SkipReason.NO_TEXT, SkipReason.BOMB})
"""Why kreuzberg says nothing of a workbook. It takes all memory, too, where a damaged one states a large number."""
_SHEET_MEMBER: Final = re.compile(r"xl/(?:work|macro|dialog)?sheets/[^/]+\.bin")
_ONE_CELL: Final = b"".join(
    (
        *(b"\x94\1\x10", bytes(16), b"\x91\1\0", b"\0\x11", bytes(17)),
        *(b"\6\x0e", bytes(8), b"\1\0\0\0-\0", b"\x92\1\0"),
    )
)
"""The records of a sheet: its dimensions, and between the beginning and the end of its data a row with a text."""

_DAMAGE: Final = (*DAMAGE, IndexError)


def with_one_cell(content: bytes) -> bytes:
    """A workbook with one cell a sheet, for what kreuzberg says of it beside its text; a damaged one as it is.

    kreuzberg keeps a place for each cell between the first and the last one of a sheet, and its text is not used.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            return repacked(
                container, changed=dict.fromkeys(filter(_SHEET_MEMBER.fullmatch, container.namelist()), _ONE_CELL)
            )
    except _DAMAGE:
        return content


def with_sheets(outcome: Parsed, content: bytes, mime_type: str, *, parts: FileParts) -> Parsed:
    """What kreuzberg says of a workbook, with the text of its sheets, and the comments after them.

    Sheets that are damaged, and those for which there is no time, are counted.
    """
    if isinstance(outcome, Unreadable) and outcome.reason not in _READ_ALL_THE_SAME:
        return outcome
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            text = clean(PAGE_SEPARATOR.join(_Workbook(container).texts(parts=parts)))
    except _DAMAGE:
        return outcome
    if not text.strip():
        return Unreadable(SkipReason.NO_TEXT)
    document = outcome if isinstance(outcome, Document) else Document(text="", mime_type=mime_type)
    return replace(document, text=text, page_starts=(), headings=())


class _Workbook:
    """What the sheets of a workbook share. Raises one of `DAMAGE` for one whose list of sheets is damaged."""

    def __init__(self, container: zipfile.ZipFile) -> None:
        self._container = container
        self._names = frozenset(container.namelist())
        self._epoch: date = EPOCH
        self._sheets: list[tuple[str, str]] = []
        self._shared: list[str] = []
        self._styles: list[str] = []
        targets = targets_of(container, _WORKBOOK)
        for kind, data in self._records(_WORKBOOK):
            if kind == _PROPERTIES and data[0] & _EPOCH_FLAG:
                self._epoch = EPOCH_OF_MACINTOSH
            elif kind == _SHEET:
                relation, place = _string(data, 8)
                self._sheets.append((_string(data, place)[0], targets.get(relation, ("", ""))[1]))
        if not any(member in self._names for _, member in self._sheets):
            # The first programs that wrote this format named the sheets in another way.
            self._sheets = [("", name) for _, (kind, name) in sorted(targets.items()) if kind == _WORKSHEET]

    def texts(self, *, parts: FileParts) -> Iterator[str]:
        """Yield the text of each sheet that has any, and each comment."""
        for name, read in ((_SHARED, self._read_shared), (_STYLES, self._read_styles)):
            if name in self._names:
                try:
                    read()
                except _DAMAGE:
                    parts.add_unread(name)
        for title, member in self._sheets:
            rows = list(self._counted_rows(title, member, parts=parts))
            if rows:
                yield "\n".join(filter(None, [title, *rows]))
        for member in sorted(filter(_COMMENTS.fullmatch, self._names)):
            try:
                yield "\n".join(self._comments(member))
            except _DAMAGE:
                parts.add_unread(member)

    def _counted_rows(self, title: str, member: str, *, parts: FileParts) -> Iterator[str]:
        try:
            for number, row in enumerate(self._rows(member)):
                if number % _CHECKED_ROWS == 0 and parts.is_time_over:
                    parts.add_unread(title, SkipReason.TIMEOUT)
                    return
                yield row
            parts.add()
        except _DAMAGE:
            parts.add_unread(title or member)

    def _records(self, name: str) -> Iterator[tuple[int, bytes]]:
        if self._container.getinfo(name).file_size > _MAX_MEMBER_BYTES:
            raise ValueError("a member that is too large")
        data = self._container.read(name)
        place = 0
        while place < len(data):
            kind, place = _variable(data, place, most_bytes=2)
            size, place = _variable(data, place, most_bytes=4)
            yield kind, data[place : place + size]
            place += size

    def _read_shared(self) -> None:
        for kind, data in self._records(_SHARED):
            if kind == _SHARED_ENTRY:
                self._shared.append(_string(data, 1)[0])

    def _read_styles(self) -> None:
        codes = dict(BUILT_IN_FORMATS)
        in_cells = False
        for kind, data in self._records(_STYLES):
            if kind == _FORMAT:
                codes[struct.unpack_from("<H", data)[0]] = _string(data, 2)[0]
            elif kind in {_BEGIN_STYLES, _END_STYLES}:
                in_cells = kind == _BEGIN_STYLES
            elif kind == _STYLE and in_cells:
                self._styles.append(codes.get(struct.unpack_from("<H", data, 2)[0], ""))

    def _rows(self, member: str) -> Iterator[str]:
        cells: list[str] = []
        characters = 0
        for kind, data in self._records(member):
            if kind == _ROW:
                if cells:
                    yield "\t".join(cells)
                cells = []
            elif text := " ".join(self._cell(kind, data).split()):
                cells.append(text)
                characters += len(text)
                if characters > _MAX_CHARACTERS:
                    break
        if cells:
            yield "\t".join(cells)

    def _cell(self, kind: int, data: bytes) -> str:
        """The text of a cell; empty for any other record."""
        if kind in {_SHORT, _NUMBER, _NUMBER_OF_FORMULA}:
            style = int.from_bytes(data[4:7], "little")
            code = self._styles[style] if style < len(self._styles) else ""
            is_short = kind == _SHORT
            number = struct.unpack_from("<I" if is_short else "<d", data, _CELL_BYTES)[0]
            return number_text(number_of_short(number) if is_short else number, code, epoch=self._epoch)
        if kind in {_TEXT, _TEXT_OF_FORMULA}:
            return _string(data, _CELL_BYTES)[0]
        if kind == _RICH_TEXT:
            return _string(data, _CELL_BYTES + 1)[0]
        if kind == _SHARED_TEXT:
            number = struct.unpack_from("<I", data, _CELL_BYTES)[0]
            return self._shared[number] if number < len(self._shared) else ""
        return _TRUE_AND_FALSE[data[_CELL_BYTES] & 1] if kind in {_TRUTH, _TRUTH_OF_FORMULA} else ""

    def _comments(self, member: str) -> Iterator[str]:
        for kind, data in self._records(member):
            if kind in {_AUTHOR, _COMMENT}:
                yield _string(data, int(kind == _COMMENT))[0]


def _string(data: bytes, place: int) -> tuple[str, int]:
    """The text of 16 bits a character at a place, and the place after it; empty for one that is missing."""
    length = struct.unpack_from("<I", data, place)[0]
    start = place + _LENGTH_BYTES
    end = start + 2 * length if length <= len(data) else start
    return data[start:end].decode("utf-16-le", "replace"), end


def _variable(data: bytes, place: int, *, most_bytes: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    number = 0
    for shift in range(most_bytes):
        byte = data[place] if place < len(data) else 0
        number |= (byte & 0x7F) << (7 * shift)
        place += 1
        if not byte & 0x80:
            break
    return number, place
