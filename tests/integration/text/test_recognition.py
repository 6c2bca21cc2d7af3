"""Only pages without a text layer are recognised, and what was read is kept when the time is over."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from magicfs.cli.checks import run_checks
from magicfs.config import Settings
from magicfs.domain.contents import Document, PageText, Recognition, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr, installed_rapidocr, installed_tesseract
from magicfs.text.extract.options import Limits, Ocr, OcrEngine
from magicfs.text.extract.pdf.pdf_text import PdfFile
from tests.integration.text.reading import read, read_in_part
from tests.plugins.pdf import Drawing, Scan, pdf_file
from tests.plugins.programs import needs

pytestmark = needs("tesseract")

TEXT = "The tide turns at noon and the boats come home"
SCAN = Scan("A scanned letter about marmalade\nand about oranges")


@pytest.fixture(scope="module")
def reader() -> Iterator[FileExtractor]:
    """What reads the files of the tests that are about no limit."""
    with FileExtractor(limits=Limits(seconds=120), ocr=find_ocr()) as opened:
        yield opened


def read_within(limits: Limits, content: bytes) -> Document:
    with FileExtractor(limits=limits, ocr=find_ocr()) as extractor:
        return read(extractor, content, b"a.pdf")


def picture_of_text(words: str) -> Image.Image:
    with PdfFile(pdf_file(words)) as file:
        return Image.open(io.BytesIO(file.draw(0, dpi=150, max_pixels=4_000_000))).convert("L")


def pages(document: Document) -> list[str]:
    ends = [*document.page_starts[1:], len(document.text)]
    return [document.text[start:end] for start, end in zip(document.page_starts, ends, strict=True)]


def test_a_page_with_text_keeps_it_beside_a_scanned_one(reader: FileExtractor) -> None:
    first, second, third = pages(read(reader, pdf_file(TEXT, SCAN, TEXT), b"a.pdf"))
    assert first.strip() == TEXT
    assert "marmalade" in second
    assert third.strip() == TEXT


def test_each_page_of_a_fax_is_recognised(reader: FileExtractor) -> None:
    first, second = (picture_of_text(words) for words in ("A letter about marmalade", "and about oranges"))
    content = io.BytesIO()
    first.save(content, "TIFF", save_all=True, append_images=[first.resize((90, 20)), second])
    text = read(reader, content.getvalue(), b"fax.tif").text
    assert text.count("marmalade") == 1
    assert "oranges" in text


def test_the_pages_of_a_fax_that_is_cut_are_read_until_there(reader: FileExtractor) -> None:
    first, second = (picture_of_text(words) for words in ("A letter about marmalade", "and about oranges"))
    content = io.BytesIO()
    first.save(content, "TIFF", save_all=True, append_images=[second])
    assert "marmalade" in read(reader, content.getvalue()[: -first.width * first.height // 2], b"fax.tif").text


def test_pages_are_where_they_are_when_the_first_and_last_are_scanned(reader: FileExtractor) -> None:
    document = read(reader, pdf_file(SCAN, TEXT, SCAN), b"a.pdf")
    assert ["marmalade" in page for page in pages(document)] == [True, False, True]
    assert document.unread_pages == 0
    assert document.recognition == Recognition("tesseract", (1, 3))


def test_pages_that_waited_are_recognised_and_others_are_not(reader: FileExtractor) -> None:
    content = pdf_file(SCAN, SCAN, TEXT, SCAN)
    document = Document("", "application/pdf", page_texts={1: PageText("read before", is_recognised=True)})
    while not document.page_starts or document.pending_pages:
        outcome = reader.go_on(content, kind="application/pdf parse", page_texts=document.page_texts)
        assert isinstance(outcome, Document)
        assert outcome.page_texts or not outcome.pending_pages
        document = outcome
    assert pages(document)[0].strip() == "read before"
    assert ["marmalade" in page for page in pages(document)] == [False, True, False, True]
    assert document.recognition == Recognition("tesseract", (1, 2, 4))


def test_a_stamp_does_not_hide_the_scan_below_it(reader: FileExtractor) -> None:
    stamped = Scan(SCAN.text, stamp="Received by the tax office on 12 March")
    first, second = pages(read(reader, pdf_file(TEXT, stamped), b"a.pdf"))
    assert first.strip() == TEXT
    assert second.count("Received by the tax office on 12 March") == 1
    assert second.count("marmalade") == 1
    assert "oranges" in second


def test_words_that_are_recognised_once_more_stand_there_once(reader: FileExtractor) -> None:
    [page] = pages(
        read(reader, pdf_file(Scan(f"Report of the harbour\n{SCAN.text}", stamp="Report of the harbour")), b"a.pdf")
    )
    assert page.count("harbour") == 1
    assert "marmalade" in page


@pytest.mark.parametrize(
    "page",
    [Scan(SCAN.text, stamp="A caption of some words", share=0.5), "A short page\nof words"],
    ids=["a small picture", "no picture"],
)
def test_a_page_of_few_words_that_no_picture_covers_is_taken_as_it_is(reader: FileExtractor, page: Scan | str) -> None:
    document = read(reader, pdf_file(page, TEXT), b"a.pdf")
    assert document.recognition is None
    assert document.unread == ()


def test_the_languages_that_are_installed_are_used(public_folder: Path) -> None:
    ocr = installed_tesseract()
    assert ocr is not None
    shutil.copy(Path(ocr.data_dir) / f"{ocr.languages[0]}.traineddata", public_folder / "xyz.traineddata")
    only = Ocr(OcrEngine.TESSERACT, data_dir=str(public_folder), languages=("xyz",))
    with FileExtractor(limits=Limits(seconds=120), ocr=only) as extractor:
        outcome = extractor.extract(pdf_file(SCAN), name=b"a.pdf")
    assert isinstance(outcome, Document), outcome
    assert "marmalade" in outcome.text


def test_a_page_number_is_no_text_layer(reader: FileExtractor) -> None:
    assert "7" in read(reader, pdf_file("7", TEXT), b"a.pdf").text


def test_blank_pages_take_no_time() -> None:
    document = read_within(Limits(seconds=60), pdf_file(TEXT, *[""] * 60))
    assert document.unread_pages == 0
    assert len(document.page_starts) == 61


def test_text_between_angle_brackets_is_kept(reader: FileExtractor) -> None:
    [page] = pages(read(reader, pdf_file("see <https://example.org/> and search/<query>/ for more"), b"a.pdf"))
    assert page.strip() == "see <https://example.org/> and search/<query>/ for more"


def test_what_was_read_is_kept_when_the_time_is_over() -> None:
    document = read_in_part(pdf_file(TEXT, *[SCAN] * 100), find_ocr(), "marmalade", seconds=6)
    assert TEXT in document.text
    assert 0 < document.unread_pages < 100
    assert document.text.count("marmalade") == 100 - document.unread_pages


def test_a_page_that_takes_long_to_draw_leaves_time_for_a_scanned_one() -> None:
    endless = Drawing("0 0 m 612 792 l S\n" * 400_000)
    document = read_in_part(pdf_file(TEXT, endless, SCAN), find_ocr(), "marmalade", seconds=8)
    assert TEXT in document.text
    assert "marmalade" in document.text


def test_recognised_text_beyond_the_limit_says_that_it_was_cut() -> None:
    document = read_within(Limits(seconds=120, text_bytes=80), pdf_file(SCAN, SCAN, SCAN))
    assert document.text.count("marmalade") == 1
    assert document.cut_bytes > 0
    assert document.unread_pages > 0


def test_pages_without_any_words_have_no_text(reader: FileExtractor) -> None:
    outcome = reader.extract(pdf_file(Scan("."), ""), name=b"a.pdf")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.NO_TEXT


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: parsers of others may read what they may")
def test_languages_that_only_root_can_read_are_not_used_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ocr = installed_tesseract()
    assert ocr is not None
    tmp_path.chmod(0o755)
    private = tmp_path / "private"
    shutil.copytree(ocr.data_dir, private)
    private.chmod(0o700)
    program = tmp_path / "tesseract"
    program.write_text(f"""#!/bin/sh\necho 'List in "{private}" (1):'\necho {ocr.languages[0]}\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_ocr() == installed_rapidocr()
    assert str(private) in caplog.text
    assert "give others access" in caplog.text
    [check] = [result for result in run_checks(Settings(home=tmp_path)) if result.name == "ocr"]
    assert not check.ok
    assert "give others access" in check.text
