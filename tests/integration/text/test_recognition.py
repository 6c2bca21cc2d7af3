"""Only pages without a text layer are recognised, and what was read is kept when the time is over."""

from __future__ import annotations

import os
import shutil

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract import FileExtractor, Limits
from magicfs.text.extract.options import find_ocr
from tests.plugins.pdf import Scan, pdf_file

pytestmark = pytest.mark.skipif(
    shutil.which("tesseract") is None and "CI" not in os.environ, reason="tesseract is not installed"
)

TEXT = "The tide turns at noon and the boats come home"
SCAN = Scan("A scanned letter about marmalade\nand about oranges")


def read(content: bytes, *, limits: Limits | None = None) -> Document:
    with FileExtractor(limits=limits or Limits(seconds=120), ocr=find_ocr()) as extractor:
        outcome = extractor.extract(content, name=b"a.pdf")
    assert isinstance(outcome, Document), outcome
    return outcome


def pages(document: Document) -> list[str]:
    ends = [*document.page_starts[1:], len(document.text)]
    return [document.text[start:end] for start, end in zip(document.page_starts, ends, strict=True)]


def test_a_page_with_text_keeps_it_beside_a_scanned_one() -> None:
    first, second, third = pages(read(pdf_file(TEXT, SCAN, TEXT)))
    assert first.strip() == TEXT
    assert "marmalade" in second
    assert third.strip() == TEXT


def test_pages_are_where_they_are_when_the_first_and_last_are_scanned() -> None:
    document = read(pdf_file(SCAN, TEXT, SCAN))
    assert ["marmalade" in page for page in pages(document)] == [True, False, True]
    assert document.unread_pages == 0


def test_a_page_number_is_no_text_layer() -> None:
    assert "7" in read(pdf_file("7", TEXT)).text


def test_blank_pages_take_no_time() -> None:
    document = read(pdf_file(TEXT, *[""] * 60), limits=Limits(seconds=20))
    assert document.unread_pages == 0
    assert len(document.page_starts) == 61


def test_text_between_angle_brackets_is_kept() -> None:
    [page] = pages(read(pdf_file("see <https://example.org/> and search/<query>/ for more")))
    assert page.strip() == "see <https://example.org/> and search/<query>/ for more"


def test_what_was_read_is_kept_when_the_time_is_over() -> None:
    document = read(pdf_file(TEXT, *[SCAN] * 40), limits=Limits(seconds=6))
    assert TEXT in document.text
    assert "marmalade" in document.text
    assert 0 < document.unread_pages < 40
    assert document.text.count("marmalade") == 40 - document.unread_pages


def test_recognised_text_beyond_the_limit_says_that_it_was_cut() -> None:
    document = read(pdf_file(SCAN, SCAN, SCAN), limits=Limits(seconds=120, text_bytes=80))
    assert document.text.count("marmalade") == 1
    assert document.cut_bytes > 0
    assert document.unread_pages > 0


def test_pages_without_any_words_have_no_text() -> None:
    with FileExtractor(limits=Limits(seconds=120), ocr=find_ocr()) as extractor:
        outcome = extractor.extract(pdf_file(Scan("."), ""), name=b"a.pdf")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.NO_TEXT
