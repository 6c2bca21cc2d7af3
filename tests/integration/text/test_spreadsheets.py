"""Sheets of OpenDocument are read as they are shown."""

from __future__ import annotations

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import container

_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)


def _sheet(*rows: str) -> str:
    filled = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    table = f'<table:table table:name="Costs">{filled}</table:table>'
    return f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"


def _cell(kind: str, value: str, *paragraphs: str) -> str:
    shown = "".join(f"<text:p>{paragraph}</text:p>" for paragraph in paragraphs)
    return f'<table:table-cell office:value-type="{kind}" {value}>{shown}</table:table-cell>'


_ROWS = (
    _cell("percentage", 'office:value="0.25"', "25.00%")
    + _cell("date", 'office:date-value="2017-03-09T00:00:00"', "09/03/17")
    + _cell("currency", 'office:value="1599.9" office:currency="EUR"', "1.599,90 €"),
    _cell("time", 'office:time-value="PT08H30M00S"', "08:30") + _cell("string", "", "first line", "second"),
    _cell("date", 'office:date-value="2017-03-10"', "2017-03-10") + _cell("float", 'office:value="3"', "3"),
    _cell("float", 'office:value="0" table:number-columns-repeated="2"', "0"),
    _cell("string", 'table:number-columns-repeated="16384"'),
)
_SHOWN = "Costs\n25.00%\t09/03/17 2017-03-09\t1.599,90 €\n08:30\tfirst line second\n2017-03-10\t3\n0\t0"


def test_a_sheet_is_read_as_it_is_shown(extractor: FileExtractor) -> None:
    content = f"<office:document-content {_NAMES}>{_sheet(*_ROWS)}</office:document-content>"
    members = {"mimetype": _TYPE, "content.xml": content, "META-INF/manifest.xml": "<manifest/>"}
    assert read(extractor, container(members), b"a.ods").text == _SHOWN


def test_a_flat_one_too(extractor: FileExtractor) -> None:
    content = f'<office:document {_NAMES} office:mimetype="{_TYPE}">{_sheet(*_ROWS)}</office:document>'
    assert read(extractor, content.encode(), b"a.fods").text == _SHOWN


def test_a_large_one_is_read(extractor: FileExtractor) -> None:
    row = "".join(_cell("float", f'office:value="{number}"', str(number)) for number in range(20))
    content = f"<office:document-content {_NAMES}>{_sheet(*[row] * 13_000)}</office:document-content>"
    assert len(content) > 16 << 20
    members = {"mimetype": _TYPE, "content.xml": content, "META-INF/manifest.xml": "<manifest/>"}
    assert "18" in read(extractor, container(members), b"a.ods").text


def test_cells_that_have_their_values_alone_are_read(extractor: FileExtractor) -> None:
    note = "<office:annotation><text:p>ask Jan</text:p></office:annotation>"
    row = (
        _cell("float", 'office:value="42.5"')
        + _cell("string", 'office:string-value="a lantern"').replace("></table", f">{note}</table")
        + _cell("date", 'office:date-value="2017-03-09"')
        + _cell("boolean", 'office:boolean-value="true"')
        + _cell("float", 'office:value="7"', "")
        + "<table:table-cell><text:p>of no kind</text:p></table:table-cell>"
    )
    content = f"<office:document-content {_NAMES}>{_sheet(row)}</office:document-content>"
    members = {"mimetype": _TYPE, "content.xml": content, "META-INF/manifest.xml": "<manifest/>"}
    text = read(extractor, container(members), b"a.ods").text
    assert text == "Costs\n42.5\ta lantern ask Jan\t2017-03-09\ttrue\tof no kind"


@pytest.mark.parametrize("damage", ["<table:table-cell><#", "&none;</text:p>", ""])
def test_of_a_damaged_one_what_stands_before_the_damage_is_read(extractor: FileExtractor, damage: str) -> None:
    whole = f"<office:document-content {_NAMES}>{_sheet(*_ROWS)}"
    content = whole[: whole.index("first line")] + damage
    members = {"mimetype": _TYPE, "content.xml": content, "META-INF/manifest.xml": "<manifest/>"}
    document = read(extractor, container(members), b"a.ods")
    assert document.text == _SHOWN.partition("\tfirst line")[0]
    assert document.unread_parts is not None
    assert [part.name for part in document.unread_parts.some] == ["content.xml"]
