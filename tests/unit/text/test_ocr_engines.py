"""The output of `tesseract --list-langs` is parsed."""

from __future__ import annotations

from magicfs.text.extract.ocr.ocr_engines import parse_languages
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
