"""Without tesseract, rapidocr reads pictures and scanned pages, in a process that loads it when it is needed."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageDraw

from magicfs.cli.checks import run_checks
from magicfs.config import Settings
from magicfs.domain.contents import Document, Recognition, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr, installed_rapidocr
from magicfs.text.extract.options import Limits, OcrEngine
from magicfs.text.extract.pdf.pdf_text import PdfFile
from magicfs.text.extract.process.sandbox import Sandbox
from tests.integration.text.reading import read_in_part
from tests.plugins.pdf import Scan, pdf_file
from tests.plugins.pictures import long_picture_of

TEXT = "The tide turns at noon and the boats come home"
LINES = "A scanned letter about marmalade\nand about oranges"
SCAN = Scan(LINES)


@pytest.fixture(scope="module")
def extractor() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=120), ocr=installed_rapidocr()) as extractor:
        yield extractor


def picture(tmp_path: Path, *, kind: str = "PNG", mode: str = "RGB", turn: int = 0) -> bytes:
    with PdfFile(pdf_file(LINES)) as file:
        image: Image.Image = Image.open(io.BytesIO(file.draw(0, dpi=100, max_pixels=3000)))
    image = image.convert("L").point(lambda ink: 255 - ink) if mode == "RGBA" else image.convert(mode)
    if mode == "RGBA":
        ink = Image.new("RGBA", image.size, "black")
        ink.putalpha(image)
        image = ink
    out = io.BytesIO()
    exif = Image.Exif()
    if turn:
        exif[0x0112] = 6  # to be turned clockwise before it is shown
        image = image.transpose(Image.Transpose.ROTATE_90)
    image.save(out, kind, exif=exif)
    return out.getvalue()


def read(extractor: FileExtractor, content: bytes, name: bytes = b"a.pdf") -> Document:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document), outcome
    return outcome


def parsers() -> set[int]:
    children = psutil.Process().children()
    return {child.pid for child in children if "magicfs.text.extract.process.child" in child.cmdline()}


def test_scanned_pages_are_read_beside_those_with_text(extractor: FileExtractor) -> None:
    document = read(extractor, pdf_file(TEXT, SCAN, TEXT, "7", SCAN))
    ends = [*document.page_starts[1:], len(document.text)]
    pages = [document.text[start:end] for start, end in zip(document.page_starts, ends, strict=True)]
    assert [page.split() for page in pages] == [
        TEXT.split(), LINES.split(), TEXT.split(), ["7"], LINES.split(),
    ]  # fmt: skip
    assert document.recognition == Recognition("rapidocr", (2, 5))
    assert document.unread_pages == 0


@pytest.mark.parametrize(
    ("kind", "mode", "turn"),
    [("PNG", "RGB", 0), ("PNG", "RGBA", 0), ("TIFF", "1", 0), ("GIF", "P", 0), ("JPEG", "L", 1)],
)
def test_pictures_are_read(extractor: FileExtractor, tmp_path: Path, kind: str, mode: str, turn: int) -> None:
    document = read(extractor, picture(tmp_path, kind=kind, mode=mode, turn=turn), b"a." + kind.lower().encode())
    assert LINES.split()[3:5] == ["about", "marmalade"]
    assert document.text.split()[-7:] == LINES.split()[-7:]
    assert document.recognition == Recognition("rapidocr")


def test_the_screenshot_of_a_long_page_is_read_whole(extractor: FileExtractor) -> None:
    text = read(extractor, long_picture_of("Marmalade needs oranges", "The heron waits"), b"a.png").text
    assert text.split() == "Marmalade needs oranges The heron waits".split()


def test_pictures_without_text_and_damaged_ones_have_their_reasons(extractor: FileExtractor, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (200, 200), "blue").save(out, "PNG")
    assert extractor.extract(out.getvalue(), name=b"a.png") == Unreadable(
        SkipReason.NO_TEXT, "rapidocr recognises no text in it"
    )
    out = io.BytesIO()
    Image.new("1", (20_000, 10)).save(out, "PNG")
    strip = extractor.extract(out.getvalue(), name=b"a.png")
    assert isinstance(strip, Unreadable)
    assert strip.reason is SkipReason.NO_TEXT, "a line is no text"
    damaged = extractor.extract(picture(tmp_path)[:2000], name=b"a.png")
    assert isinstance(damaged, Unreadable)
    assert damaged.reason is SkipReason.CORRUPT


def test_it_is_loaded_when_a_file_needs_it_and_put_away_when_none_waits(
    extractor: FileExtractor, tmp_path: Path
) -> None:
    extractor.close()
    before = parsers()
    read(extractor, pdf_file(TEXT))
    reader = parsers() - before
    read(extractor, picture(tmp_path), b"a.png")
    recogniser = parsers() - before
    assert len(reader) == len(recogniser) == 1
    assert reader != recogniser
    read(extractor, pdf_file(SCAN))
    read(extractor, b"<p>some words</p>", b"a.html")
    assert parsers() - before == recogniser
    extractor.free_memory()
    assert parsers() == before
    read(extractor, pdf_file(TEXT))
    reader = parsers() - before
    extractor.free_memory()
    assert parsers() - before == reader, "a process without it is kept"


def test_what_was_read_is_kept_when_the_time_is_over() -> None:
    document = read_in_part(pdf_file(TEXT, *[SCAN] * 400), installed_rapidocr(), "marmalade", seconds=10)
    assert TEXT in document.text
    assert 0 < document.unread_pages < 400
    assert document.recognition is not None
    assert len(document.recognition.pages) == 400 - document.unread_pages == document.text.count("marmalade")


def test_it_stands_behind_every_wall_and_keeps_little_memory() -> None:
    ocr = installed_rapidocr()
    before = parsers()
    with contextlib.closing(Sandbox(limits=Limits(seconds=120), ocr=ocr)) as sandbox:
        for _ in range(3):
            assert isinstance(sandbox.parse(pdf_file(SCAN), mime_type="application/pdf"), Document)
        assert sandbox.missing_walls() == []
        [pid] = parsers() - before
        assert psutil.Process(pid).memory_info().rss < 400 << 20
        assert "TESSDATA_PREFIX" not in psutil.Process(pid).environ()


def test_tesseract_is_the_choice_and_rapidocr_its_stand_in(
    public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(public_folder))
    ocr = find_ocr()
    assert ocr is not None
    assert ocr.engine is OcrEngine.RAPIDOCR
    assert "rapidocr reads text in images" in doctor(public_folder)
    program = public_folder / "tesseract"
    program.write_text(f"""#!/bin/sh\necho 'List in "{public_folder}" (1):'\necho eng\n""")
    program.chmod(0o755)
    (public_folder / "eng.traineddata").touch()
    ocr = find_ocr()
    assert ocr is not None
    assert ocr.engine is OcrEngine.TESSERACT
    assert "tesseract reads text in images (eng)" in doctor(public_folder)


def test_without_both_text_in_pictures_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "rapidocr" else found(name))
    assert find_ocr() is None
    assert "install tesseract" in doctor(tmp_path)


def doctor(home: Path) -> str:
    [result] = [result for result in run_checks(Settings(home=home)) if result.name == "ocr"]
    assert result.ok
    return result.text


def test_what_a_picture_says_is_kept_when_its_recognition_takes_too_long() -> None:
    page = Image.new("RGB", (2400, 2400), "white")
    draw = ImageDraw.Draw(page)
    for top in range(0, 2400, 20):
        draw.text((10, top), f"line {top} " + "of the accounts of the harbour " * 8, fill="black", font_size=16)
    exif = Image.Exif()
    exif[0x010E] = "The accounts at noon"
    out = io.BytesIO()
    page.save(out, "PNG", exif=exif)
    with FileExtractor(limits=Limits(seconds=3), ocr=installed_rapidocr()) as extractor:
        document = read(extractor, out.getvalue(), b"a.png")
        assert "The accounts at noon" in document.text
        assert (document.unread_pages, document.recognition) == (1, None)
        assert read(extractor, pdf_file(TEXT)).text.strip() == TEXT
