"""Words and names whose letters or parts stand apart are found in one piece."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze
from magicfs.text.analysis.spaced_letters import around_middle_dots, spaced_letters
from tests.unit.text.analysis.vectors import missed


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("R E C H N U N G Nr. 5", "Rechnung"),
        ("I N V O I C E\nof May", "invoice"),
        ("der S p e r r s a t z.", "Sperrsatz"),
        ("氏\u3000名：", "氏名"),
        ("发 票 号 码 12", "发票号码"),
        ("レオナルド・ダ・ヴィンチの素描", "ダヴィンチ"),
        ("レオナルド･ダ･ヴィンチ", "ダ・ヴィンチ"),
        ("列奥纳多·达·芬奇的手稿", "达芬奇"),
    ],
)
def test_what_stands_apart_is_found_in_one_piece(written: str, typed: str) -> None:
    assert missed(written, typed) == []


def test_letters_and_names_that_stand_apart_stay_words_of_their_own() -> None:
    assert missed("レオナルド・ダ・ヴィンチ", "ヴィンチ") == []
    assert "'e':" in analyze("R E C H N U N G")


@pytest.mark.parametrize(
    "text", ["x = a b c", "J. R. R. T. Olk", "the U S A", "a-b c d e-f", "你好 世 你好", "5 a 6 b"]
)
def test_other_letters_are_no_word(text: str) -> None:
    assert spaced_letters(text) == []


@pytest.mark.parametrize("text", ["a·b", "l'al·lot", "・点", "点 ・ 点", "名前"])
def test_other_dots_divide_no_name(text: str) -> None:
    assert around_middle_dots(text) == []
