"""Sheets that are too large for the memory of a file are read up to a row."""

from __future__ import annotations

import io
import zipfile

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.documents.running_text import read_running_text
from magicfs.text.extract.office import large_sheets
from magicfs.text.extract.office.large_sheets import with_first_rows
from magicfs.text.extract.office.sheet_formats import WORKBOOK_TYPE
from tests.plugins.documents import SHEET, workbook

SMALL, LARGE = "xl/worksheets/sheet2.xml", "xl/worksheets/sheet1.xml"


def _sheet(rows: int, *, prefix: str = "", text: str = "heron") -> str:
    shown = "".join(
        f'<{prefix}row r="{row}"><{prefix}c r="A{row}" t="inlineStr"><{prefix}is><{prefix}t>{text} {row}</{prefix}t>'
        f"</{prefix}is></{prefix}c></{prefix}row>"
        for row in range(1, rows + 1)
    )
    names = SHEET.replace("xmlns=", f"xmlns:{prefix.rstrip(':')}=") if prefix else SHEET
    return f"<{prefix}worksheet {names}><{prefix}sheetData>{shown}</{prefix}sheetData></{prefix}worksheet>"


def test_a_workbook_of_more_bytes_than_are_read_has_its_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_sheets, "MAX_SHEET_BYTES", 5000)
    parts = FileParts()
    library = KreuzbergParser(ocr=None)
    outcome = read_running_text(workbook({LARGE: _sheet(500)}), WORKBOOK_TYPE, library=library, parts=parts)
    assert isinstance(outcome, Document)
    last = outcome.text.count("heron")
    assert f"heron {last}" in outcome.text
    assert str(parts.unread) == f"1 of 1 part could not be read: {LARGE}: what follows row {last} (too-large)"


@pytest.mark.parametrize("prefix", ["", "x:"])
def test_small_sheets_stay_whole_beside_a_large_one(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setattr(large_sheets, "MAX_SHEET_BYTES", 5000)
    content = workbook({LARGE: _sheet(500, prefix=prefix), SMALL: _sheet(5, text="egret", prefix=prefix)})
    parts = FileParts()
    with zipfile.ZipFile(io.BytesIO(with_first_rows(content, parts=parts))) as cut:
        assert "egret 5" in cut.read(SMALL).decode()
        kept = cut.read(LARGE).decode()
    last = kept.count("heron")
    assert 20 < last < 100
    assert kept == _sheet(last, prefix=prefix)
    assert parts.unread is not None


def test_the_texts_of_cells_that_are_left_out_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell names its text by the number, and a sheet with one that is missing has none at all."""
    monkeypatch.setattr(large_sheets, "MAX_SHEET_BYTES", 5000)
    monkeypatch.setattr(large_sheets, "MAX_TEXTS_BYTES", 2000)
    texts = "".join(f"<si><t>egret {number}</t></si>" for number in range(500))
    content = workbook({LARGE: _sheet(500), "xl/sharedStrings.xml": f"<sst>{texts}</sst>"})
    parts = FileParts()
    with zipfile.ZipFile(io.BytesIO(with_first_rows(content, parts=parts))) as cut:
        kept = cut.read("xl/sharedStrings.xml").decode()
    last = kept.count("egret")
    assert 20 < last < 100
    assert kept == f"<sst>{texts[: texts.index(f'<si><t>egret {last}<')]}{'<si><t/></si>' * (500 - last)}</sst>"
    assert f"xl/sharedStrings.xml: what follows text {last} (too-large)" in str(parts.unread)


def test_others_stay_as_they_are() -> None:
    content = workbook({LARGE: _sheet(500)})
    assert with_first_rows(content, parts=FileParts()) == content
    assert with_first_rows(content[:-40], parts=FileParts()) == content[:-40]
