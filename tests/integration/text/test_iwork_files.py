"""Documents of Pages, Keynote and Numbers are read by their texts, and not by the names of their styles."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.office.snappy import uncompressed
from tests.integration.text.reading import read


def number(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + number(value >> 7)


def field(place: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return number(place << 3) + number(value)
    data = value.encode() if isinstance(value, str) else value
    return number(place << 3 | 2) + number(len(data)) + data


def thing(kind: int, message: bytes, *, identifier: int = 7) -> bytes:
    """An object of an archive."""
    head = field(1, identifier) + field(2, field(1, kind) + field(3, len(message)))
    return number(len(head)) + head + message


def archive(*objects: bytes) -> bytes:
    """An archive whose text is stored in pieces of sixty bytes, none of them compressed."""
    data = b"".join(objects)
    pieces = (data[place : place + 60] for place in range(0, len(data), 60))
    packed = number(len(data)) + b"".join(bytes([len(piece) - 1 << 2]) + piece for piece in pieces)
    return b"\0" + len(packed).to_bytes(3, "little") + packed


def document(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as container:
        for name, content in members.items():
            container.writestr(f"Index/{name}.iwa", content)
    return data.getvalue()


STYLE = thing(2022, field(1, "chart-2-paragraphStyle_3"))


def storage(text: str) -> bytes:
    return thing(2001, field(1, 0) + field(3, text))


def test_the_text_of_a_page_is_read(extractor: FileExtractor) -> None:
    content = document(
        {"DocumentStylesheet": archive(STYLE), "Document": archive(STYLE, storage("Grüße\u2029zweitens"))}
    )
    assert read(extractor, content, b"a.pages").text == "Grüße\nzweitens"


def test_slides_are_read_with_notes_and_comments_and_without_what_they_are_made_from(extractor: FileExtractor) -> None:
    content = document(
        {
            "Slide-2": archive(storage("herons")),
            "Slide-1": archive(storage("bitterns"), thing(2001, field(1, 4) + field(3, "say it slowly"))),
            "Slide-10": archive(storage("cranes"), thing(3056, field(1, "why cranes?"))),
            "MasterSlide-1": archive(storage("Title Text")),
            "TemplateSlide-264-2": archive(storage("Body Level One")),
        }
    )
    text = read(extractor, content, b"a.key").text
    assert text.split("\n\n") == ["bitterns", "say it slowly", "herons", "cranes", "why cranes?"]


def test_texts_of_cells_are_read_with_names_of_sheets_and_tables(extractor: FileExtractor) -> None:
    content = document(
        {
            "Document": archive(thing(2, field(1, "Costs") + field(2, b"\x08\x01"))),
            "CalculationEngine": archive(thing(6001, field(1, "3DEB2ADE") + field(8, "By month"), identifier=8)),
            "Tables/DataList-9": archive(thing(6005, field(1, 1) + entry(10, "wheat") + entry(9, "rye"))),
            "Tables/DataList-8": archive(thing(6005, field(1, 2) + entry(1, "M/d/yy"))),
        }
    )
    assert read(extractor, content, b"a.numbers").text.split("\n\n") == ["Costs", "By month", "rye", "wheat"]


def refer(place: int, identifier: int) -> bytes:
    return field(place, field(1, identifier))


def decimal(value: int, exponent: int, *, is_negative: bool = False) -> bytes:
    return (is_negative << 127 | exponent + 0x1820 << 113 | value).to_bytes(16, "little")


def word(value: int) -> bytes:
    return struct.pack("<I", value)


def cell(kind: int, flags: int, values: bytes) -> bytes:
    return bytes([5, kind]) + b"\0" * 6 + word(flags) + values


def row(place: int, *cells: bytes | None) -> bytes:
    """A row of a tile, empty places included."""
    data, offsets = b"", []
    for one in cells:
        offsets.append(-1 if one is None else len(data) // 4)
        data += one or b""
    packed = struct.pack(f"<{len(offsets)}h", *offsets)
    return field(5, field(1, place) + field(6, data) + field(7, packed) + field(8, 1))


def entry(key: int, text: str) -> bytes:
    return field(3, field(1, key) + field(3, text))


def form(key: int, *fields: bytes) -> bytes:
    return field(3, field(1, key) + field(6, b"".join(fields)))


FORMATS = (
    form(1, field(1, 257), field(2, 2), field(3, "EUR")),
    form(2, field(1, 258), field(2, 1)),
    form(3, field(1, 261), field(14, "d MMM y")),
    form(4, field(1, 268), field(7, 1), field(40, 1)),
    form(5, field(1, 270), field(41, b"own")),
)
TEXTS, LATE_TEXTS = (
    (entry(1, "Rent of the boathouse"), entry(2, "Paid"), entry(3, "Hired")),
    entry(4, "No longer there"),
)
OWN_FORMATS = thing(
    222, field(1, b"own") + field(2, field(1, "kg") + field(3, field(1, 270) + field(18, "#0.0' kg'"))), identifier=40
)


def table(identifier: int, name: str, tile: int, *, old: bool = False) -> bytes:
    tiles = field(1, field(1, 0) + refer(2, tile))
    store = field(3, tiles) + refer(4, 31) + refer(11 if old else 22, 32) + refer(17, 33)
    return thing(6001, field(1, "3DEB2ADE") + field(8, name) + field(4, store), identifier=identifier)


LISTS = (
    thing(6005, field(1, 1) + b"".join(TEXTS) + refer(4, 34), identifier=31),
    thing(6011, field(1, 1) + LATE_TEXTS, identifier=34),
    thing(6005, field(1, 2) + b"".join(FORMATS), identifier=32),
    thing(6005, field(1, 8) + field(3, field(1, 1) + refer(9, 35)), identifier=33),
    thing(6218, refer(1, 36), identifier=35),
    thing(2001, field(1, 0) + field(3, "see\nthe lease"), identifier=36),
)


def test_a_table_is_read_row_by_row_as_it_is_shown(extractor: FileExtractor) -> None:
    seconds = struct.pack("<d", 86_400.0 * (365 + 58))
    rows = (
        row(1, None, cell(3, 1 << 3, word(1)), cell(10, 1 | 1 << 14, decimal(12345, -1) + word(1))),
        row(0, cell(3, 1 << 3, word(2)), cell(9, 1 << 4, word(1)), cell(3, 1 << 3, word(3))),
        row(2, cell(5, 1 << 2 | 1 << 15, seconds + word(3)), cell(6, 2, struct.pack("<d", 1.0))),
        row(
            3, cell(7, 2 | 1 << 16, struct.pack("<d", 5400.0) + word(4)), cell(2, 1, decimal(75, -1, is_negative=True))
        ),
        row(4, cell(2, 1 | 1 << 13, decimal(195, -3) + word(2)), cell(8, 1 << 11, word(1))),
        row(5, cell(2, 1 | 1 << 9 | 1 << 13, decimal(42, 0) + word(9) + word(5)), cell(3, 1 << 3, word(77))),
        row(6, b"\x05\x02", b"\x63\x02" + b"\0" * 10),
    )
    content = document(
        {
            "Document": archive(thing(2, field(1, "Costs") + refer(2, 50), identifier=20), OWN_FORMATS),
            "CalculationEngine": archive(
                thing(3008, refer(2, 51) + refer(2, 99), identifier=50),
                thing(6000, field(1, b"") + refer(2, 30), identifier=51),
                table(30, "By month", 60),
            ),
            "Tables/DataList": archive(*LISTS),
            "Tables/Tile": archive(thing(6002, b"".join(rows), identifier=60)),
        }
    )
    assert read(extractor, content, b"a.numbers").text == (
        "Costs\n\nBy month\nPaid\tsee the lease\tHired\nRent of the boathouse\t1234.50 EUR\n"
        "28 Feb 2002 2002-02-28\tTRUE\n1h 30m\t-7.5\n19.5%\n42.0 kg\n\nNo longer there"
    )


def test_what_refers_to_itself_and_often_to_the_same_is_read_once(extractor: FileExtractor) -> None:
    segment = thing(6011, field(1, 1) + LATE_TEXTS + entry(5, "a text") * 2000, identifier=34)
    content = document(
        {
            "Document": archive(thing(2, field(1, "Costs") + refer(2, 50), identifier=20)),
            "CalculationEngine": archive(
                thing(3008, refer(2, 50) * 60 + refer(2, 52) * 60 + refer(2, 51), identifier=50),
                thing(3008, refer(2, 50) * 60 + refer(2, 52) * 60, identifier=52),
                thing(6000, field(1, b"") + refer(2, 30), identifier=51),
                table(30, "By month", 60),
            ),
            "Tables/DataList": archive(
                thing(6005, field(1, 1) + refer(4, 34) * 20_000, identifier=31), segment, *LISTS[2:]
            ),
        }
    )
    text = read(extractor, content, b"a.numbers").text
    assert text == "Costs\n\nBy month\n\nNo longer there\n\na text"


def test_a_table_of_before_2019_is_read(extractor: FileExtractor) -> None:
    cells = (
        bytes([4, 3, 0, 0]) + word(0x92) + b"\0" * 4 + word(8) + word(9) + word(2),
        bytes([4, 2, 0, 0]) + word(0xA6) + b"\0" * 4 + word(8) + word(9) + word(1) + struct.pack("<d", 1234.5),
        bytes([4, 5, 0, 0]) + word(0x40) + b"\0" * 4 + struct.pack("<d", 86_400.0 + 3600),
        bytes([3, 0, 9, 0]) + word(0x200) + b"\0" * 4 + word(1),
    )
    places = [sum(map(len, cells[:number])) for number in range(len(cells))]
    old = field(5, field(1, 0) + field(3, b"".join(cells)) + field(4, struct.pack("<4h", *places)))
    tile = thing(6002, old, identifier=60)
    content = document(
        {
            "Document": archive(storage("a page")),
            "Tables/Tile": archive(table(30, "By day", 60, old=True), tile, *LISTS),
        }
    )
    text = read(extractor, content, b"a.pages").text
    assert text.startswith("a page\n\nBy day\nPaid\t1234.50 EUR\t2001-01-02 01:00:00\tsee the lease\n\n")


def test_the_texts_of_a_table_whose_rows_are_lost_are_read(extractor: FileExtractor) -> None:
    content = document(
        {"Tables/DataList": archive(table(30, "By month", 60), *LISTS), "Tables/Tile": b"\0\x09\0\0\xff"}
    )
    outcome = read(extractor, content, b"a.numbers")
    assert outcome.text.split("\n\n")[:2] == ["By month", "Rent of the boathouse"]
    assert outcome.unread_parts is not None


def test_a_damaged_archive_costs_its_own_text(extractor: FileExtractor) -> None:
    content = document({"Document": archive(storage("herons")), "Slide-1": b"\0\x09\0\0\xff\xff\xff\xff\xff\xff\xff"})
    outcome = read(extractor, content, b"a.key")
    assert outcome.text == "herons"
    assert outcome.unread_parts is not None
    assert outcome.unread_parts.count == 1


def test_a_document_without_text_has_none(extractor: FileExtractor) -> None:
    outcome = extractor.extract(document({"Document": archive(STYLE)}), name=b"a.pages")
    assert isinstance(outcome, Unreadable)
    assert not isinstance(outcome, Document)


@pytest.mark.parametrize(
    ("packed", "data"),
    [
        (b"\x05\x10heron", b"heron"),
        (b"\x0b\x08abc\x11\x03", b"abcabcabcab"),
        (b"\x04\x00a\x0a\x01\x00", b"aaaa"),
        (b"\x04\x00a\x0b\x01\x00\x00\x00", b"aaaa"),
        (b"\x46\xf0\x45" + b"x" * 70, b"x" * 70),
    ],
)
def test_what_snappy_has_compressed_is_what_it_was(packed: bytes, data: bytes) -> None:
    assert uncompressed(packed, most_bytes=100) == data


@pytest.mark.parametrize("packed", [b"\x04\x0a\x01\x00", b"\x04\x00a\x0a\x09\x00", b"\x7f\xf0\x7f" + b"x" * 128])
def test_damage_and_too_much_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"not there|more than fits"):
        uncompressed(packed, most_bytes=100)
