"""Sheets with few cells that stand far apart are read: a word in the last row by mistake costs nothing."""

from __future__ import annotations

import struct

import pytest

from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.office.sparse_sheets import moved_together
from tests.integration.text.reading import read
from tests.integration.text.test_binary_sheets import binary_workbook, cell, row, text
from tests.plugins.documents import SHEET, workbook


def _sheet(*cells: str, prefix: str = "") -> str:
    """A sheet with a text in each of these cells, which says where it stands."""
    rows = "".join(
        f'<{prefix}row r="{place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><{prefix}c r="{place}" t="inlineStr">'
        f"<{prefix}is><{prefix}t>heron {place}</{prefix}t></{prefix}is></{prefix}c></{prefix}row>"
        for place in cells
    )
    names = SHEET.replace("xmlns=", f"xmlns:{prefix.rstrip(':')}=") if prefix else SHEET
    return f"<{prefix}worksheet {names}><{prefix}sheetData>{rows}</{prefix}sheetData></{prefix}worksheet>"


@pytest.mark.parametrize("last", ["C1048576", "ZZ50000", "XFD1048576", "XFD70"])
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_a_cell_that_is_far_from_the_others_is_read(extractor: FileExtractor, last: str, prefix: str) -> None:
    sheet = _sheet("A1", "B2", last, prefix=prefix)
    lines = read(extractor, workbook({"xl/worksheets/sheet1.xml": sheet}), b"a.xlsx").text.splitlines()
    assert [line for line in map(str.strip, lines) if line][-3:] == ["heron A1", "heron B2", f"heron {last}"]


def test_cells_that_are_near_keep_their_columns(extractor: FileExtractor) -> None:
    sheet = _sheet("A1", "C2")
    lines = read(extractor, workbook({"xl/worksheets/sheet1.xml": sheet}), b"a.xlsx").text.splitlines()
    assert lines[-1].rstrip() == "  heron C2"


def test_a_far_cell_without_a_text_moves_no_others() -> None:
    empty = '<row r="1048576"><c r="XFD1048576" s="1"/></row></sheetData>'
    sheet = _sheet("A1", "C2").replace("</sheetData>", empty)
    content = workbook({"xl/worksheets/sheet1.xml": sheet})
    assert moved_together(content) == content


def test_one_of_a_binary_workbook_too(extractor: FileExtractor) -> None:
    far = struct.pack("<IIII", 0, (1 << 20) - 1, 0, (1 << 14) - 1)
    number = (b"\x94\1\x10" + far, b"\x91\1\0")
    words = (row(0), cell(6, text("heron")), row((1 << 20) - 1), cell(6, text("bittern"), column=(1 << 14) - 1))
    document = read(extractor, binary_workbook(*number, *words, b"\x92\1\0"), b"a.xlsb")
    assert document.text == "Kosten\nheron\nbittern"
