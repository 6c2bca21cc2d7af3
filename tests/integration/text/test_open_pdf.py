"""A PDF file that is read from a descriptor gives what it gives in memory, and little of it is kept."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest

from magicfs.domain.contents import Document, PageText, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr, installed_rapidocr
from magicfs.text.extract.options import Limits, Ocr
from magicfs.text.extract.pdf import pdf_text
from magicfs.text.extract.pdf.open_file import OpenFile, expect_reading, has_failed_to_read
from magicfs.text.extract.pdf.pdf_text import PdfFile
from tests.plugins.pdf import Drawing, Scan, pdf_file, pdf_of_objects, pdf_with_parts

TEXT = "The tide turns at noon and the boats come home"
SCAN = Scan("A scanned letter about marmalade\nand about oranges")
STAMPED = Scan(SCAN.text, stamp="Received by the tax office on 12 March")
KIND = "application/pdf parse"


@pytest.mark.parametrize("find", [find_ocr, installed_rapidocr])
def test_it_has_the_same_text_and_its_scanned_pages_are_recognised(
    tmp_path: Path, find: Callable[[], Ocr | None]
) -> None:
    content = pdf_file(TEXT, SCAN, STAMPED, TEXT)
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    with FileExtractor(limits=Limits(seconds=120), ocr=find()) as extractor, path.open("rb") as file:
        outcome = extractor.extract_open(file.fileno(), kind=KIND)
        assert outcome == extractor.extract(content, name=b"a.pdf")
        assert file.tell() == 0, "who shares the descriptor keeps its position"
    assert isinstance(outcome, Document)
    assert outcome.text.count("marmalade") == 2


def test_it_has_its_fields_and_annotations(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_with_parts("a form", fields={"city": "Skarholm"}, note="a note of a heron"))
    with FileExtractor(limits=Limits()) as extractor, path.open("rb") as file:
        outcome = extractor.extract_open(file.fileno(), kind=KIND)
    assert isinstance(outcome, Document)
    assert "Skarholm" in outcome.text
    assert "heron" in outcome.text


def test_one_whose_end_has_not_come_yet_is_not_searched(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_file(TEXT))
    os.truncate(path, 1 << 40)
    with FileExtractor(limits=Limits()) as extractor, path.open("rb") as file:
        outcome = extractor.extract_open(file.fileno(), kind=KIND)
    assert outcome == Unreadable(SkipReason.CORRUPT, "its end is missing")


@pytest.mark.parametrize("cut", [0, 300])
def test_one_that_is_cut_is_damaged_and_the_next_one_is_read(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_file(TEXT)[:cut])
    with FileExtractor(limits=Limits()) as extractor, path.open("rb") as file:
        outcome = extractor.extract_open(file.fileno(), kind=KIND)
        assert isinstance(outcome, Unreadable)
        assert outcome.reason is SkipReason.CORRUPT
        path.write_bytes(pdf_file(TEXT))
        assert isinstance(extractor.extract_open(file.fileno(), kind=KIND), Document)


def test_little_of_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_text, "MOST_KEPT_BYTES", 100)
    opened = []
    make = pypdfium2.PdfDocument
    monkeypatch.setattr(pypdfium2, "PdfDocument", lambda source: opened.append(make(source)) or opened[-1])
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_file(*(f"page {number}" for number in range(5))))
    with path.open("rb") as descriptor, PdfFile(OpenFile(descriptor.fileno())) as file:
        assert [file.text(number) for number in range(5)] == [f"page {number}" for number in range(5)]
        assert file.draw(4, dpi=72, max_pixels=3000)
    assert len(opened) > 2
    assert all(document.raw is None for document in opened), "each was closed"


def test_what_is_cut_off_while_it_is_read_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"0123456789")
    with path.open("rb") as descriptor:
        file = OpenFile(descriptor.fileno())
        path.write_bytes(b"0123")
        target = bytearray(4)
        assert (file.seek(2), file.readinto(target), bytes(target[:2])) == (2, 2, b"23")
        assert file.seek(0, io.SEEK_END) == 10
        assert file.readinto(target) == 0
        with pytest.raises(MemoryError):
            io.BufferedReader(file).read()


def test_a_turn_in_which_the_system_cannot_read_the_file_is_not_the_files_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_file(TEXT, ""))
    known = {2: PageText("read before", is_recognised=True)}
    with FileExtractor(limits=Limits()) as extractor:
        unreadable = os.open(path, os.O_WRONLY)
        outcome = extractor.go_on(unreadable, kind=KIND, page_texts=known)
        os.close(unreadable)
        assert isinstance(outcome, Unreadable)
        assert outcome.reason is SkipReason.VANISHED
        with path.open("rb") as file:
            read = extractor.go_on(file.fileno(), kind=KIND, page_texts=known)
        assert isinstance(read, Document)
        assert "read before" in read.text


def test_a_file_of_which_the_system_can_read_nothing_is_out_of_reach(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_file(TEXT))
    unreadable = os.open(path, os.O_WRONLY)
    with FileExtractor(limits=Limits()) as extractor:
        outcome = extractor.extract_open(unreadable, kind=KIND)
    os.close(unreadable)
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.VANISHED


def test_an_error_of_the_system_is_noted(tmp_path: Path) -> None:
    """What a library makes of it may look like an empty page."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"0123")
    descriptor = os.open(path, os.O_WRONLY)
    try:
        expect_reading(descriptor)
        assert not has_failed_to_read(descriptor)
        assert OpenFile(descriptor).readinto(bytearray(4)) == 0
        assert has_failed_to_read(descriptor)
        expect_reading(descriptor)
        assert not has_failed_to_read(descriptor)
    finally:
        os.close(descriptor)


def test_the_share_of_pictures_in_a_page() -> None:
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Matrix[2 0 0 2 0 0]/Resources<</XObject<</I 5 0 R>>>>/Length 4"
    picture = b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 6 0 R/Resources<</XObject<</F 4 0 R>>>>>>"
    content = pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page,
            form + b">>stream\n/I Do\nendstream",
            picture + b">>stream\nx\nendstream",
            b"<</Length 28>>stream\nq 30 0 0 40 0 0 cm /F Do Q \nendstream",
        ]
    )
    with PdfFile(content) as file:
        assert file.pictures(0).share == pytest.approx(0.48)
    inline = Drawing("q 306 0 0 396 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q")
    with PdfFile(pdf_file(inline, TEXT, Scan("a", share=0.5))) as file:
        assert [file.pictures(number).share for number in range(3)] == pytest.approx([0.25, 0, 0.25])
