"""Amounts of money are found by the sign and by the name of their currency, and other words are no currency."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import question_terms
from magicfs.text.analysis.measures import money_forms
from tests.unit.text.analysis.vectors import missed


def lexemes(question: str) -> set[str]:
    return {lexeme.text for term in question_terms(question, languages=["en"]) for lexeme in term.lexemes}


@pytest.mark.parametrize("written", ["€45", "45€", "45 €", "45 EUR", "EUR 45", "45 euros"])
@pytest.mark.parametrize("typed", ["45 EUR", "45 euro", "45 €", "45 euros"])
def test_money_is_found_by_the_sign_and_the_name_of_its_currency(written: str, typed: str) -> None:
    assert missed(f"the fare is {written} each way", typed) == []


@pytest.mark.parametrize("written", ["$45", "$ 45", "45$", "45 $", "US$45", "US$ 45", "45 US$", "45 USD", "$45.00"])
@pytest.mark.parametrize("typed", ["45 USD", "45 dollars", "USD 45"])
def test_dollars_are_found_by_their_name(written: str, typed: str) -> None:
    assert missed(f"the fare is {written}, each way", typed) == []


@pytest.mark.parametrize("written", ["$1,299", "$1,299.00", "$ 1,299", "1,299 USD", "$1299"])
@pytest.mark.parametrize("typed", ["1299 USD", "1,299 USD", "1299 dollars"])
def test_an_amount_has_separators_of_thousands_or_none(written: str, typed: str) -> None:
    assert missed(f"it costs {written} there", typed) == []


@pytest.mark.parametrize("text", ["a$45", "R$ 45", "echo $HOME 45 $PATH", "€45"])
def test_other_signs_are_no_dollars(text: str) -> None:
    assert missed(text, "45 USD") != []


@pytest.mark.parametrize("typed", ["try 45", "won 45 games", "ils 45 ans", "rub 2 cloves", "euro 2024", "won 1999"])
def test_a_word_before_a_number_is_no_currency(typed: str) -> None:
    assert list(money_forms(typed)) == []


@pytest.mark.parametrize(
    ("typed", "sign"), [("TRY 45", "₺"), ("45 try", "₺"), ("45 won", "₩"), ("45 NIS", "₪"), ("EUR 2024", "€")]
)
def test_a_currency_is_known_by_its_place_or_its_capitals(typed: str, sign: str) -> None:
    assert sign in lexemes(typed)


@pytest.mark.parametrize("typed", ["45 ₺", "45 lira", "45 ₩", "45 krw", "45 ₽", "45 ₪"])
def test_no_other_form_of_a_currency_is_a_word(typed: str) -> None:
    assert {"try", "won", "rub", "ils", "nis"}.isdisjoint(lexemes(typed))


def test_yen_are_no_yuan() -> None:
    assert {"jpy", "¥"} < lexemes("45 yen")
    assert lexemes("45 yen").isdisjoint({"cny", "yuan"})
    assert {"yen", "yuan"} < lexemes("45 ¥")


def test_a_currency_without_an_amount_is_a_word_alone() -> None:
    assert "€" not in lexemes("euro crisis")
    assert missed("the fare is $45", "45 EUR") != []
