"""Drawings of Windows are found by their texts, as files and in documents."""

from __future__ import annotations

import gzip
import struct

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.metafiles import drawn, emf, moved, wmf
from tests.plugins.ole import word_97
from tests.plugins.pictures import members, presentation_of, word_document_of

PUMP = emf((0, 0, "Feed pump"), (0, 40, "Boiler"))


def test_texts_of_a_drawing_are_lines(extractor: FileExtractor) -> None:
    assert read(extractor, PUMP, b"plan.emf").text.split("\n") == ["Feed pump", "Boiler"]


def test_letters_and_words_of_a_line_are_put_together(extractor: FileExtractor) -> None:
    content = emf(
        *((10 * place, 0, letter) for place, letter in enumerate("Boiler")),
        (70, 0, "room"),
        (300, 0, "Chimney"),
        (0, 50, "Cellar"),
    )
    assert read(extractor, content, b"plan.emf").text.split("\n") == ["Boiler room", "Chimney", "Cellar"]


def test_texts_stand_where_they_are_moved_to(extractor: FileExtractor) -> None:
    content = emf((0, 0, "Feed"), records=moved(0, 0))[:-20] + emf((0, 0, "pump"), records=moved(50, 0))[100:]
    assert read(extractor, content, b"plan.emf").text == "Feed pump"


@pytest.mark.parametrize("placeable", [True, False])
def test_letters_of_old_drawings_have_the_charset_of_their_font(extractor: FileExtractor, *, placeable: bool) -> None:
    content = wmf(
        [
            (0, [(0, 0, b"Kessel f\xfcr")]),
            (204, [(0, 50, "\u043a\u043e\u0442\u0451\u043b".encode("cp1251"))]),
            (2, [(0, 90, b"abcdef")]),
        ],
        placeable=placeable,
    )
    assert read(extractor, content, b"plan.wmf").text.split("\n") == [
        "Kessel f\u00fcr",
        "\u043a\u043e\u0442\u0451\u043b",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.docx", members({
            "[Content_Types].xml": "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>",
            "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            "<w:body><w:p><w:r><w:t>The heating</w:t></w:r></w:p></w:body></w:document>",
            "word/media/image1.emf": PUMP,
        })),
        (b"a.pptx", presentation_of(("The heating", []), more={"ppt/media/image1.emf": PUMP})),
        (b"a.pptx", presentation_of(("The heating", []), more={"ppt/media/image1.emz": gzip.compress(PUMP)})),
        (b"a.doc", word_97("The heating\r", streams={"Data": bytes(68) + drawn(PUMP)})),
        (b"a.rtf", rb"{\rtf1 The heating\par {\pict\emfblip\picw100 " + PUMP.hex().encode() + b"}}"),
    ],
)  # fmt: skip
def test_a_drawing_in_a_document_is_found_by_its_texts(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    text = read(extractor, content, name).text
    assert text.index("The heating") < text.index("Feed pump") < text.index("Boiler")
    assert text.count("Boiler") == 1


def test_a_damaged_drawing_in_a_document_costs_its_own_texts(extractor: FileExtractor) -> None:
    packed = gzip.compress(PUMP)
    more = {"ppt/media/image1.emz": packed[:12] + b"?" * 40, "ppt/media/image2.emf": PUMP[:100], "ppt/media/a.wmz": b""}
    document = read(extractor, presentation_of(("The heating", []), more=more), b"a.pptx")
    assert (document.text.split(), document.pictures) == (["The", "heating"], ())


def test_a_preview_of_what_the_document_says_is_not_read_again(extractor: FileExtractor) -> None:
    preview = emf((0, 0, "Feed pump"))
    content = presentation_of(("Feed pump", []), more={"ppt/media/image1.emf": preview})
    assert read(extractor, content, b"a.pptx").text.count("Feed pump") == 1


@pytest.mark.parametrize(
    "content",
    [
        emf((0, 0, "x"), (20, 0, "2"), (9, 40, "dx")),
        emf((0, 0, "Boiler"), options=0x10),
        PUMP[:110],
        PUMP[:100] + b"\0" * 64,
        PUMP[:100] + struct.pack("<II", 84, 0xFFFFFFF8) + bytes(80),
        wmf([(0, [])]),
        b"\1\0\x09\0\0\3",
    ],
)
def test_what_is_no_text_is_not_read(extractor: FileExtractor, content: bytes) -> None:
    outcome = extractor.extract(content, name=b"plan.emf")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason in {SkipReason.NO_TEXT, SkipReason.BINARY}


def test_a_damaged_drawing_keeps_the_texts_before_the_damage(extractor: FileExtractor) -> None:
    assert read(extractor, PUMP[:-100], b"plan.emf").text == "Feed pump"
    content = word_document_of("The heating", PUMP[:50])
    assert read(extractor, content, b"a.docx").text.strip() == "The heating"
