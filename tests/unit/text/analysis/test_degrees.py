"""Degrees are found with their sign, in words and with the letter of a scale; signs beside numbers count."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, question_terms
from magicfs.text.analysis.degrees import stated_degrees
from tests.unit.text.analysis.vectors import missed

WRITTEN = ["180°", "180 °C", "180°C", "180 degrees", "180 Grad", "180 grados", "180 градусов", "180 degrés"]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("typed", ["180 degrees", "180 Grad", "180 °C", "180 °F", "180 graus"])
def test_degrees_are_found_however_they_are_written(written: str, typed: str) -> None:
    assert missed(f"bake it at {written} for an hour", typed) == []


@pytest.mark.parametrize("written", ["45°", "45 °", "45.0°"])
def test_a_number_with_the_sign_is_a_word(written: str) -> None:
    assert "45°" in [term.word for term in question_terms("turn 45°", languages=["en"])]
    assert missed("turn it by 45° to the left", "turn 45°") == []
    assert missed("turn it by 45 to the left, at 90°", "turn 45°") != []
    assert f"{written.partition(' ')[0].strip('°')}°" in stated_degrees(f"by {written} or more")


def test_what_has_no_degrees_states_none() -> None:
    assert stated_degrees("a degree in law, 45 gradients, 3 degreed and 4 °") == ["4°"]
    assert stated_degrees("12,5° and 12.5 degrees") == ["12.5°"]


@pytest.mark.parametrize("typed", ["±5%", "±5"])
def test_a_sign_before_a_number_is_looked_for(typed: str) -> None:
    assert missed("the error is ±5 % at most", typed) == []
    assert missed("the error is 5 % at most", typed) == ["±"]


def test_resistance_is_found_in_one_piece_and_in_two() -> None:
    assert missed("a resistor of 10 kΩ", "10kΩ") == []
    assert "10kω" in analyze("a resistor of 10 kΩ")
