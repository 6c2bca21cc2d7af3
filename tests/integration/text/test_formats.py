"""Files of many formats end as text or with the right reason."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from magicfs.text.extract.options import Limits
from tests.plugins.documents import container, fiction_book
from tests.plugins.office_files import BODY, docx, opendocument
from tests.plugins.programs import needs


def document(outcome: Document | Unreadable) -> Document:
    assert isinstance(outcome, Document), outcome
    return outcome


def test_empty_and_blank_files_have_no_text(extractor: FileExtractor) -> None:
    assert extractor.extract(b"", name=b"a.txt") == Unreadable(SkipReason.EMPTY)
    outcome = extractor.extract(b" \n\t \r\n", name=b"a.txt")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.NO_TEXT


def test_plain_text_is_not_changed(extractor: FileExtractor) -> None:
    text = "{\n  'a': 1,\n\n\t'b': [2]\n}\n"
    assert document(extractor.extract(text.encode(), name=b"a.json")).text == text


@pytest.mark.parametrize("name", [b"a.txt", b"a.html"], ids=["plain", "parsed"])
def test_a_text_beyond_the_limit_says_how_much_was_cut(name: bytes) -> None:
    lines = [f"line {number}" for number in range(100)]
    content = "\n".join(lines) if name == b"a.txt" else f"<pre>{chr(10).join(lines)}</pre>"
    with FileExtractor(limits=Limits(seconds=60, text_bytes=500)) as reader:
        found = document(reader.extract(content.encode(), name=name))
    left_out, kept = ("line 45", "line 99") if name == b"a.txt" else ("line 99", "line 45")
    assert left_out not in found.text
    assert kept in found.text, "of a plain text, the end is kept too"
    assert len(found.text.encode()) <= 500
    assert found.cut_bytes >= len("\n".join(lines)) - 500


def test_a_whole_text_has_nothing_cut(extractor: FileExtractor) -> None:
    assert document(extractor.extract(b"all of it", name=b"a.txt")).cut_bytes == 0


def test_a_web_page(extractor: FileExtractor) -> None:
    page = """<html lang="de"><head><meta charset="windows-1252"><title>Prüfung</title><style>p {}</style></head>
    <body><h1>Größe</h1><p>Ein <a href="http://x/y">schöner <b>Satz</b></a> f(**kw)</p><script>no()</script></body>"""
    found = document(extractor.extract(page.encode("cp1252"), name=b"a.html"))
    assert found.title == "Prüfung"
    assert found.mime_type == "text/html"
    assert "Ein schöner Satz f(**kw)" in found.text
    assert "no()" not in found.text
    assert "http" not in found.text


def test_a_notebook(extractor: FileExtractor) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Analysis\n", "of tides"]},
        {"cell_type": "code", "metadata": {}, "source": ["import math"], "outputs": [], "execution_count": None},
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    text = document(extractor.extract(json.dumps(notebook).encode(), name=b"a.ipynb")).text
    assert "of tides" in text
    assert "import math" in text
    assert "cell_type" not in text


def test_markup_that_does_not_parse_is_plain_text(extractor: FileExtractor) -> None:
    found = document(extractor.extract(b"{ not a notebook, but words", name=b"a.ipynb"))
    assert found.text == "{ not a notebook, but words"


def test_mail_has_subject_sender_and_body(extractor: FileExtractor) -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße aus Köln"
    message["From"] = "Ann <ann@example.org>"
    message["To"] = "bob@example.org"
    message["Date"] = "Fri, 16 Dec 2022 17:04:16 -0500"
    message.set_content("Schöne Woche!", charset="iso-8859-1")
    found = document(extractor.extract(message.as_bytes(), name=b"a.eml"))
    assert "Schöne Woche!" in found.text
    assert found.title == "Grüße aus Köln"
    assert found.author is not None
    assert "ann@example.org" in found.author


def test_only_the_texts_of_a_drawing_are_read(extractor: FileExtractor) -> None:
    shapes = b'<path d="M0 0"/><text>Ac<tspan>me</tspan></text>'
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><title>Logo</title>' + shapes + b"</svg>"
    found = document(extractor.extract(drawing, name=b"a.svg"))
    assert (found.title, found.text) == ("Logo", "Logo\nAcme")


def test_a_presentation_knows_its_pages(extractor: FileExtractor) -> None:
    body = (
        '<o xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
        "<draw:page><text:p>First<text:s/>slide</text:p></draw:page>"
        "<draw:page><text:h>Second <text:span>slide</text:span></text:h><text:p/></draw:page></o>"
    )
    content = opendocument("presentation", body)
    found = document(extractor.extract(content, name=b"a.odp"))
    assert [found.text[start:].split("\n")[0] for start in found.page_starts] == ["First slide", "Second slide"]


def test_an_image_without_text_recognition(extractor: FileExtractor) -> None:
    outcome = extractor.extract(b"\x89PNG\r\n\x1a\n....", name=b"a.png")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.NEEDS_OCR


@needs("tesseract")
def test_text_in_an_image(format_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with FileExtractor(limits=Limits(seconds=60), ocr=find_ocr()) as reader:
        found = document(reader.extract((format_files / "files" / "ocr-text.png").read_bytes(), name=b"a.png"))
        assert "contains some words" in found.text
        assert list(tmp_path.iterdir()) == [], "the text of an image is kept nowhere"


def test_nothing_stays_in_the_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = b"BT /F1 9 Tf 9 9 Td (the tide turns) Tj ET"
    pdf = (
        b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"
        b"4 0 obj<</Length 41>>stream\n" + words + b"\nendstream endobj\n"
        b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with FileExtractor(limits=Limits(seconds=60)) as reader:
        assert "the tide turns" in document(reader.extract(pdf, name=b"a.pdf")).text
        assert list(tmp_path.iterdir()) == []


def test_a_long_text_is_cut_at_a_line() -> None:
    with FileExtractor(limits=Limits(text_bytes=1000)) as reader:
        found = document(reader.extract(b"forty letters of text, or about so many\n" * 100, name=b"a.txt"))
        assert len(found.text) == 1000
        page = document(reader.extract(b"<p>forty letters of text, or about so many</p>\n" * 100, name=b"a.html"))
        assert 900 < len(page.text) <= 1000


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        (b"a.md", "intro\n\n# The Title #\n", "The Title"),
        (b"a.md", "---\nlayout: x\ntitle: 'Front'\n---\n# Other\n", "Front"),
        (b"a.md", "Under\n=====\n", "Under"),
        (b"a.md", "no title", None),
        (b"a.rst", "Example Docs\n============\n\ntext", "Example Docs"),
        (b"a.tex", "\\title{On Tides}\n", "On Tides"),
        (b"a.txt", "# not a title\n", None),
    ],
)
def test_titles(extractor: FileExtractor, name: bytes, text: str, title: str | None) -> None:
    assert document(extractor.extract(text.encode(), name=name)).title == title


def test_tabs_of_word_stand_between_words(extractor: FileExtractor) -> None:
    tabs = '<w:pPr><w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs></w:pPr>'
    runs = "<w:r><w:t>Name</w:t></w:r><w:r><w:tab/></w:r><w:r><w:t>Ottoline</w:t><w:tab /><w:t>1921</w:t></w:r>"
    found = document(extractor.extract(docx(BODY.format(f"<w:p>{tabs}{runs}</w:p>")), name=b"a.docx"))
    assert found.text.split() == ["Name", "Ottoline", "1921"]


def test_blanks_of_opendocument_stand_between_words(extractor: FileExtractor) -> None:
    body = (
        '<o xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><office:body><office:text>'
        '<text:p>a lamp<text:s/>glows<text:s text:c="2"/>at<text:tab/>night</text:p></office:text></office:body></o>'
    )
    found = document(extractor.extract(opendocument("text", body), name=b"a.odt"))
    assert found.text.split() == ["a", "lamp", "glows", "at", "night"]


def book_of(body: str) -> bytes:
    """A book in EPUB of one page."""
    return container(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="a.opf"/></rootfiles></container>',
            "a.opf": '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
            "a.xhtml": f"<html><body>{body}</body></html>",
        }
    )


def test_signs_of_notes_stand_in_no_sentence_of_a_book(extractor: FileExtractor) -> None:
    note = '<a l:href="#n1" type="note">[1]</a>'
    fiction = fiction_book("the harbour", keywords="").replace(b"harbour", f"harbour{note} sleeps".encode())
    assert "the harbour sleeps" in document(extractor.extract(fiction, name=b"a.fb2")).text
    book = book_of('<p>the harbour<sup><a href="n.xhtml#n1">1</a></sup> sleeps</p>')
    assert document(extractor.extract(book, name=b"a.epub")).text.strip() == "the harbour sleeps"


@pytest.mark.parametrize("end", ["<br/>", '<br class="a" />\n', "</p><p>"])
def test_an_end_of_a_line_joins_no_words_of_a_book(extractor: FileExtractor, end: str) -> None:
    table = f"<table><tr><td><p>the tide{end}turns</p></td><th><p>low{end}water</p></th></tr></table>"
    heading = "" if "p" in end else f"<h2>The harbour{end}sleeps</h2>"
    found = document(extractor.extract(book_of(f"{heading}<p>a lamp{end}glows</p>{table}"), name=b"a.epub"))
    words = "The harbour sleeps a lamp glows the tide turns low water".split()
    assert found.text.split() == (words if heading else words[3:])
    assert found.headings == (((1, 2),) if heading else ())
    assert "lamp glows" not in found.text
