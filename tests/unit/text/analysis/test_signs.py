"""Signs that are typed alone are words of a question, and of texts beside their words."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, question_terms
from magicfs.text.analysis.signs import is_sign, signs_in, typed_signs


@pytest.mark.parametrize(
    "sign", ["\u2264", "\u2192", "\u20ac", "\u00a3", "\u2211", "\u221e", "\u00b1", "\u2318", "\u00b0"]
)
def test_a_sign_alone_is_found_where_a_text_has_it_beside_words_or_inside(sign: str) -> None:
    [term] = question_terms(sign, languages=["en"])
    assert [lexeme.text for lexeme in term.lexemes] == [sign]
    assert f"'{sign}':" in analyze(f"one {sign} two")
    assert f"'{sign}':" in analyze(f"one{sign}two {sign}")


def test_words_stand_side_by_side_around_a_sign() -> None:
    assert analyze("go \u2192 home") == "'go':1 'home':2 '\u2192':19"


def test_a_sign_of_a_word_is_no_word_of_its_own_in_a_question() -> None:
    assert typed_signs("\u20ac45 and 5%") == []
    assert typed_signs("x \u2264 y \u2192\u2192 z") == ["\u2264", "\u2192"]


def test_bullets_and_ascii_are_no_such_signs() -> None:
    assert signs_in("\u2022 one \u25cf two \u2013 three && four == 5") == []
    assert not is_sign("&")
