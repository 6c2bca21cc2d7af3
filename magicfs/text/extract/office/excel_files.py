"""Reads the text of workbooks of Excel 5 to 2003 as a person sees it: percentages, days and times as they are shown.

Runs in the child process, called by `old_office`. Comments, text boxes, headers, links, titles of charts and names of
ranges follow the cells of their sheet. A damaged record costs its own text. Pure functions.
"""

from __future__ import annotations

import re
import struct
import time
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Final, NamedTuple

from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.office.drawn_words import drawn_words
from magicfs.text.extract.office.excel_records import Record, Texts, charset_of, records
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.sheet_formats import BUILT_IN_FORMATS, EPOCH, EPOCH_OF_MACINTOSH, HEADER_CODE, shown
from magicfs.text.extract.plain.plain_text import clean

OLD_WORKBOOK_TYPE: Final = "application/vnd.ms-excel"

_BEGIN, _END, _CODE_PAGE, _EPOCH, _SHEET = 0x0809, 0x000A, 0x0042, 0x0022, 0x0085
_FORMAT, _STYLE, _SHARED = 0x041E, 0x00E0, 0x00FC
_SHARED_TEXT, _TEXT, _RICH_TEXT, _NUMBER, _SHORT, _SHORTS = 0x00FD, 0x0204, 0x00D6, 0x0203, 0x027E, 0x00BD
_FORMULA, _RESULT, _TRUTH = 0x0006, 0x0207, 0x0205
_NOTE, _DRAWN_TEXT, _HEADER, _FOOTER, _LINK, _CHART_TEXT, _NAME = 0x001C, 0x01B6, 0x0014, 0x0015, 0x01B8, 0x100D, 0x0018
_DRAWING: Final = 0x00EC
"""The kinds of records: of the workbook, of its formats and texts, of cells, and of what is beside them."""
_EXCEL_97: Final = 0x0600
"""What begins: its cells are those that it shows, which a sheet has."""
_BUILT_IN_NAME: Final = 0x0020
_TRUE_AND_FALSE: Final = ("FALSE", "TRUE")
_NO_NUMBER: Final = b"\xff\xff"
_ADDRESS: Final = re.compile(r"(?:https?|ftp|mailto):[^\0\s\"<>]{1,2000}")
_CHECKED_RECORDS: Final = 256
"""The clock and the length of the text are looked at once in so many records."""
_MAX_CHARACTERS: Final = 32 << 20
"""More than is kept of a text: all cells may show the same long one."""
_EXACT_DIGITS: Final = 15
_MAX_DIGITS: Final = 21
"""A whole number with more is written with an exponent."""


class Workbook(NamedTuple):
    """What was read of a workbook."""

    text: str
    is_cut: bool
    """Whether the time ended before the workbook did."""


@dataclass(slots=True)
class _Sheet:
    """The text of a sheet, a row a line."""

    name: str
    rows: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    _row: int = -1
    _cells: list[str] = field(default_factory=list)

    def add(self, row: int, text: str) -> None:
        if row != self._row:
            self.end_row()
            self._row = row
        if text := " ".join(text.split()):
            self._cells.append(text)

    def end_row(self) -> None:
        if self._cells:
            self.rows.append("\t".join(self._cells))
        self._cells = []


def read_workbook(ole: OleFile, *, until: float) -> Workbook:
    """The sheets of a workbook with their names, hidden ones too, until a moment on the monotonic clock.

    Raises `KeyError` for a container without a workbook.
    """
    reader = _Reader(until=until)
    is_cut = reader.read(ole.read("Workbook" if "Workbook" in ole else "Book"))
    texts: list[str] = []
    beside: list[str] = []
    for sheet in reader.sheets:
        sheet.end_row()
        if sheet.rows:
            texts.append("\n".join([sheet.name, *sheet.rows]).lstrip("\n"))
        beside += sheet.beside
    text = "\n\n".join(texts)
    return Workbook(clean("\n\n".join([text, *missing_texts(beside, in_text=text)])), is_cut)


class _Reader:
    def __init__(self, *, until: float) -> None:
        self._until = until
        self._charset: str | None = None
        self._code_page = "cp1252"
        self._names: dict[int, str] = {}
        self._codes = dict(BUILT_IN_FORMATS)
        self._styles: list[int] = []
        self._shared: list[str] = []
        self._epoch = EPOCH
        self._depth = 0
        self._characters = 0
        self._result_row = 0
        self.sheets: list[_Sheet] = []
        self._beside: list[str] = []

    def read(self, stream: bytes) -> bool:
        """Read the sheets; whether the time ended before them."""
        for number, record in enumerate(records(stream)):
            if number % _CHECKED_RECORDS == 0:
                if time.monotonic() > self._until:
                    return True
                if self._characters > _MAX_CHARACTERS:
                    return False
            try:
                self._take(record)
            except (struct.error, EOFError, IndexError, ValueError):
                continue
        return False

    def _take(self, record: Record) -> None:
        kind = record.kind
        if kind == _BEGIN:
            self._begin(record)
        elif kind == _END:
            self._depth = max(0, self._depth - 1)
        elif (self._depth <= 1 and (take := self._CELLS.get(kind)) and self.sheets) or (take := self._OTHERS.get(kind)):
            take(self, record)

    def _begin(self, record: Record) -> None:
        version, _ = struct.unpack_from("<HH", record.data)
        self._depth = 1 if record.place in self._names else self._depth + 1
        if self._depth > 1:
            return  # a chart in a sheet
        if not record.place:
            # The beginning of the workbook: programs of today give sheets of an old one the newer version.
            self._charset = None if version >= _EXCEL_97 else self._code_page
        else:
            # What comes before the first sheet belongs to all.
            self.sheets.append(_Sheet(self._names.get(record.place, ""), beside=self._beside))
            self._beside = []

    def _texts(self, record: Record, place: int) -> Texts:
        return Texts(record, place, charset=self._charset)

    def _add_beside(self, text: str) -> None:
        text = text.strip()
        if text:
            (self.sheets[-1].beside if self.sheets else self._beside).append(text)

    def _take_code_page(self, record: Record) -> None:
        self._code_page = charset_of(struct.unpack_from("<H", record.data)[0])
        if self._charset is not None:
            self._charset = self._code_page

    def _take_epoch(self, record: Record) -> None:
        self._epoch = EPOCH_OF_MACINTOSH if record.data[0] else EPOCH

    def _take_sheet(self, record: Record) -> None:
        place = struct.unpack_from("<I", record.data)[0]
        self._names[place] = self._texts(record, 6).one(length_bytes=1)

    def _take_format(self, record: Record) -> None:
        number = struct.unpack_from("<H", record.data)[0]
        self._codes[number] = self._texts(record, 2).one(length_bytes=2 if self._charset is None else 1)

    def _take_style(self, record: Record) -> None:
        self._styles.append(struct.unpack_from("<H", record.data, 2)[0])

    def _take_shared(self, record: Record) -> None:
        self._shared += self._texts(record, 8).all()

    def _take_shared_text(self, record: Record) -> None:
        row, number = struct.unpack_from("<H4xI", record.data)
        text = self._shared[number]
        self._characters += len(text)
        self.sheets[-1].add(row, text)

    def _take_text(self, record: Record) -> None:
        self.sheets[-1].add(struct.unpack_from("<H", record.data)[0], self._texts(record, 6).one())

    def _take_number(self, record: Record) -> None:
        row, style, number = struct.unpack_from("<H2xHd", record.data)
        self.sheets[-1].add(row, self._shown(number, style))

    def _take_short(self, record: Record) -> None:
        row, style, number = struct.unpack_from("<H2xHI", record.data)
        self.sheets[-1].add(row, self._shown(number_of_short(number), style))

    def _take_shorts(self, record: Record) -> None:
        row = struct.unpack_from("<H", record.data)[0]
        for style, number in struct.iter_unpack("<HI", record.data[4:][: (len(record.data) - 6) // 6 * 6]):
            self.sheets[-1].add(row, self._shown(number_of_short(number), style))

    def _take_formula(self, record: Record) -> None:
        row, style = struct.unpack_from("<H2xH", record.data)
        value = record.data[6:14]
        self._result_row = row
        if value[6:8] != _NO_NUMBER:
            self.sheets[-1].add(row, self._shown(struct.unpack("<d", value)[0], style))
        elif value[0] == 1:
            self.sheets[-1].add(row, _TRUE_AND_FALSE[value[2] & 1])

    def _take_result(self, record: Record) -> None:
        self.sheets[-1].add(self._result_row, self._texts(record, 0).one())

    def _take_truth(self, record: Record) -> None:
        row, value, is_error = struct.unpack_from("<H4xBB", record.data)
        if not is_error:
            self.sheets[-1].add(row, _TRUE_AND_FALSE[value & 1])

    def _shown(self, number: float, style: int) -> str:
        code = self._codes.get(self._styles[style], "") if style < len(self._styles) else ""
        return number_text(number, code, epoch=self._epoch)

    def _take_note(self, record: Record) -> None:
        """The author of a comment, or its text before Excel 97."""
        self._add_beside(self._texts(record, 8 if self._charset is None else 4).one())

    def _take_drawn_text(self, record: Record) -> None:
        length = struct.unpack_from("<10xH", record.data)[0]
        if length and len(record.pieces) > 1:
            self._add_beside(Texts(Record(0, 0, record.pieces[1:]), 0, charset=None).characters(length))

    def _take_drawing(self, record: Record) -> None:
        for text in drawn_words(b"".join(record.pieces)):
            self._add_beside(text)

    def _take_header(self, record: Record) -> None:
        if record.data:
            text = self._texts(record, 0).one(length_bytes=2 if self._charset is None else 1)
            self._add_beside(" ".join(HEADER_CODE.sub(" ", text).split()))

    def _take_link(self, record: Record) -> None:
        data = b"".join(record.pieces)
        for text in (data.decode("utf-16-le", "replace"), data[1:].decode("utf-16-le", "replace")):
            for address in _ADDRESS.findall(text):
                self._add_beside(address)

    def _take_chart_text(self, record: Record) -> None:
        self._add_beside(self._texts(record, 2).one(length_bytes=1))

    def _take_name(self, record: Record) -> None:
        flags, length = struct.unpack_from("<HxB", record.data)
        if self._charset is None and not flags & _BUILT_IN_NAME:
            self._add_beside(self._texts(record, 14).characters(length))

    _CELLS: ClassVar = {
        _SHARED_TEXT: _take_shared_text,
        **dict.fromkeys((_TEXT, _RICH_TEXT), _take_text),
        _NUMBER: _take_number,
        _SHORT: _take_short,
        _SHORTS: _take_shorts,
        _FORMULA: _take_formula,
        _RESULT: _take_result,
        _TRUTH: _take_truth,
    }
    _OTHERS: ClassVar = {
        _CODE_PAGE: _take_code_page,
        _EPOCH: _take_epoch,
        _SHEET: _take_sheet,
        _FORMAT: _take_format,
        _STYLE: _take_style,
        _SHARED: _take_shared,
        _NOTE: _take_note,
        _DRAWN_TEXT: _take_drawn_text,
        _DRAWING: _take_drawing,
        **dict.fromkeys((_HEADER, _FOOTER), _take_header),
        _LINK: _take_link,
        _CHART_TEXT: _take_chart_text,
        _NAME: _take_name,
    }


def number_text(number: float, code: str, *, epoch: date) -> str:
    """A number as it is shown by the code of a format; an empty code stands for none."""
    is_long = 10**_EXACT_DIGITS <= abs(number) < 10**_MAX_DIGITS
    text = f"{number:.0f}" if is_long else f"{number:.{_EXACT_DIGITS}g}"
    return (code and shown(text, code, epoch=epoch)) or text


def number_of_short(short: int) -> float:
    """A number in 30 bits: a whole one, or the upper half of another; perhaps a hundred times as large."""
    if short & 2:
        number = float((short >> 2) - ((short >> 31) << 30))
    else:
        number = struct.unpack("<d", struct.pack("<Q", (short & 0xFFFFFFFC) << 32))[0]
    return number / 100 if short & 1 else number
