"""Databases of Access are read table by table, of every version."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read
from tests.plugins.access_databases import (
    CALCULATED,
    DAY,
    DECIMAL,
    LARGE,
    LONG,
    MEMO,
    MONEY,
    PICTURE,
    SINGLE,
    TEXT,
    Table,
    access_database,
)

LOAN: Table = [
    (f"No:{LONG}", f"Town:{TEXT}", f"Fee:{MONEY}", f"Since:{DAY}", f"Notes:{MEMO}", f"Picture:{PICTURE}"),
    (7, "Lüneburg", 125_000, 45454.0, "the boat\nleaks", b"\x89PNG" * 9),
    (8, "Essen", -5_000, 45454.395833, "heron " * 3000 + "egret", None),
    (9, None, None, None, None, None),
]


@pytest.mark.parametrize("is_old", [True, False], ids=["97", "later"])
def test_a_table_has_its_name_and_a_line_for_each_row(extractor: FileExtractor, is_old: bool) -> None:
    others = {"Overdue": 5, "Members": 6, "Payments": 4}
    content = access_database({"Loans": LOAN, "Empty": [(f"A:{TEXT}",)]}, others=others, is_old=is_old)
    document = read(extractor, content, b"boats.mdb")
    lines = document.text.splitlines()
    assert lines[:3] == ["Loans", "No\tTown\tFee\tSince\tNotes\tPicture", "7"]
    assert lines[3:8] == ["Lüneburg", "12.50", "2024-06-11", "the boat", "leaks"]
    assert lines[8].startswith("8\tEssen\t-0.50\t2024-06-11 09:30\theron heron")
    assert lines[8].endswith("heron egret")
    linked = ["Linked table: Members", "Linked table: Payments"]
    assert lines[9:] == ["9", "", "Empty", "A", "", "Query: Overdue", *linked]
    assert document.unread_parts is None


def test_numbers_have_all_their_digits_and_no_more(extractor: FileExtractor) -> None:
    columns = (f"a:{LARGE}", f"b:{DECIMAL}", f"c:{SINGLE}")
    content = access_database({"t": [columns, (1234567890123456789, -123456789012345678901, 0.1)]})
    row = read(extractor, content, b"a.accdb").text.splitlines()[2]
    assert row.split("\t") == ["1234567890123456789", "-1234567890123456789.01", "0.1"]


def test_what_access_has_calculated_is_read(extractor: FileExtractor) -> None:
    columns = (f"a:{CALCULATED + TEXT}", f"b:{CALCULATED + LONG}", f"c:{CALCULATED + MEMO}")
    content = access_database({"t": [columns, ("Müller, Anna", 12, "heron")]})
    assert read(extractor, content, b"a.accdb").text.splitlines()[2] == "Müller, Anna\t12\theron"


@pytest.mark.parametrize("is_old", [True, False], ids=["97", "later"])
def test_rows_in_a_page_that_a_table_has_no_more_are_not_read(extractor: FileExtractor, is_old: bool) -> None:
    """Of a table that was deleted, whose number is that of a newer one."""
    table: Table = [(f"Town:{TEXT}",), ("Gießen",)]
    content = access_database({"Towns": table}, freed=[("Essen",)], is_old=is_old)
    assert read(extractor, content, b"a.mdb").text.splitlines() == ["Towns", "Town", "Gießen"]


def test_an_unknown_code_page_is_taken_for_the_usual_one(extractor: FileExtractor) -> None:
    content = access_database({"Towns": [(f"Town:{TEXT}",), ("Gießen",)]}, is_old=True, code_page=0)
    assert "Gießen" in read(extractor, content, b"a.mdb").text


def test_one_whose_list_of_tables_is_gone_is_damaged(extractor: FileExtractor) -> None:
    content = access_database({"Loans": LOAN})
    catalogue = content.index(b"\1\1\0\0\2\0\0\0")
    outcome = extractor.extract(content[:catalogue] + bytes(4096) + content[catalogue + 4096 :], name=b"a.accdb")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


@pytest.mark.parametrize("size", [60, 180, 240, 250])
def test_long_rows_of_the_oldest_version_are_read(extractor: FileExtractor, size: int) -> None:
    words = [letter * size for letter in "abcdef"]
    rows: Table = [[f"{letter}:{TEXT}" for letter in "abcdef"], words]
    assert "\t".join(words) in read(extractor, access_database({"t": rows}, is_old=True), b"a.mdb").text


def test_one_with_a_password_is_encrypted(extractor: FileExtractor) -> None:
    outcome = extractor.extract(access_database({"Loans": LOAN}, password="heron"), name=b"a.accdb")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.ENCRYPTED


def test_a_damaged_table_costs_itself_alone(extractor: FileExtractor) -> None:
    content = access_database({"Loans": LOAN, "Towns": [(f"Town:{TEXT}",), ("Gießen",)]})
    definition = content.index("Fee".encode("utf-16-le"))
    document = read(extractor, content[: definition - 2] + b"\xff\xff" + content[definition:], b"a.accdb")
    assert "Gießen" in document.text
    assert str(document.unread_parts) == "1 of 2 parts could not be read: table Loans (corrupt)"
    cut = extractor.extract(content[:5000], name=b"a.accdb")
    assert isinstance(cut, Unreadable)
    assert cut.reason in {SkipReason.CORRUPT, SkipReason.NO_TEXT}


@pytest.mark.parametrize("is_old", [True, False], ids=["97", "later"])
def test_what_a_cell_has_beyond_the_limit_is_said_to_be_missing(extractor: FileExtractor, is_old: bool) -> None:
    table: Table = [(f"Notes:{MEMO}", f"Town:{TEXT}"), ("heron " * 40_000, "Essen"), ("egret", "Trier")]
    document = read(extractor, access_database({"Birds": table}, is_old=is_old), b"a.mdb")
    assert len(document.text) < 201_000
    assert document.text.endswith("egret\tTrier")
    missing = "what follows in a cell of table Birds (too-large)"
    assert str(document.unread_parts) == f"1 of 2 parts could not be read: {missing}"


def test_rows_for_which_there_is_no_room_are_said_to_be_missing() -> None:
    table: Table = [(f"Notes:{MEMO}",), *(("heron " * 100,) for _ in range(5))]
    with FileExtractor(limits=Limits(text_bytes=1500)) as extractor:
        document = read(extractor, access_database({"Birds": table, "Towns": table}), b"a.mdb")
    assert str(document.unread_parts) == (
        "2 of 2 parts could not be read: what follows row 3 of table Birds (too-large), "
        "table Towns and what follows (too-large)"
    )
