"""Books in DjVu: their text layers are their text, and pages without one are recognised later."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read
from tests.plugins.djvu import djvu_page
from tests.plugins.documents import container
from tests.plugins.pictures import picture_of
from tests.plugins.programs import needs


def test_the_text_layer_of_a_page_is_its_text(extractor: FileExtractor) -> None:
    content = djvu_page("On herons \n\x1f\x1d\x0bThe bit­ \ntern booms. \n\x1f\x1d\x0b", title="Birds of the marsh")
    document = read(extractor, content, b"birds.djvu")
    assert document.text.rstrip() == "On herons\n\nThe bit­\ntern booms."
    assert (document.title, document.page_starts, document.pictures) == ("Birds of the marsh", (0,), ())


def test_a_book_in_an_archive_is_read(extractor: FileExtractor) -> None:
    content = container({"birds.djvu": djvu_page("The bittern booms."), "notes.txt": "On herons"})
    assert "The bittern booms." in read(extractor, content, b"a.zip").text


@pytest.mark.parametrize("blank", [" ", "\t", "\n"], ids=["blanks", "tabs", "line ends"])
def test_a_long_run_of_blanks_is_tried_once(extractor: FileExtractor, blank: str) -> None:
    document = read(extractor, djvu_page(f"a heron{blank * 1_000_000}and a gull"), b"a.djvu")
    assert document.text.split() == "a heron and a gull".split()


@pytest.mark.parametrize("content", [b"AT&TFORM" + bytes(40), djvu_page("The bittern booms.")[:40]])
def test_a_damaged_book_is_not_read(extractor: FileExtractor, content: bytes) -> None:
    outcome = extractor.extract(content, name=b"birds.djvu")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


@needs("tesseract")
def test_a_page_without_a_text_layer_is_recognised_later() -> None:
    content = djvu_page(picture=picture_of("Marmalade needs bitter oranges"))
    with FileExtractor(limits=Limits(seconds=300), ocr=find_ocr()) as reader:
        assert read(reader, content, b"a.djvu").pending_pages == (1,)
        outcome = reader.go_on(content, kind=reader.kind(content, name=b"a.djvu"), page_texts={})
    assert isinstance(outcome, Document)
    assert "bitter oranges" in outcome.page_texts[1].text
