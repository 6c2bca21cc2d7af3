"""Binary workbooks (`.xlsb`) are read as a person sees them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import CONTENT_TYPES, DRAWING

_WORKSHEET = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"


def record(kind: int, data: bytes = b"") -> bytes:
    number = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = bytes([len(data)]) if len(data) < 0x80 else bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
    return number + size + data


def text(words: str) -> bytes:
    return struct.pack("<I", len(words)) + words.encode("utf-16-le")


def cell(kind: int, value: bytes, *, column: int = 0, style: int = 0) -> bytes:
    return record(kind, struct.pack("<II", column, style) + value)


def row(number: int) -> bytes:
    return record(0, struct.pack("<I", number))


def binary_workbook(*sheet: bytes, parts: Mapping[str, bytes | str] | None = None, first: bool = False) -> bytes:
    """A workbook of one sheet of these records; `first` as the first programs wrote it, without its name."""
    named = struct.pack("<II", 0, 1) + text("r1") + text("Kosten")
    formats = record(44, struct.pack("<H", 164) + text("0.0%"))
    styles = b"".join(record(47, struct.pack("<HH", 0, number) + bytes(12)) for number in (0, 164, 14))
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": CONTENT_TYPES,
        "xl/workbook.bin": record(153, bytes(12)) + (b"" if first else record(156, named)),
        "xl/_rels/workbook.bin.rels": f'<R><R Id="r1" Type="{_WORKSHEET}" Target="worksheets/sheet1.bin"/></R>',
        "xl/worksheets/sheet1.bin": record(129) + b"".join(sheet) + record(130),
        "xl/sharedStrings.bin": record(19, b"\0" + text("Gebühr")) + record(19, b"\0" + text("Miete")),
        "xl/styles.bin": formats + record(617) + styles + record(618),
        **(parts or {}),
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


CELLS = (
    *(row(0), cell(7, struct.pack("<I", 1)), cell(2, struct.pack("<I", 1234 << 2 | 3), column=1)),
    *(
        row(4),
        cell(5, struct.pack("<d", 0.125), style=1),
        cell(9, struct.pack("<d", 39585) + bytes(8), column=1, style=2),
    ),
    *(row(5), cell(6, text("von Hand")), cell(8, text("als Formel") + bytes(8)), cell(4, b"\1")),
)


@pytest.mark.parametrize("first", [False, True])
def test_cells_are_read_as_they_are_shown(extractor: FileExtractor, first: bool) -> None:
    lines = read(extractor, binary_workbook(*CELLS, first=first), b"a.xlsb").text.split("\n")
    title = [] if first else ["Kosten"]
    assert lines == [*title, "Miete\t12.34", "12.5%\t2008-05-17", "von Hand\tals Formel\tTRUE"]


def test_comments_and_what_is_drawn_are_read(extractor: FileExtractor) -> None:
    parts: dict[str, bytes | str] = {
        "xl/comments1.bin": record(632, text("Ada")) + record(637, b"\1" + text("ask the auditor")),
        "xl/drawings/drawing1.xml": f"<d {DRAWING}><a:p><a:r><a:t>boxed pangolin</a:t></a:r></a:p></d>",
        "xl/charts/chart1.xml": f"<d {DRAWING}><a:p><a:r><a:t>chart of tides</a:t></a:r></a:p></d>",
        "xl/charts/chartEx1.xml": f"<d {DRAWING}><a:p><a:r><a:t>tree of tides</a:t></a:r></a:p></d>",
    }
    lines = read(extractor, binary_workbook(*CELLS, parts=parts), b"a.xlsb").text.split("\n")
    assert list(filter(None, lines))[4:] == [
        "Ada",
        "ask the auditor",
        "chart of tides",
        "tree of tides",
        "boxed pangolin",
    ]


def test_sheets_are_read_where_texts_that_they_share_are_damaged(extractor: FileExtractor) -> None:
    cut = record(159, struct.pack("<II", 1, 1)) + record(19, b"\0" + struct.pack("<I", 5000) + b"a\0")
    content = binary_workbook(*CELLS, parts={"xl/sharedStrings.bin": cut})
    assert "von Hand\tals Formel\tTRUE" in read(extractor, content, b"a.xlsb").text


def test_a_damaged_sheet_is_counted(extractor: FileExtractor) -> None:
    content = binary_workbook(row(0), cell(6, text("wheat")), row(1), cell(5, b"\0"))
    document = read(extractor, content, b"a.xlsb")
    assert document.text.split("\n") == ["Kosten", "wheat"]
    assert document.unread_parts is not None
    assert document.unread_parts.count == 1
