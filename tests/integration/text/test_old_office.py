"""Documents of Word and PowerPoint of before 2007 are read as a person sees them."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.office.drawn_words import drawn_words
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.slide_files import read_slides
from tests.integration.text.reading import read
from tests.plugins.excel import properties
from tests.plugins.ole import (
    compound_file,
    drawn_word,
    holder,
    presentation_97,
    record,
    shape,
    streams_of_presentation,
    word_6,
    word_97,
)
from tests.plugins.pictures import word_document_of


def lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.split("\n")) if line]


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


def hangul(text: str, *, flags: int = 1) -> bytes:
    """A document of Hangul 5, whose first paragraph begins with a control of eight characters."""
    data = ("\x02" + "secd!!!" + text + "\r").encode("utf-16-le")
    section = zlib.compressobj(wbits=-15)
    packed = section.compress(struct.pack("<II", 67 | 0xFFF << 20, len(data)) + data) + section.flush()
    header = b"HWP Document File".ljust(36, b"\0") + struct.pack("<I", flags)
    return compound_file({"FileHeader": header, "BodyText/Section0": packed, "PrvText": "미리".encode("utf-16-le")})


def test_hangul_documents_are_read(extractor: FileExtractor) -> None:
    assert read(extractor, hangul("서울의 날씨"), b"a.hwp").text.strip() == "서울의 날씨"
    locked = read(extractor, hangul("서울의 날씨", flags=5), b"a.hwp")
    assert locked.text == "미리"
    assert "encrypted" in str(locked.unread_parts)
    outcome = extractor.extract(hangul("서울의 날씨", flags=3), name=b"a.hwp")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.ENCRYPTED


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


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (rb"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset238 Arial CE;}}\f1\'c8l\'e1nek \f0caf\'e9", "Článek café"),
        (rb"{\fonttbl{\f0\fcharset128 \'82l\'82r;}}\f0\'8c\'9f\'8d\'f5", "検索"),
        (rb"{\fonttbl{\f0\fcharset134 Song;}}\f0\uc2\u24565\'c4\'ee \'c4\'ea", "念 年"),
        (rb"{\fonttbl{\f0\fcharset2 Symbol;}{\f1 Arial;}}{\f0\'b7\tab}\f1 one", "•\tone"),
        (rb"Fax{\cell}Phone\cell\row After", "Fax\tPhone\t\nAfter"),
        (rb"shown{\v  hidden} again\v  gone\v0", "shown again"),
        (rb"kept {\deleted\revauthdel1 gone}and \deleted away\deleted0 here", "kept and here"),
        (rb"{\pict\pngblip 89504e47}{\*\blipuid 99}{\upr{ansi}{\*\ud{\u1103?}}} {\pict\bin5 }}}}}x", "я"),
        (rb"non\_breaking\~space and soft\-hyphen\emdash", "non-breaking\xa0space and softhyphen—"),
    ],
)
def test_rtf_is_read_as_it_is_shown(extractor: FileExtractor, written: bytes, shown: str) -> None:
    content = rb"{\rtf1\ansi\ansicpg1252\uc1\deff0 " + written + rb"\par}"
    assert read(extractor, content, b"a.rtf").text.strip() == shown


def test_the_author_and_the_headers_of_rtf_are_read(extractor: FileExtractor) -> None:
    content = (
        rb"{\rtf1\ansi{\info{\title Heron}{\author Axel D\'f6rfler}}{\header The Marsh\par}{\footer Page {\field"
        rb"{\*\fldinst PAGE}{\fldrslt 1}}\par}The text{\super 1{\footnote a note}} goes on\par}"
    )
    document = read(extractor, content, b"a.rtf")
    assert (document.title, document.author) == ("Heron", "Axel Dörfler")
    assert lines(document.text) == ["The text1 goes on", "The Marsh", "Page 1", "a note"]


def test_text_behind_a_style_of_letters_is_read(extractor: FileExtractor) -> None:
    content = (
        rb"{\rtf1\ansi{\stylesheet{\*\cs7 Teletype;}}{\f2\i0\*\cs7\cf0 The weir}{\*\cs7  is steep}{\*\other not shown}"
        b"{\n\\*\\other nor this}\\par}"
    )
    assert lines(read(extractor, content, b"a.rtf").text) == ["The weir is steep"]


def test_footnotes_of_rtf_that_old_programs_skip_are_read(extractor: FileExtractor) -> None:
    content = (
        rb"{\rtf1\ansi The weir{\super\chftn}{\*\footnote\chftn\~\plain\pard{\pard\ql built in 1774\par}{\pard and"
        rb" mended since\par}} is steep\par{\*\bookmarkstart hidden}}"
    )
    assert lines(read(extractor, content, b"a.rtf").text) == ["The weir is steep", "built in 1774", "and mended since"]


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


def test_a_file_with_a_header_of_another_program_is_no_hangul_document(extractor: FileExtractor) -> None:
    outcome = extractor.extract(compound_file({"FileHeader": b"|HEADER=Schematic|" * 9}), name=b"a.SchDoc")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.BINARY


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


def test_words_that_are_drawn_as_shapes_are_read(extractor: FileExtractor) -> None:
    parts = [
        holder(1000, holder(4080, record(1011, struct.pack("<IIIII", 2, 0, 0, 256, 0)))),
        holder(1006, holder(0xF004, drawn_word("Summer fête\r\nat the quay")), shape("bring a cake")),
    ]
    slides = compound_file(streams_of_presentation(parts))
    letter = word_97("see below\r", streams={"0Table": bytes(99) + drawn_word("DRAFT"), "Data": drawn_word("Fête")})
    in_pict = '<w:r><w:pict><v:shape><v:textpath string="{}"/></v:shape></w:pict></w:r>'
    namespaces = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:v="v"'
    header = f"<w:hdr {namespaces}><w:p>{in_pict.format('CONFIDENTIAL')}</w:p></w:hdr>"
    later = word_document_of("see below", more={"word/header1.xml": header.encode()})
    assert lines(read(extractor, slides, b"a.ppt").text) == ["Summer fête", "at the quay", "bring a cake"]
    assert lines(read(extractor, letter, b"a.doc").text) == ["see below", "DRAFT", "Fête"]
    assert lines(read(extractor, later, b"a.docx").text) == ["see below", "CONFIDENTIAL"]


def test_damaged_properties_of_shapes_have_no_words() -> None:
    whole = drawn_word("DRAFT CONTRACT")
    assert list(drawn_words(b"\x03" * 7 + whole)) == ["DRAFT CONTRACT"]
    for damaged in (whole[:-40], whole[:9], whole[:8] + b"\xff" * 60, b"\xf3\xff" + whole[2:]):
        assert list(drawn_words(damaged)) == []


def test_many_false_properties_of_shapes_take_no_time() -> None:
    false = b"\xf3\xff\x0b\xf0" + struct.pack("<I", 4095 * 6)
    value = "DRAFT ".encode("utf-16-le") * 300
    inside = record(0xF00B, struct.pack("<HI", 0xC0C0, len(value)), instance=1, version=3) * 20_000 + value
    whole = record(0xF00B, struct.pack("<HI", 0x00FF, 1) + inside, instance=1, version=3)
    started = time.process_time()
    assert list(drawn_words(false * 200_000 + bytes(30_000) + drawn_word("DRAFT"))) == ["DRAFT"]
    assert list(drawn_words(whole + drawn_word("DRAFT"))) == ["DRAFT"]
    assert time.process_time() - started < 5


def test_words_that_are_drawn_as_shapes_in_rtf_are_read(extractor: FileExtractor) -> None:
    properties = (
        rb"{\sp{\sn rotation}{\sv 90}}{\sp{\sn gtextUNICODE}{\sv F\u234 ?te \'e0 midi}}{\sp{\sn gtextFont}{\sv Arial}}"
    )
    content = rb"{\rtf1\ansi see {\shp{\*\shpinst\shpleft0" + properties + rb"{\shptxt\par}}}below\par}"
    assert lines(read(extractor, content, b"a.rtf").text) == ["see below", "Fête à midi"]


def test_forms_of_lists_of_rtf_are_no_text(extractor: FileExtractor) -> None:
    levels = rb"{\listlevel\levelnfc0{\leveltext \'02\'00.}{\levelnumbers \'01}}{\listname List1382206859;}"
    assert lines(read(extractor, rb"{\rtf1\ansi{\list" + levels + rb"}see below\par}", b"a.rtf").text) == ["see below"]
