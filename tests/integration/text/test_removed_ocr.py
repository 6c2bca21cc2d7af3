"""An OCR that is removed or replaced while it is used costs no page: they wait for it, as without any OCR."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.domain.contents import Document, PageText, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import installed_tesseract
from magicfs.text.extract.options import Limits, Ocr
from magicfs.text.extract.pdf.pdf_text import PdfFile
from magicfs.text.extract.process import child_keeper
from tests.integration.text.reading import read
from tests.plugins.pdf import Scan, pdf_file
from tests.plugins.programs import needs

pytestmark = needs("tesseract")

SCANS = [Scan(f"A scanned letter about {fruit} and marmalade") for fruit in ("oranges", "lemons", "quinces")]
KNOWN = {1: PageText("read before", is_recognised=True)}
KIND = "application/pdf parse"


@pytest.fixture
def ocr(public_folder: Path) -> Ocr:
    """Tesseract with languages of its own."""
    installed = installed_tesseract()
    assert installed is not None
    language = installed.languages[0]
    shutil.copy(Path(installed.data_dir) / f"{language}.traineddata", public_folder)
    return dataclasses.replace(installed, data_dir=str(public_folder), languages=(language,))


@pytest.fixture
def reader(ocr: Ocr) -> Iterator[FileExtractor]:
    """An extractor that has recognised something."""
    with FileExtractor(limits=Limits(seconds=120), ocr=ocr) as extractor:
        assert "quinces" in read(extractor, pdf_file(SCANS[2]), b"a.pdf").text
        yield extractor


def remove(ocr: Ocr) -> Path:
    language = Path(ocr.data_dir) / f"{ocr.languages[0]}.traineddata"
    return language.rename(language.with_suffix(".away"))


def test_pages_that_were_read_before_are_not_lost(
    reader: FileExtractor, ocr: Ocr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_keeper, "OCR_PAUSE_SECONDS", 0.0)
    away = remove(ocr)
    for _ in range(2):
        outcome = reader.go_on(pdf_file(*SCANS), kind=KIND, page_texts=KNOWN)
        assert isinstance(outcome, Unreadable)
        assert outcome.reason is SkipReason.NEEDS_OCR
    assert reader.lacks_ocr()
    away.rename(away.with_suffix(".traineddata"))
    assert reader.recognises()
    document = Document("", "application/pdf", page_texts=KNOWN)
    while not document.text or document.pending_pages:
        outcome = reader.go_on(pdf_file(*SCANS), kind=KIND, page_texts=document.page_texts)
        assert isinstance(outcome, Document)
        document = outcome
    assert document.unread == ()
    assert [word in document.text for word in ("read before", "lemons", "quinces", "oranges")] == [True] * 3 + [False]


def test_pages_of_which_none_was_recognised_wait_for_an_ocr_and_for_no_turn() -> None:
    """Their text layers were read one by one, and some were left for later."""
    known = {1: PageText("a text layer")}
    with FileExtractor(limits=Limits(seconds=120)) as extractor:
        outcome = extractor.go_on(pdf_file(*SCANS), kind=KIND, page_texts=known)
    assert isinstance(outcome, Document)
    assert (outcome.ocr, outcome.pending_pages, outcome.unread_detail) == ("none", (), "pages 2-3: needs-ocr")
    assert "a text layer" in outcome.text


def test_files_that_are_read_meanwhile_wait_for_it(reader: FileExtractor, ocr: Ocr) -> None:
    remove(ocr)
    partly = read(reader, pdf_file("The tide turns at noon and the boats come home", SCANS[0]), b"a.pdf")
    assert partly.ocr == "none"
    with PdfFile(pdf_file("marmalade and oranges")) as file:
        picture = file.draw(0, dpi=150, max_pixels=4_000_000)
    for content, name in ((pdf_file(*SCANS), b"b.pdf"), (picture, b"c.png")):
        outcome = reader.extract(content, name=name)
        assert isinstance(outcome, Unreadable)
        assert outcome.reason is SkipReason.NEEDS_OCR, name
    assert reader.lacks_ocr()
