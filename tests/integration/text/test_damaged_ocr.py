"""OCR that is installed but does not start costs no text that is there without it."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import pytest
from PIL import Image

from magicfs.cli.checks import CheckResult, run_checks
from magicfs.config import Settings
from magicfs.domain.contents import Document, Recognition, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr, installed_rapidocr
from magicfs.text.extract.options import Limits, Ocr, OcrEngine
from magicfs.text.extract.process import child_keeper
from tests.plugins.pdf import Scan, pdf_file

TEXT = "The tide turns at noon and the boats come home"
SCAN = Scan("A scanned letter about marmalade\nand about oranges")


@pytest.fixture
def models() -> list[Path]:
    installed = installed_rapidocr()
    assert installed is not None
    return list(Path(installed.data_dir).glob("*.onnx"))


@pytest.fixture
def damaged(tmp_path: Path, models: list[Path]) -> Ocr:
    """rapidocr with models that are no models."""
    folder = tmp_path / "rapidocr" / "models"
    folder.mkdir(parents=True)
    for model in models:
        (folder / model.name).write_bytes(b"an error page of a proxy")
    return Ocr(OcrEngine.RAPIDOCR, data_dir=str(folder))


@pytest.fixture
def extractor(damaged: Ocr) -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=120), ocr=damaged) as extractor:
        yield extractor


def picture(*, title: str | None = None) -> bytes:
    exif = Image.Exif()
    if title is not None:
        exif[0x010E] = title
    out = io.BytesIO()
    Image.new("RGB", (200, 200), "blue").save(out, "JPEG", exif=exif)
    return out.getvalue()


def parsers() -> set[int]:
    children = psutil.Process().children()
    return {child.pid for child in children if "magicfs.text.extract.process.child" in child.cmdline()}


def test_a_text_layer_is_kept_and_its_scanned_pages_are_missing(extractor: FileExtractor) -> None:
    document = extractor.extract(pdf_file(TEXT, SCAN), name=b"a.pdf")
    assert isinstance(document, Document), document
    assert document.text.strip() == TEXT
    assert document.unread_pages == 1
    assert document.recognition is None


def test_what_needs_ocr_waits_for_it_and_what_a_picture_says_is_read(extractor: FileExtractor) -> None:
    for content, name in ((pdf_file(SCAN), b"a.pdf"), (picture(), b"a.jpg")):
        outcome = extractor.extract(content, name=name)
        assert isinstance(outcome, Unreadable), outcome
        assert outcome.reason is SkipReason.NEEDS_OCR
        assert "rapidocr does not start" in outcome.detail
    document = extractor.extract(picture(title="The harbour at noon"), name=b"b.jpg")
    assert isinstance(document, Document), document
    assert "The harbour at noon" in document.text
    assert (document.unread_pages, document.recognition) == (1, None)


def test_it_is_said_once_and_one_process_reads_on(extractor: FileExtractor, caplog: pytest.LogCaptureFixture) -> None:
    before = parsers()
    extractor.extract(picture(), name=b"a.jpg")
    reader = parsers() - before
    extractor.extract(pdf_file(SCAN), name=b"a.pdf")
    extractor.extract(picture(), name=b"b.jpg")
    assert parsers() - before == reader, "each try takes seconds"
    assert caplog.text.count("rapidocr does not start") == 1


def test_it_is_tried_again_later(
    damaged: Ocr, models: list[Path], extractor: FileExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_keeper, "OCR_PAUSE_SECONDS", 0.0)
    assert isinstance(extractor.extract(pdf_file(SCAN), name=b"a.pdf"), Unreadable)
    assert not extractor.recognises()
    for model in models:
        (Path(damaged.data_dir) / model.name).write_bytes(model.read_bytes())
    assert extractor.recognises()
    document = extractor.extract(pdf_file(SCAN), name=b"a.pdf")
    assert isinstance(document, Document), document
    assert document.recognition == Recognition("rapidocr", (1,))


def test_doctor_says_that_it_does_not_start(damaged: Ocr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    install(monkeypatch, tmp_path / "rapidocr")
    assert find_ocr() == damaged
    result = doctor(tmp_path)
    assert not result.ok
    assert "rapidocr does not start" in result.text


def test_a_missing_model_is_an_installation_that_is_not_used(
    damaged: Ocr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = next(Path(damaged.data_dir).iterdir())
    missing.unlink()
    install(monkeypatch, tmp_path / "rapidocr")
    assert find_ocr() is None
    assert missing.name in caplog.text
    result = doctor(tmp_path)
    assert not result.ok
    assert missing.name in result.text
    assert "pip install" in result.text


def install(monkeypatch: pytest.MonkeyPatch, package: Path) -> None:
    """Let a folder be the package rapidocr."""
    spec = ModuleSpec("rapidocr", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "rapidocr" else found(name))


def doctor(home: Path) -> CheckResult:
    [result] = [result for result in run_checks(Settings(home=home)) if result.name == "ocr"]
    return result
