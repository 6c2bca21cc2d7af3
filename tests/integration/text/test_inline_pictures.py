"""Pictures that stand in a document itself, and not as files in a container, are recognised as all others."""

from __future__ import annotations

import base64
import gzip
import json
import mailbox
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from magicfs.domain.contents import Document, Gap, PageText
from magicfs.text.extract.documents.found_pictures import MAX_LOOKED_AT, MAX_PICTURES
from magicfs.text.extract.documents.picture_texts import with_picture_texts
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read
from tests.plugins.inline_pictures import (
    bitmap_of,
    data_url,
    flat_opendocument_of,
    old_document_of,
    old_presentation_of,
    old_workbook_of,
    page_of,
    rtf_of,
)
from tests.plugins.metafiles import drawn, emf_of, wmf_of
from tests.plugins.ole import word_97
from tests.plugins.pictures import picture_of, word_document_of
from tests.plugins.programs import needs

pytestmark = needs("tesseract")

MARMALADE = picture_of("Marmalade needs bitter oranges")
HERON = picture_of("The heron waits at the river", image_format="JPEG")
LANTERN = picture_of("A lantern hangs above the gate")


@pytest.fixture(scope="module")
def reader() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=300), ocr=find_ocr()) as opened:
        yield opened


def whole(reader: FileExtractor, content: bytes, name: bytes) -> Document:
    """The document with the texts of its pictures, when no turn is left."""
    texts: dict[int, PageText] = {}
    while True:
        outcome = reader.go_on(content, kind=reader.kind(content, name=name), page_texts=texts)
        assert isinstance(outcome, Document), outcome
        texts = dict(outcome.page_texts)
        if not outcome.pending_pages:
            return with_picture_texts(outcome, {number: text.text for number, text in texts.items()})


def book_of_two(words: str) -> bytes:
    binaries = "".join(
        f'<binary id="p{number}" content-type="image/png">{base64.b64encode(picture).decode()}</binary>'
        for number, picture in enumerate((MARMALADE, HERON))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0">'
        f"<body><section><p>{words}</p></section></body>{binaries}</FictionBook>"
    ).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.html", page_of("Breakfast at noon", MARMALADE, HERON)),
        (b"a.rtf", rtf_of("Breakfast at noon", MARMALADE, HERON)),
        (b"a.doc", old_document_of("Breakfast at noon\r", MARMALADE, HERON)),
        (b"a.xls", old_workbook_of("Breakfast at noon", MARMALADE, HERON)),
        (b"a.fodt", flat_opendocument_of("Breakfast at noon", MARMALADE, HERON)),
        (b"a.fb2", book_of_two("Breakfast at noon")),
    ],
)
def test_pictures_in_a_document_follow_its_text(reader: FileExtractor, name: bytes, content: bytes) -> None:
    document = read(reader, content, name)
    assert (document.pending_pages, "bitter" in document.text) == ((1, 2), False)
    text = whole(reader, content, name).text
    assert text.index("Breakfast at noon") < text.index("Marmalade needs bitter") < text.index("heron waits")
    # Its data are no text, and the picture is the same as in any other document.
    assert max(map(len, text.split())) < 60
    assert document.pictures == read(reader, word_document_of("Breakfast", MARMALADE, HERON), b"a.docx").pictures


def test_pictures_of_old_slides_have_their_numbers(reader: FileExtractor) -> None:
    content = old_presentation_of(("Breakfast", [HERON]), ("Hall", []), ("Garden", [MARMALADE, HERON]))
    document = read(reader, content, b"a.ppt")
    assert [picture.page for picture in document.pictures] == [1, 3]
    text = whole(reader, content, b"a.ppt").text
    assert text.split() == "Breakfast The heron waits at the river Hall Garden Marmalade needs bitter oranges".split()


def test_bitmaps_are_read(reader: FileExtractor) -> None:
    content = rtf_of("Breakfast", MARMALADE, HERON, LANTERN)
    assert "lantern hangs" in whole(reader, content, b"a.rtf").text
    content = old_document_of("Breakfast\r", bitmap_of(LANTERN))
    assert "lantern hangs" in whole(reader, content, b"a.doc").text


def test_pictures_in_drawings_of_windows_are_read(reader: FileExtractor) -> None:
    bitmap = bitmap_of(LANTERN)
    head_bytes = len(bitmap) - 800 * 240
    drawing = emf_of(bitmap, head_bytes=head_bytes)
    for name, content in (
        (b"a.rtf", rb"{\rtf1 Breakfast{\pict\wmetafile8\picw800 " + wmf_of(bitmap).hex().encode() + b"}}"),
        (b"a.doc", word_97("Breakfast\r", streams={"Data": bytes(68) + drawn(drawing)})),
        (b"a.docx", word_document_of("Breakfast", more={"word/media/image1.emf": drawing})),
        (b"a.docx", word_document_of("Breakfast", more={"word/media/image1.wmz": gzip.compress(wmf_of(bitmap))})),
    ):
        text = whole(reader, content, name).text
        assert text.index("Breakfast") < text.index("lantern hangs")


@pytest.mark.parametrize(("icons", "pictures"), [(10, 1), (MAX_LOOKED_AT, 0)])
def test_a_drawing_of_many_icons_takes_no_time(reader: FileExtractor, icons: int, pictures: int) -> None:
    icon = bitmap_of(picture_of("", size=(90, 36)))
    parts = {"word/media/image1.emf": emf_of(*[icon] * icons, head_bytes=40), "word/media/image2.png": LANTERN}
    document = read(reader, word_document_of("Breakfast", more=parts), b"a.docx")
    assert (document.text, len(document.pictures)) == ("Breakfast", pictures)


def test_pictures_in_a_notebook_are_read(reader: FileExtractor) -> None:
    pasted, shown, old = (base64.encodebytes(picture).decode() for picture in (MARMALADE, HERON, LANTERN))
    cells = [
        {"cell_type": "markdown", "source": "Breakfast", "attachments": {"a.png": {"image/png": pasted}}},
        {"cell_type": "code", "source": "show()", "outputs": [{"output_type": "display_data", "data": {
            "image/jpeg": shown.replace("\n", ""), "text/plain": "a figure"}}]},
        {"cell_type": "code", "source": "1", "outputs": [{"output_type": "display_data", "png": old}]},
    ]  # fmt: skip
    content = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, indent=1).encode()
    document = read(reader, content, b"a.ipynb")
    assert (document.text.split(), len(document.pictures)) == (["Breakfast", "show()", "a", "figure", "1"], 3)
    text = whole(reader, content, b"a.ipynb").text
    places = [text.index(words) for words in ("a figure", "bitter oranges", "heron waits", "lantern hangs")]
    assert places == sorted(places)


def test_a_picture_that_word_writes_twice_is_read_once(reader: FileExtractor) -> None:
    properties = rb"{\*\picprop{\sp{\sn n}{\sv v}}}\picw800\pich240"
    twice = rb"{\*\shppict{\pict%b\pngblip %b}}{\nonshppict {\pict%b\wmetafile8\bliptag5 %b}}"
    written = [properties, LANTERN.hex().encode(), properties, wmf_of(bitmap_of(LANTERN)).hex().encode()]
    content = rb"{\rtf1 Breakfast" + twice % tuple(written) + b"}"
    assert len(read(reader, content, b"a.rtf").pictures) == 1
    assert whole(reader, content, b"a.rtf").text.count("lantern hangs") == 1


def test_a_page_keeps_what_stands_beside_its_pictures(reader: FileExtractor) -> None:
    document = read(reader, page_of("Breakfast", MARMALADE, HERON), b"a.html")
    assert (document.title, document.text.split()) == ("Saved", ["Breakfast", "shown"])
    assert document.encoded_characters > len(MARMALADE) + len(HERON)


def test_the_beginning_of_a_picture_may_be_an_example(reader: FileExtractor) -> None:
    page = page_of("An address begins with data:image/png;base64,iVBORw0KGgo as here", MARMALADE, HERON)
    assert "data:image/png;base64,iVBORw0KGgo as here" in read(reader, page, b"a.html").text


def test_pictures_of_a_mailbox_stand_in_their_messages(reader: FileExtractor, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "a.mbox")
    for subject, picture in (("Breakfast", MARMALADE), ("Hall", None), ("Garden", HERON)):
        message = EmailMessage()
        message["Subject"], message["From"] = subject, "ann@example.org"
        message.set_content("See below.")
        if picture is not None:
            message.add_attachment(picture, maintype="image", subtype="png", filename="shot.png")
        box.add(message)
    box.close()
    content = (tmp_path / "a.mbox").read_bytes()
    document = read(reader, content, b"a.mbox")
    assert sorted(picture.page or 0 for picture in document.pictures) == [1, 3]
    complete = whole(reader, content, b"a.mbox")
    pages = [
        complete.text[start:end]
        for start, end in zip(complete.page_starts, [*complete.page_starts[1:], None], strict=True)
    ]
    assert ["bitter oranges" in page for page in pages] == [True, False, False]
    assert ["heron waits" in page for page in pages] == [False, False, True]


def test_pictures_of_messages_that_are_too_many_are_left_out() -> None:
    messages = []
    for subject, picture in (("Breakfast", MARMALADE), ("Hall", HERON), ("Garden", None)):
        message = EmailMessage()
        message["Subject"], message["From"] = subject, "ann@example.org"
        message.set_content("See below. " * 100)
        if picture is not None:
            message.add_attachment(picture, maintype="image", subtype="png", filename="shot.png")
        messages.append(b"From ann@example.org Mon Jun 10 10:00:00 2024\n" + message.as_bytes() + b"\n")
    content = b"".join(messages)
    with FileExtractor(limits=Limits(seconds=300, text_bytes=3000), ocr=find_ocr()) as reader:
        document = read(reader, content, b"a.mbox")
        assert (document.first_page, [picture.page for picture in document.pictures]) == (2, [1])
        text = whole(reader, content, b"a.mbox").text
    assert text.index("Hall") < text.index("heron waits") < text.index("Garden")
    assert "bitter" not in text


def test_a_picture_behind_an_attached_book_follows_those_in_the_book(reader: FileExtractor) -> None:
    message = EmailMessage()
    message["Subject"] = "Breakfast"
    message.set_content("See below.")
    for content, name in ((book_of_two("A book"), "a.fb2"), (LANTERN, "b.png")):
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    document = whole(reader, message.as_bytes(), b"a.eml")
    assert len(document.pictures) == 3
    assert document.text.index("bitter oranges") < document.text.index("lantern hangs")


def test_pictures_in_the_page_of_a_message_are_read(reader: FileExtractor) -> None:
    message = EmailMessage()
    message["Subject"] = "Breakfast"
    message.set_content(page_of("Dear Ann", MARMALADE, HERON).decode(), subtype="html")
    text = whole(reader, message.as_bytes(), b"a.eml").text
    assert text.index("Dear Ann") < text.index("bitter oranges") < text.index("heron waits")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.html", page_of("Breakfast", MARMALADE[:900], HERON)),
        (b"a.html", b"<p>Breakfast" + b"<img src='data:image/png;base64,A'>" * 5 + page_of("", b"x" * 900, HERON)),
        (b"a.rtf", rtf_of("Breakfast", MARMALADE[:900], HERON)),
        (b"a.doc", old_document_of("Breakfast\r", MARMALADE[:900], HERON)),
        (b"a.doc", old_document_of("Breakfast\r", b"\x28" + b"\xff" * 60, b"\x89PNG", HERON)),
        (b"a.ppt", old_presentation_of(("Breakfast", [MARMALADE[:900], HERON]))),
    ],
)
def test_a_damaged_picture_costs_its_own_text_alone(reader: FileExtractor, name: bytes, content: bytes) -> None:
    text = whole(reader, content, name).text
    assert text.index("Breakfast") < text.index("heron waits")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.rtf", rb"{\rtf1 Breakfast{\pict\pngblip\bin4000000000 }{\pict\dibitmap0 " + b"ff" * 200 + b"}"),
        (b"a.rtf", rb"{\rtf1 Breakfast" + rb"{\pict\pngblip\picw1" * 50_000),
        (b"a.doc", old_document_of("Breakfast\r", b"\x89PNG" + bytes(3000))),
        (b"a.doc", old_document_of("Breakfast\r", b"\x89PNG" + b"\0\x6e\x1e\xf0\xff\xff\xff\x7f" * 300_000)),
    ],
)
def test_hostile_pictures_cost_no_text(reader: FileExtractor, name: bytes, content: bytes) -> None:
    assert "Breakfast" in read(reader, content, name).text


def test_of_a_page_with_hundreds_of_pictures_the_first_ones_are_read(reader: FileExtractor) -> None:
    shown = "".join(f'<img src="{data_url(picture_of(str(number), size=(100, 40)))}">' for number in range(300))
    document = read(reader, f"<html><body><p>Breakfast</p>{shown}</body></html>".encode(), b"a.html")
    assert (len(document.pictures), document.text.split()) == (MAX_PICTURES, ["Breakfast"])


def test_pictures_of_a_part_of_a_file_do_not_wait(reader: FileExtractor) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "Breakfast", "ann@example.org"
    message.add_attachment(MARMALADE, maintype="image", subtype="png", filename="shot.png")
    content = message.as_bytes()
    outcome = reader.extract(content, name=b"a.eml", gap=Gap(len(content), 1 << 20, 0))
    assert isinstance(outcome, Document)
    assert (outcome.pictures, outcome.pending_pages) == ((), ())
