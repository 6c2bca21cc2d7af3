"""Slides of presentations are pages, each with its notes."""

from __future__ import annotations

import io
import zipfile
from itertools import pairwise

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import DRAWING, SLIDE, container, presentation


def pages_of(document: Document) -> list[list[str]]:
    places = pairwise([*document.page_starts, len(document.text)])
    return [list(filter(None, document.text[start:end].split("\n"))) for start, end in places]


def with_member(content: bytes, name: str, text: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member: archive.read(member).decode() for member in archive.namelist()}
    return container(members | {name: text})


def test_slides_begin_where_they_do_although_there_are_notes(extractor: FileExtractor) -> None:
    content = presentation("Größere Brücken", "Don’t overload", "Später — mehr", notes="Zuerst „grüßen“")
    assert pages_of(read(extractor, content, b"a.pptx")) == [
        ["Größere Brücken", "Zuerst „grüßen“"],
        ["Don’t overload"],
        ["Später — mehr"],
    ]


def test_a_row_of_a_table_is_a_line(extractor: FileExtractor) -> None:
    def cell(*words: str) -> str:
        paragraphs = "".join(f"<a:p><a:r><a:t>{word}</a:t></a:r></a:p>" for word in words)
        return f"<a:tc><a:txBody>{paragraphs}</a:txBody></a:tc>"

    table = f"<a:tbl><a:tr>{cell('wheat')}{cell('3', 'tons')}</a:tr><a:tr>{cell('rye')}{cell('5')}</a:tr></a:tbl>"
    slide = f"<p:sld {SLIDE} {DRAWING}><p:cSld><p:spTree>{table}</p:spTree></p:cSld></p:sld>"
    content = with_member(presentation("", notes=""), "ppt/slides/slide1.xml", slide)
    assert pages_of(read(extractor, content, b"a.pptx")) == [["wheat\t3 tons", "rye\t5"]]


def test_a_text_in_two_forms_and_a_number_of_a_slide_are_not_read_twice(extractor: FileExtractor) -> None:
    def box(words: str) -> str:
        return f"<p:sp><p:txBody><a:p>{words}</a:p></p:txBody></p:sp>"

    run = "<a:r><a:t>bitterns</a:t></a:r>"
    forms = (
        '<mc:AlternateContent xmlns:mc="mc"><mc:Choice Requires="a14">' + box(run) + "</mc:Choice><mc:Fallback>"
        f"{box(run)}</mc:Fallback></mc:AlternateContent>"
    )
    number = box('<a:fld id="{1}" type="slidenum"><a:t>7</a:t></a:fld>')
    slide = f"<p:sld {SLIDE} {DRAWING}><p:cSld><p:spTree>{forms}{number}</p:spTree></p:cSld></p:sld>"
    content = with_member(presentation("", notes=""), "ppt/slides/slide1.xml", slide)
    assert pages_of(read(extractor, content, b"a.pptx")) == [["bitterns"]]


def test_a_word_in_two_formats_is_whole(extractor: FileExtractor) -> None:
    runs = "<a:r><a:rPr b='1'/><a:t>S</a:t></a:r><a:r><a:t>ome item</a:t></a:r>".replace("'", '"')
    slide = f"<p:sld {SLIDE} {DRAWING}><p:cSld><p:spTree><p:sp><p:txBody><a:p>{runs}</a:p></p:txBody></p:sp>"
    slide += "</p:spTree></p:cSld></p:sld>"
    content = with_member(presentation("", notes=""), "ppt/slides/slide1.xml", slide)
    assert pages_of(read(extractor, content, b"a.pptx")) == [["Some item"]]
