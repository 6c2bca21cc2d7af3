"""The output of `tesseract --list-langs` is parsed."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path

import pytest

from magicfs.linux.starvation import Starvation
from magicfs.text.extract.ocr import ocr_engines
from magicfs.text.extract.ocr.ocr_engines import installed_tesseract, parse_languages
from magicfs.text.extract.options import Ocr, OcrEngine


def test_english_comes_first_and_the_number_is_bounded() -> None:
    answer = 'List of available languages in "/usr/share/tessdata/" (7):\nafr\nchi_sim\ndeu\neng\nfra\nosd\nsnum\n'
    assert parse_languages(answer) == Ocr(
        engine=OcrEngine.TESSERACT,
        data_dir="/usr/share/tessdata/",
        languages=("eng", "afr", "chi_sim", "deu"),
    )


def test_an_installation_without_languages_is_none() -> None:
    assert parse_languages('List of available languages in "/x" (1):\nosd\n') is None
    assert parse_languages("") is None


def test_a_program_that_gets_no_processor_has_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a busy machine would count as one without Tesseract until its workers are started anew."""
    program = tmp_path / "tesseract"
    program.write_text('#!/bin/sh\nsleep 0.5\necho "List of available languages in \\"/x/\\" (1):"\necho eng\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    began = time.monotonic()
    monkeypatch.setattr(Starvation, "seconds", lambda _: time.monotonic() - began)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    monkeypatch.setattr(ocr_engines, "PROGRAM_SECONDS", 0.05)
    assert installed_tesseract() == Ocr(engine=OcrEngine.TESSERACT, data_dir="/x/", languages=("eng",))
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(ocr_engines, "PATIENCE_SECONDS", 0.1)
    assert installed_tesseract() is None, "one that hangs is not waited for"
