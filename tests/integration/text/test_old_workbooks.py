"""Workbooks of Excel 5 to 2003 are read as a person sees them."""

from __future__ import annotations

import struct

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.excel import begin, chart, drawn, number, properties, shared, text, workbook_97
from tests.plugins.ole import compound_file, drawn_word, record_of_excel


def test_numbers_are_read_as_they_are_shown(extractor: FileExtractor) -> None:
    cells = [
        *(number(0, 0, 0.125, style=1), number(0, 1, 39585.25, style=2), number(0, 2, 1599.99)),
        *(number(1, 0, 7, style=3), record_of_excel(0x027E, struct.pack("<HHHI", 1, 1, 0, 1234 << 2 | 3))),
        record_of_excel(0x00BD, struct.pack("<HH", 2, 0) + struct.pack("<HI", 0, 5 << 2 | 2) * 2 + b"\1\0"),
    ]
    content = workbook_97({"Cash": cells}, formats=["0.0%", "yyyy\\-mm\\-dd", "00000"])
    assert read(extractor, content, b"a.xls").text == "Cash\n12.5%\t2008-05-17\t1599.99\n00007\t12.34\n5\t5"


def test_a_long_number_keeps_its_digits(extractor: FileExtractor) -> None:
    content = workbook_97({"S": [number(0, 0, 1234567890123450), number(1, 0, 1e300), number(2, 0, 0.1 + 0.2)]})
    assert read(extractor, content, b"a.xls").text == "S\n1234567890123450\n1e+300\n0.3"


def test_results_of_formulas_are_read(extractor: FileExtractor) -> None:
    cells = [
        record_of_excel(0x0006, struct.pack("<HHHd", 0, 0, 0, 42.5) + bytes(8)),
        record_of_excel(0x0006, struct.pack("<HHH", 1, 0, 0) + b"\0\0\0\0\0\0\xff\xff" + bytes(8)),
        record_of_excel(0x0207, text("überfällig")),
        record_of_excel(0x0006, struct.pack("<HHH", 2, 0, 0) + b"\1\0\1\0\0\0\xff\xff" + bytes(8)),
        record_of_excel(0x0006, struct.pack("<HHH", 3, 0, 0) + b"\2\0\x07\0\0\0\xff\xff" + bytes(8)),
    ]
    assert read(extractor, workbook_97({"S": cells}), b"a.xls").text == "S\n42.5\nüberfällig\nTRUE"


def test_what_is_beside_the_cells_is_read_once(extractor: FileExtractor) -> None:
    cells = [
        number(0, 0, 3),
        record_of_excel(0x0014, text('&L&"Arial,Bold"Confidential &P')),
        drawn("Ada:\nask the auditor"),
        drawn("ask the auditor"),
        record_of_excel(0x001C, struct.pack("<4H", 0, 0, 0, 1) + text("Grace") + b"\0"),
        record_of_excel(0x01B8, bytes(32) + "https://example.org/ledger".encode("utf-16-le") + b"\0\0"),
        chart("Bitterns a year", number(0, 0, 99)),
        number(1, 0, 4),
    ]
    name = record_of_excel(0x0018, struct.pack("<HBBHHHBBBB", 0, 0, 4, 0, 0, 0, 0, 0, 0, 0) + b"\0Rate")
    document = read(extractor, workbook_97({"S": cells}, more=name), b"a.xls")
    lines = ["S", "3", "4", "Rate", "Confidential", "Ada:", "ask the auditor", "Grace", "https://example.org/ledger"]
    assert list(filter(None, document.text.split("\n"))) == [*lines, "Bitterns a year"]


@pytest.mark.parametrize("cut", range(1, 4))
def test_texts_that_go_on_in_another_record_are_whole(extractor: FileExtractor, cut: int) -> None:
    first, last = "bittern"[:cut], "bittern"[cut:]
    pieces = [
        struct.pack("<HBH", 7, 8, 1) + first.encode(),  # with a run of fonts
        b"\1" + last.encode("utf-16-le") + bytes(4) + struct.pack("<HB", 5, 0),
        b"\0heron" + struct.pack("<HB", 5, 1) + "чайка".encode("utf-16-le"),
    ]
    cells = [shared(0, 0, 0), shared(0, 1, 1), shared(1, 0, 2), shared(2, 0, 3)]
    assert read(extractor, workbook_97({"S": cells}, texts=pieces), b"a.xls").text == "S\nbittern\theron\nчайка"


def test_all_sheets_are_read_with_their_names(extractor: FileExtractor) -> None:
    content = workbook_97({"Übersicht": [number(0, 0, 1)], "Empty": [], "Ende": [number(0, 0, 2)]})
    assert read(extractor, content, b"a.xls").text == "Übersicht\n1\n\nEnde\n2"


@pytest.mark.parametrize("stream", ["Workbook", "WORKBOOK"])
def test_what_a_workbook_says_of_itself_is_read(extractor: FileExtractor, stream: str) -> None:
    said = properties(title="Смета", author="Анна", keywords="дом", comments="крыша")
    content = workbook_97({"S": [number(0, 0, 1)]}, streams={"\5SummaryInformation": said}, stream=stream)
    document = read(extractor, content, b"a.xls")
    assert (document.title, document.author, document.keywords) == ("Смета", "Анна", "дом, крыша")


@pytest.mark.parametrize("version_of_sheet", [0x0500, 0x0600])
def test_a_workbook_of_excel_95_is_read_in_its_charset(extractor: FileExtractor, version_of_sheet: int) -> None:
    words = "Смета".encode("cp1251")
    stream = record_of_excel(0x0809, struct.pack("<HH4x", 0x0500, 5))
    stream += record_of_excel(0x0042, struct.pack("<H", 1251))
    place = len(stream) + 4 + 7 + len(words) + 4
    stream += record_of_excel(0x0085, struct.pack("<IBBB", place, 0, 0, len(words)) + words)
    stream += record_of_excel(0x000A, b"") + record_of_excel(0x0809, struct.pack("<HH4x", version_of_sheet, 16))
    stream += record_of_excel(0x0204, struct.pack("<HHHH", 0, 0, 0, len(words)) + words)
    assert read(extractor, compound_file({"Book": stream}), b"a.xls").text == "Смета\nСмета"


def test_a_damaged_record_costs_its_own_text(extractor: FileExtractor) -> None:
    cells = [number(0, 0, 1), shared(1, 0, 99), record_of_excel(0x0203, b"\2\0"), number(3, 0, 4)]
    assert read(extractor, workbook_97({"S": cells}), b"a.xls").text == "S\n1\n4"


def test_a_long_text_in_many_cells_takes_no_memory(extractor: FileExtractor) -> None:
    pieces = [struct.pack("<HB", 8000, 0) + b"heron " * 1333 + b"x."]
    cells = [shared(row % 60_000, 0, 0) for row in range(200_000)]
    outcome = extractor.extract(workbook_97({"S": cells}, texts=pieces), name=b"a.xls")
    assert isinstance(outcome, Document)
    assert outcome.cut_bytes


def test_a_workbook_without_cells_has_no_text(extractor: FileExtractor) -> None:
    assert not isinstance(extractor.extract(workbook_97({"Sheet1": [begin(0x20)]}), name=b"a.xls"), Document)


def test_a_title_that_is_drawn_as_a_shape_is_read(extractor: FileExtractor) -> None:
    drawing = record_of_excel(0x00EC, bytes(20) + drawn_word("Bitterns 2004"))
    document = read(extractor, workbook_97({"S": [number(0, 0, 3), drawing]}), b"a.xls")
    assert list(filter(None, document.text.split("\n"))) == ["S", "3", "Bitterns 2004"]
