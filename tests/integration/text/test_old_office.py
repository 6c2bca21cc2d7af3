"""Documents of Word and PowerPoint of before 2007 are read as a person sees them."""

from __future__ import annotations

import struct
import tracemalloc

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.slide_files import read_slides
from tests.integration.text.reading import lines, read
from tests.plugins.excel import properties
from tests.plugins.ole import (
    compound_file,
    holder,
    presentation_97,
    record,
    shape,
    word_6,
    word_97,
)


def test_codes_of_fields_are_no_words(extractor: FileExtractor) -> None:
    text = (
        '\x13TOC \\o "1-3" \\h\x14\x13HYPERLINK \\l "_Toc220"\x141.\tIntroduction\t'
        "\x13PAGEREF _Toc220 \\h\x142\x15\x15\x15\r"
        'See \x13 HYPERLINK "https://example.org/heron" \x14the herons\x15 of \x13 DATE \\@ "d" \x14May\x15.\r'
        "\x13EMBED Excel.Sheet.8\x15\x01Figure \x13SEQ Figure \\* ARABIC\x141\x15\r"
    )
    document = read(extractor, word_97(text), b"a.doc")
    assert lines(document.text) == [
        "1.\tIntroduction\t2",
        "See the herons of May.",
        "Figure 1",
        "https://example.org/heron",
    ]


def test_notes_headers_comments_and_boxes_of_a_document_are_read(extractor: FileExtractor) -> None:
    content = word_97("Gothic: 𐌲𐌿𐍄\r", "\x02 a footnote\r", "the letterhead\r", "ask Ada\r", "an endnote\r", "a box\r")
    text = read(extractor, content, b"a.doc").text
    assert lines(text) == ["Gothic: 𐌲𐌿𐍄", "a footnote", "the letterhead", "ask Ada", "an endnote", "a box"]


def test_comments_of_a_document_have_their_authors(extractor: FileExtractor) -> None:
    comments = "\x05ask the crew\r\x05why the tide?\r"
    content = word_97("A heron\r", "", "", comments, authors={0: "Ada Byron", 14: "Łukasz"})
    assert lines(read(extractor, content, b"a.doc").text)[1:] == ["Ada Byron: ask the crew", "Łukasz: why the tide?"]
    # A list of authors that ends early costs the names alone.
    names = struct.pack("<H", 9) + "Ada Byron".encode("utf-16-le")
    damaged = content.replace(names, b"\xff\xff" + names[2:])
    assert "why the tide?" in read(extractor, damaged, b"a.doc").text


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({"title": "Смета", "subject": "дом"}, "Смета"),
        ({"subject": "Смета"}, "Смета"),
        ({"title": "PowerPoint Presentation"}, None),
    ],
)
def test_the_title_is_read_in_the_code_page_of_the_document(
    extractor: FileExtractor, said: dict[str, str], title: str | None
) -> None:
    content = word_97("A heron\r", streams={"\5SummaryInformation": properties(**said)})
    assert read(extractor, content, b"a.doc").title == title


def test_cells_and_rows_of_a_table_are_apart(extractor: FileExtractor) -> None:
    text = read(extractor, word_97("Heron\x0712\x07\x07Egret\x073\x07\x07After it\r"), b"a.doc").text
    assert lines(text) == ["Heron\t12", "Egret\t3", "After it"]


def test_what_a_document_hides_or_has_deleted_is_no_text(extractor: FileExtractor) -> None:
    deleted, hidden, added = 0x0800, 0x083C, 0x0801
    content = word_97(
        "The gone 𐌲 heron stays, the concealed egret goes, a new stork comes.\r",
        marks={"gone 𐌲 ": deleted, "concealed egret": hidden, "new": added},
    )
    assert [" ".join(line.split()) for line in lines(read(extractor, content, b"a.doc").text)] == [
        "The heron stays, the goes, a new stork comes."
    ]


def test_what_a_document_hides_and_shows_again_is_text(extractor: FileExtractor) -> None:
    changes = struct.pack("<HBHB", 0x083C, 1, 0x083C, 0)
    content = word_97("The grey heron stays.\r", marks={"heron": changes})
    assert read(extractor, content, b"a.doc").text.strip() == "The grey heron stays."


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (word_6("The bitterns’ café\r".encode("cp1252")), b"a.doc", "The bitterns’ café"),
        (word_6("Четыре балла и семь лет\r".encode("cp1251")), b"b.doc", "Четыре балла и семь лет"),
        (word_6("Zażółć gęślą jaźń\r".encode("cp1250"), language=0x0415), b"c.doc", "Zażółć gęślą jaźń"),
        (
            word_6("Вино\aБелое сухое\aКрасное креплёное\a\a".encode("cp1251")),
            b"table.doc",
            "Вино\tБелое сухое\tКрасное креплёное",
        ),
        (word_6("青鷺は飛ぶ\r".encode("utf-16-le"), language=0x0411, magic=0xA697), b"ja.doc", "青鷺は飛ぶ"),
        (
            struct.pack("<6H", 0xA5DB, 45, 0, 0x0409, 0, 0)
            + bytes(12)
            + struct.pack("<II", 64, 80)
            + bytes(32)
            + b"The old bittern\r",
            b"d.doc",
            "The old bittern",
        ),
        (
            b"\x31\xbe\0\0\0\xab" + bytes(8) + struct.pack("<I", 144) + bytes(110) + b"Written bittern\r" + bytes(99),
            b"a.wri",
            "Written bittern",
        ),
    ],
)
def test_documents_of_before_word_97_are_read(
    extractor: FileExtractor, content: bytes, name: bytes, words: str
) -> None:
    assert read(extractor, content, name).text.strip() == words


def test_slides_are_what_the_newest_version_shows(extractor: FileExtractor) -> None:
    content = presentation_97(
        ["A heron stands", "An egret\rflies"], master="Marsh Society", notes="speak slowly", saved_before="A stork"
    )
    document = read(extractor, content, b"a.ppt")
    first, second = (document.text[start:] for start in document.page_starts)
    assert lines(first) == ["A heron stands", "speak slowly", "An egret", "flies", "Marsh Society"]
    assert lines(second) == ["An egret", "flies", "Marsh Society"]


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"\xffWPC" + bytes(99), b"a.doc"), (b"\x09\x04\x06\0" + bytes(99), b"a.xls")],
)
def test_documents_of_programs_that_are_gone_are_not_damaged(
    extractor: FileExtractor, content: bytes, name: bytes
) -> None:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.BINARY


def test_a_document_is_what_its_uppermost_storage_holds(extractor: FileExtractor) -> None:
    inner = compound_file({"ObjectPool/WordDocument": b"\xec\xa5", "Workbook": b"\x09\x08", "Thumbs": b"x"})
    outcome = extractor.extract(compound_file({"ObjectPool/WordDocument": b"\xec\xa5", "Thumbs": b"x"}), name=b"a.pub")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.BINARY
    outcome = extractor.extract(inner, name=b"a.xls")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


@pytest.mark.parametrize("share", range(1, 20))
def test_damaged_documents_end(extractor: FileExtractor, share: int) -> None:
    slides = presentation_97(["A heron stands", "An egret"], master="Marsh", notes="slowly")
    for content, name in ((word_97("A heron\r" * 99, "a note\r"), b"a.doc"), (slides, b"a.ppt")):
        for damaged in (
            content[: len(content) * share // 20],
            content.replace(content[512 + share : 528 + share], b"\xff" * 16),
        ):
            assert isinstance(extractor.extract(damaged, name=name), Document | Unreadable)


def test_a_ring_of_sectors_ends(extractor: FileExtractor) -> None:
    content = bytearray(word_97("A heron\r" * 999))
    table = content.rfind(struct.pack("<I", 1))
    struct.pack_into("<I", content, table, 0)
    assert isinstance(extractor.extract(bytes(content), name=b"a.doc"), Document | Unreadable)


def test_a_field_without_an_end_hides_nothing(extractor: FileExtractor) -> None:
    content = word_97('One \x13 two. See \x13HYPERLINK "https://example.org/"\x14the heron\x15 three\r')
    assert "two. See the heron three" in read(extractor, content, b"a.doc").text


def test_a_document_that_says_it_is_empty_is_read(extractor: FileExtractor) -> None:
    text = "A heron stands here\r"
    content = word_97(text).replace(struct.pack("<I", len(text)) + bytes(28), bytes(32))
    assert read(extractor, content, b"a.doc").text.strip() == text.strip()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (word_6(b"\x93\x81\x94\xa3 unreadable", flags=0x0100), b"a.doc"),
        (
            presentation_97(["\u9381\u94a3"], master="x", notes="y").replace(
                struct.pack("<I", 0xE391C05F), struct.pack("<I", 0xF3D1C4DF)
            ),
            b"a.ppt",
        ),
    ],
)
def test_a_password_is_known_by_the_flag_of_the_program(extractor: FileExtractor, content: bytes, name: bytes) -> None:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.ENCRYPTED


def test_a_slide_that_is_listed_often_is_read_once() -> None:
    listed = record(1011, struct.pack("<IIIII", 2, 0, 0, 256, 0)) * 5000
    document, slide = holder(1000, holder(4080, listed)), holder(1006, shape("heron " * 50_000))
    directory = record(6002, struct.pack("<III", 2 << 20 | 1, 0, len(document)))
    edit = record(4085, struct.pack("<7I", 0, 0, 0, len(document + slide), 1, 0, 0))
    user = struct.pack("<HHIIII", 0, 4086, 0, 0x14, 0xE391C05F, len(document + slide + directory))
    content = compound_file({"PowerPoint Document": document + slide + directory + edit, "Current User": user})
    assert [page.count("heron") for page in read_slides(OleFile(content))] == [50_000]


def test_shapes_in_shapes_are_read_once() -> None:
    text = record(4000, "heron".encode("utf-16-le"))
    headers = (struct.pack("<HHI", 0xF, 0xF004, len(text) + 8 * inside) for inside in reversed(range(50_000)))
    content = compound_file({"PowerPoint Document": holder(1006, b"".join(headers) + text)})
    assert read_slides(OleFile(content)) == ["heron"]


def test_fields_in_fields_without_a_result_end(extractor: FileExtractor) -> None:
    content = word_97("A heron\r" + "\x13\x14" * 300_000 + "\rstands\r")
    assert lines(read(extractor, content, b"a.doc").text) == ["A heron", "stands"]


def test_a_table_of_sectors_is_no_larger_than_its_file_needs() -> None:
    content = bytearray(compound_file({"Heron": b"stands" * 999}))
    start, count = len(content) // 512 - 1, 8000
    struct.pack_into("<I", content, 68, start)
    for number in range(start + 1, start + count + 1):
        content += struct.pack("<128I", *[0] * 127, number)
    tracemalloc.start()
    try:
        assert OleFile(bytes(content)).read("Heron") == b"stands" * 999
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
