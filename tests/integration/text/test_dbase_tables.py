"""Tables of dBase and FoxPro are read record by record."""

from __future__ import annotations

import struct

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.text.extract.documents.dbase_tables import is_dbase_table
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read

_FIELDS = (("TOWN", "C", 20), ("SIZE", "N", 6), ("FOUNDED", "D", 8), ("NOTES", "M", 10))


def table(
    *records: bytes, fields: tuple[tuple[str, str, int], ...] = _FIELDS, version: int = 3, charset: int = 0
) -> bytes:
    described = b"".join(struct.pack("<11sc4xB15x", name.encode(), kind.encode(), size) for name, kind, size in fields)
    sizes = 33 + len(described), 1 + sum(size for _, _, size in fields)
    head = struct.pack("<4BIHH17xB2x", version, 124, 6, 12, len(records), *sizes, charset)
    return head + described + b"\r" + b"".join(records) + b"\x1a"


def record(town: bytes, size: int, founded: str, *, mark: bytes = b" ") -> bytes:
    return mark + town.ljust(20) + b"%6d" % size + founded.encode().ljust(8) + b"         1"


@pytest.mark.parametrize(("encoding", "charset"), [("utf-8", 0x57), ("cp1252", 0x57), ("cp850", 0x02), ("cp437", 0)])
def test_a_record_is_a_line(extractor: FileExtractor, encoding: str, charset: int) -> None:
    towns = ("Düsseldorf", "Lüneburg", "Gießen", "Köln", "Mönchengladbach")
    records = [record(town.encode(encoding), 7, "12880814") for town in towns]
    gone = record(b"Atlantis", 1, "", mark=b"*")
    text = read(extractor, table(*records, gone, record(b"Essen", 12, ""), charset=charset), b"towns.dbf").text
    assert text.splitlines() == [
        "TOWN\tSIZE\tFOUNDED\tNOTES",
        *(f"{town}\t7\t1288-08-14" for town in towns),
        "Essen\t12",
    ]


def test_values_of_foxpro_are_read(extractor: FileExtractor) -> None:
    fields = (("N", "I", 4), ("PRICE", "Y", 8), ("SOLD", "T", 8))
    values = b" " + struct.pack("<iqII", -7, 12_345_000, 2_460_311, 34_200_000)
    content = table(values, fields=fields, version=0x30)
    assert read(extractor, content, b"a").text.splitlines()[1] == "-7\t1234.50\t2024-01-01 9:30:00"


def test_of_a_table_that_is_cut_off_its_beginning_is_read(extractor: FileExtractor) -> None:
    content = table(record(b"Essen", 12, ""), record(b"Ulm", 3, ""))[:-30]
    document = read(extractor, content, b"a.dbf")
    assert document.text.splitlines()[1:] == ["Essen\t12"]
    assert "what follows record 1 (corrupt)" in str(document.unread_parts)


@pytest.mark.parametrize("length", [33, 66, 100, 150])
def test_a_damaged_table_ends_with_a_reason(extractor: FileExtractor, length: int) -> None:
    outcome = extractor.extract(table(record(b"Essen", 12, ""))[:length], name=b"a.dbf")
    assert isinstance(outcome, Unreadable) or "Essen" not in outcome.text


@pytest.mark.parametrize(
    "content", [b"", b"\x03", b"3.1 of the report\n" * 9, b"\x03" * 99, b"\x30\x7c\x0d\x01" + bytes(99)]
)
def test_other_files_are_no_tables(content: bytes) -> None:
    assert not is_dbase_table(content)
