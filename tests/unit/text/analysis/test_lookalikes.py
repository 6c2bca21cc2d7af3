"""Letters of other scripts that look like Latin ones are found in either script."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze
from magicfs.text.analysis.lookalikes import in_one_script, lookalike_forms
from tests.unit.text.analysis.vectors import missed


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("p\u0430yp\u0430l", "paypal"),
        ("\u041cосква", "Mосква"),
        ("Mосква", "\u041cосква"),
        ("\u0410123\u0412\u0421", "A123BC"),
        ("\u0410123\u0412\u0421", "a123bc"),
        ("A123BC", "\u0430123\u0432\u0441"),
        ("1\u0421", "1C"),
        ("KT315", "\u041a\u0422315"),
        ("\u0391\u03921234", "AB1234"),
        ("A\u03b8ήνα", "Αθήνα"),
        ("\u0441afé", "café"),
    ],
)
def test_letters_that_look_alike_are_the_same(written: str, typed: str) -> None:
    assert missed(f"see {written} here", typed) == []


@pytest.mark.parametrize(
    "word", ["paypal", "Москва", "\u03bcm", "k\u03a9", "\u0394\u0422x", "Яndex", "x2", "été", "2023"]
)
def test_other_words_are_in_one_script_or_stay_in_two(word: str) -> None:
    assert in_one_script(word) is None


@pytest.mark.parametrize("typed", ["paypal", "Москва", "\u0416123", "12345", "g7"])
def test_words_and_codes_of_other_letters_have_no_other_form(typed: str) -> None:
    assert list(lookalike_forms(typed)) == []


def test_a_word_keeps_the_letters_that_it_has() -> None:
    assert "'p\u0430yp\u0430l':1 'paypal':1" in analyze("p\u0430yp\u0430l")


@pytest.mark.parametrize(
    ("word", "one"), [("\u0394T", "\u0394\u03a4"), ("M\u03a9", "\u039c\u03a9"), ("\u041cосквa", "\u041cосква")]
)
def test_all_letters_are_of_one_script_then(word: str, one: str) -> None:
    assert in_one_script(word) == one
