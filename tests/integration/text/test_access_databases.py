"""Databases of Access are read table by table, of every version."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.access_databases import DAY, LONG, MEMO, MONEY, PICTURE, TEXT, Table, access_database

LOAN: Table = [
    (f"No:{LONG}", f"Town:{TEXT}", f"Fee:{MONEY}", f"Since:{DAY}", f"Notes:{MEMO}", f"Picture:{PICTURE}"),
    (7, "Lüneburg", 125_000, 45454.0, "the boat\nleaks", b"\x89PNG" * 9),
    (8, "Essen", -5_000, 45454.395833, "heron " * 3000 + "egret", None),
    (9, None, None, None, None, None),
]


@pytest.mark.parametrize("is_old", [True, False], ids=["97", "later"])
def test_a_table_has_its_name_and_a_line_for_each_row(extractor: FileExtractor, is_old: bool) -> None:
    content = access_database({"Loans": LOAN, "Empty": [(f"A:{TEXT}",)]}, others={"Overdue": 5}, is_old=is_old)
    document = read(extractor, content, b"boats.mdb")
    lines = document.text.splitlines()
    assert lines[:3] == ["Loans", "No\tTown\tFee\tSince\tNotes\tPicture", "7"]
    assert lines[3:8] == ["Lüneburg", "12.50", "2024-06-11", "the boat", "leaks"]
    assert lines[8].startswith("8\tEssen\t-0.50\t2024-06-11 09:30\theron heron")
    assert lines[8].endswith("heron egret")
    assert lines[9:] == ["9", "", "Empty", "A", "", "Query: Overdue"]
    assert document.unread_parts is None


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
