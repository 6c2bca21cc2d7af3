"""Large numbers are found however their zeros are written, and questions that name a number are known."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import question_terms
from magicfs.text.analysis.magnitudes import magnitude_forms, stated_magnitudes
from magicfs.text.analysis.typed_forms import names_a_number
from tests.unit.text.analysis.vectors import missed


@pytest.mark.parametrize(
    "written", ["$1.5M", "US$1.5m", "1.5M €", "1,5 Mio. Euro", "1.5 million", "1,5 млн рублей", "1,500,000", "1500000"]
)
@pytest.mark.parametrize("typed", ["$1.5M", "1.5M", "1.5 million", "1,5 Mio", "1,500,000", "1500000"])
def test_a_large_number_is_found_however_its_zeros_are_written(written: str, typed: str) -> None:
    assert missed(f"it is {written} today", typed) == []


@pytest.mark.parametrize(
    "text", ["5 milk", "5 m", "5m", "1,500 million", "v1.5M", "0 million", "3 bits", "2 thousands"]
)
def test_what_is_no_large_number_states_none(text: str) -> None:
    assert stated_magnitudes(text) == []


def test_a_letter_for_zeros_is_typed_without_a_currency_in_capitals_alone() -> None:
    assert [forms for _, forms in magnitude_forms("100k 5M")] == [["100000"], ["5000000"]]
    assert not list(magnitude_forms("5m 3b"))


@pytest.mark.parametrize(
    "typed",
    [
        *("3 March 2025", "the 3rd of March 2025", "Sept 1", "Thursday 8 Feb 2024", "2025-03-03", "16. Juli 2023"),
        *("3 марта 2025", "2025年3月3日", "3:30 pm", "at 19 Uhr", "$1.5M", "4,711.50 EUR", "12500 euros", "96 qm"),
        *("chapter 5", "LH 1234", "5万元"),
    ],
)
def test_a_number_with_what_belongs_to_it_names_something(typed: str) -> None:
    assert names_a_number(typed)


@pytest.mark.parametrize(
    "typed",
    [
        *("tax 2024", "ferry 4.15 pm", "5 km run", "first", "May", "12 monkeys", "B737", "", "x" * 50),
        *("delta 4", "theta 45", "cpp 20", "dotnet 8"),
    ],
)
def test_a_question_about_something_names_no_number(typed: str) -> None:
    assert not names_a_number(typed)


@pytest.mark.parametrize("typed", ["03.03.25", "2025-03-03", "03/03/2025", "3.3.2025"])
def test_a_day_in_digits_is_one_word(typed: str) -> None:
    [term] = question_terms(typed, languages=["en"])
    assert not term.is_compound
    assert missed("made on 3 March 2025 in Bergen", typed) == []
    assert missed("3 bags on 25 shelves in 2025 by 03", typed) == [typed]


def test_a_number_that_is_typed_beside_a_day_too_stays_a_word() -> None:
    assert {"25", "bags"} <= {term.word for term in question_terms("03.03.25 and 25 bags", languages=["en"])}
