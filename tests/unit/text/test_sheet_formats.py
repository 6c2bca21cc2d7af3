"""Numbers of a workbook are read as they are shown."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest

from magicfs.text.extract.office.sheet_formats import as_shown, shown
from tests.plugins.documents import container

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
STYLES = (
    f'<styleSheet {MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy&quot;!&quot;"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf fontId="0"/><xf numFmtId="10" fontId="0"><alignment/></xf><xf numFmtId="164"/>'
    "</cellXfs>"
    "</styleSheet>"
)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("0.125", "0.0%", "12.5%"),
        ("0.0375", "0.00%", "3.75%"),
        ("0.5", "0.##%", "50%"),
        ("-0.5", "0%;[Red]-0%", "-50%"),
        ("45356", "dd.mm.yyyy", "05.03.2024 2024-03-05"),
        ("45356", "yyyy-mm-dd", "2024-03-05"),
        ("45356", "[$-407]d/m/yy;@", "5/3/24 2024-03-05"),
        ("45356", 'd" of "mmmm', "5 of March 2024-03-05"),
        ("45356.75", "m/d/yyyy h:mm AM/PM", "3/5/2024 6:00 PM 2024-03-05"),
        ("1", "yyyy-mm-dd", "1900-01-01"),
        ("61", "yyyy-mm-dd", "1900-03-01"),
        ("0.3125", "h:mm", "7:30"),
        ("0.3125", "h:mm AM/PM", "7:30 AM"),
        ("1.0520833", "[h]:mm:ss", "25:15:00"),
        ("0.0009259259", "mm:ss.0", "01:20"),
        ("417", "000000", "000417"),
        ("5550199", "000-0000", "555-0199"),
        ("4930123", "00 00", "49301 23"),
        ("1234.5", '#,##0.00 "€"', "1234.50 €"),
        ("1234.5", r'_-* #,##0.00\ "€"_-;\-* #,##0.00\ "€"_-;_-* "-"??\ "€"_-;_-@_-', "1234.50 €"),
        ("1234.5", "[$€-407] #,##0.00", "€ 1234.50"),
        ("1234567.891", "#,##0.00", "1234567.89"),
        ("1234567.891", "#,##0", "1234568"),
        ("-12.5", "0.00;[Red](0.00)", "-12.50"),
        ("-0.001", "0.00", "0.00"),
        ("3.5", "0.00", "3.50"),
        ("3.5", "0.00##", "3.50"),
        ("4711", '"RE-"00000', "RE-04711"),
        ("12345", "#,##0,", None),
        ("12345", "0.00E+00", None),
        ("1E999999", "0.00", None),
        ("5", "General", None),
        ("5", '0 "days"', "5 days"),
        ("-1", "yyyy-mm-dd", None),
        ("1e9", "yyyy-mm-dd", None),
        ("1.5", "000", None),
        ("e", "0%", None),
        ("0.125", r"0.0\ %", "12.5%"),
        ("0.125", '0.0" "%', "12.5%"),
        ("0.5", '0%" of all"', "50% of all"),
        ("0.5", "0.00##%", "50.00%"),
        ("0.50125", "0.00##%", "50.125%"),
        ("0.5", "0.0%_);(0.0%)", "50.0%"),
        ("0.5", r"0\%", "1%"),
        ("-0.001", "0%", "0%"),
        ("9E999999", "0%", None),
        ("1E999999", "0000", None),
        ("0.28499999999999998", "0%", "29%"),
        ("123456789", r"000\-00\-0000", "123-45-6789"),
        ("5032024", r"00\/00\/0000", "05/03/2024"),
        ("1234", "00/00", None),
        ("5", "[>100]0%;0.00", None),
        ("0.5", f'0%"{"x" * 300}"', None),
    ],
)
def test_a_number_is_shown_by_its_format(value: str, code: str, text: str | None) -> None:
    assert shown(value, code) == text


def test_days_of_old_workbooks_of_the_macintosh_are_counted_from_1904() -> None:
    assert shown("0", "yyyy-mm-dd", epoch=date(1904, 1, 1)) == "1904-01-01"


def workbook(cells: str, *, styles: str = STYLES, properties: str = "") -> bytes:
    sheet = f'<worksheet {MAIN}><sheetData><row r="1">{cells}</row></sheetData></worksheet>'
    return container(
        {
            "xl/workbook.xml": f"<workbook {MAIN}>{properties}</workbook>",
            "xl/styles.xml": styles,
            "xl/worksheets/sheet1.xml": sheet,
            "xl/sharedStrings.xml": f"<sst {MAIN}/>",
        }
    )


@pytest.mark.parametrize("name", ["sheet.xml", "Sheet1.xml", "costs.xml"])
def test_a_sheet_may_have_any_name(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(workbook('<c r="A1" s="2"><v>0.125</v></c>'))) as usual:
        members = {member: usual.read(member).decode() for member in usual.namelist()}
    members[f"xl/worksheets/{name}"] = members.pop("xl/worksheets/sheet1.xml")
    with zipfile.ZipFile(io.BytesIO(as_shown(container(members)))) as shown_as:
        assert b"12.50%" in shown_as.read(f"xl/worksheets/{name}")


def cells_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.read("xl/sharedStrings.xml")
        return file.read("xl/worksheets/sheet1.xml").decode().partition('<row r="1">')[2].partition("</row>")[0]


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ('<c r="A1" s="2"><v>0.125</v></c>', '<c r="A1" s="2" t="str"><v>12.50%</v></c>'),
        ('<c s="2" r="A1" t="n"><v>0.125</v></c>', '<c s="2" r="A1" t="str"><v>12.50%</v></c>'),
        ('<c r="A1" s="2"><f>A2/8</f><v>0.125</v></c>', '<c r="A1" s="2" t="str"><f>A2/8</f><v>12.50%</v></c>'),
        ('<c r="A1" s="3"><v>45356</v></c>', '<c r="A1" s="3" t="str"><v>05.03.2024! 2024-03-05</v></c>'),
        ('<c r="A1" s="2" t="s"><v>0</v></c>', None),
        ('<c r="A1" s="1"><v>0.125</v></c>', None),
        ('<c r="A1" s="9"><v>0.125</v></c>', None),
        ('<c r="A1"><v>0.125</v></c>', None),
        ('<c r="A1"><v>1234.5600000000001</v></c>', '<c r="A1"><v>1234.56</v></c>'),
        ('<c r="A1" s="1"><f>A2</f><v>-0.30000000000000004</v></c>', '<c r="A1" s="1"><f>A2</f><v>-0.3</v></c>'),
        ('<x:c r="A1"><x:v>2999.9999999999995</x:v></x:c>', '<x:c r="A1"><x:v>3000</x:v></x:c>'),
        ('<c r="A1" t="str"><f>A2</f><v>1234.5600000000001</v></c>', None),
        ('<c r="A1"><v>12345678901234567890.5</v></c>', None),
    ],
)
def test_a_cell_is_written_as_it_is_shown(cell: str, read: str | None) -> None:
    assert cells_of(as_shown(workbook(cell))) == (read or cell)


def test_the_first_day_is_that_of_the_workbook() -> None:
    content = workbook('<c s="3"><v>0</v></c>', properties='<workbookPr date1904="1"/>')
    assert "01.01.1904" in cells_of(as_shown(content))


@pytest.mark.parametrize(
    ("cell", "styles"),
    [
        ("<c" + ' s="1"' * 100_000, STYLES),
        ('<c s="2"><v>9E999999</v></c>', STYLES),
        ("<c/>", "<cellXfs " * 100_000),
        ("<c/>", STYLES.replace("dd", "d" * 100_000 + "m" * 100_000)),
    ],
)
def test_a_workbook_that_is_long_or_has_large_numbers_stays_as_it_is(cell: str, styles: str) -> None:
    assert cells_of(as_shown(workbook(cell, styles=styles))) == cell


@pytest.mark.parametrize("content", [b"PK", container({"xl/workbook.xml": ""}), workbook("<c/>", styles="<no")])
def test_a_workbook_without_formats_or_whole_members_stays_as_it_is(content: bytes) -> None:
    assert as_shown(content) == content
