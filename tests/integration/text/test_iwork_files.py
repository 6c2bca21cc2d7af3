"""Documents of Pages, Keynote and Numbers are read by their texts, and not by the names of their styles."""

from __future__ import annotations

import io
import zipfile

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract import FileExtractor
from magicfs.text.extract.office.snappy import uncompressed
from tests.integration.text.reading import read


def number(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + number(value >> 7)


def field(place: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return number(place << 3) + number(value)
    data = value.encode() if isinstance(value, str) else value
    return number(place << 3 | 2) + number(len(data)) + data


def thing(kind: int, message: bytes) -> bytes:
    """An object of an archive."""
    head = field(1, 7) + field(2, field(1, kind) + field(3, len(message)))
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
    def entry(key: int, text: str) -> bytes:
        return field(3, field(1, key) + field(3, text))

    content = document(
        {
            "Document": archive(thing(2, field(1, "Costs") + field(2, b"\x08\x01"))),
            "CalculationEngine": archive(thing(6001, field(1, "3DEB2ADE") + field(8, "By month"))),
            "Tables/DataList-9": archive(thing(6005, field(1, 1) + entry(10, "wheat") + entry(9, "rye"))),
            "Tables/DataList-8": archive(thing(6005, field(1, 2) + entry(1, "M/d/yy"))),
        }
    )
    assert read(extractor, content, b"a.numbers").text.split("\n\n") == ["Costs", "By month", "rye", "wheat"]


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
