"""Quarters and weeks of a year, days without their year, prices and codes in pieces, as people type and write them."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, question_terms
from magicfs.text.analysis.periods import period_forms, stated_quarters
from magicfs.text.analysis.typed_forms import typed_in_pieces
from tests.unit.text.lexemes import positions


def forms(typed: str) -> dict[str, list[str]]:
    """The lexemes of each word of a question."""
    return {term.word: [form.text for form in term.lexemes] for term in question_terms(typed, languages=["en"])}


@pytest.mark.parametrize(
    ("text", "quarter"),
    [
        ("Bericht für das III. Quartal 2022", "q3"),
        ("im dritten Quartal 2022", "q3"),
        ("the first quarter of 2020", "q1"),
        ("in the 2nd quarter", "q2"),
        ("rapport du 2e trimestre 2023", "q2"),
        ("au T2 2023", "q2"),
        ("resultados do 3T2021", "q3"),
        ("raport za I kwartał 2024", "q1"),
        ("1 kwartał 2024", "q1"),
        ("отчёт за IV квартал 2021", "q4"),
        ("2022年第三季度", "q3"),
        ("第1四半期の売上", "q1"),
        ("2023년 2분기 실적", "q2"),
        ("quý 3 năm 2021", "q3"),
        ("4. çeyrek", "q4"),
    ],
)
def test_a_quarter_is_stated_as_q_and_its_number(text: str, quarter: str) -> None:
    assert stated_quarters(text) == [quarter]
    assert all(quarter in forms_of_quarter for _, forms_of_quarter in period_forms(text))
    assert list(period_forms(text))


@pytest.mark.parametrize(
    "text",
    [
        "3 quarters of the town",
        "the French Quarter 2024",
        "T2 weighted image",
        "Quartier 3",
        "each trimester",
        "a third",
    ],
)
def test_other_quarters_are_none(text: str) -> None:
    assert stated_quarters(text) == []


@pytest.mark.parametrize("typed", ["KW 7", "kw 07", "week 7", "Woche 7", "W07", "2024-W07", "vecka 7"])
def test_weeks_are_found_as_others_write_them(typed: str) -> None:
    found = {form for of_word in forms(typed).values() for form in of_word}
    assert found & set(positions(analyze("sprint 2024-W07"))) - {"2024"}
    assert found & set(positions(analyze("Baustelle KW 7"))) - {"7"}
    assert found & set(positions(analyze("sprint 2024W07")))


@pytest.mark.parametrize("typed", ["week 54", "weeks 7", "W7", "W123", "KW 7.5"])
def test_what_is_no_week_has_no_other_form(typed: str) -> None:
    assert list(period_forms(typed)) == []


def test_a_day_without_its_year_is_found_by_the_name_of_its_month_and_in_digits() -> None:
    assert {"dezember", "december", "grudnia"} <= set(forms("24.12.")["24.12"])
    assert {"24.12", "12/24", "december", "decembre"} <= set(forms("24. Dezember")["dezember"])
    assert "03.05" in forms("3 May")["may"]
    assert "december" not in forms("24.12")["12"]
    assert "december" not in forms("version 24.12.1")["12"]


@pytest.mark.parametrize("written", ["3-11-57", "11-03-57", "11.3.1957", "3/11/57", "11MAR57", "11mar1957"])
def test_a_day_is_found_in_the_orders_of_all_countries(written: str) -> None:
    found = {form for of_word in forms("March 11, 1957").values() for form in of_word}
    assert positions(analyze(f"born {written} in Ulm")).keys() & found


def test_the_sign_of_a_price_is_a_word_of_its_own() -> None:
    terms = {term.word: term for term in question_terms("€250", languages=["en"])}
    assert not any(term.is_compound for term in terms.values())
    for text in ("costs €250", "kostet 250 €", "250 Euro", "EUR 250"):
        assert {form.text for form in terms["€250"].lexemes} & positions(analyze(text)).keys()
    assert not {form.text for form in terms["€250"].lexemes} & positions(analyze("250 ml of milk")).keys()


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("WVW ZZZ 1JZ XW 000001", "WVWZZZ1JZXW000001"),
        ("serial 5cg 9281 xyz", "5cg9281xyz"),
        ("lot fk-9413", "fk9413"),
        ("wtu 247 k 1234 m", "wtu247k1234m"),
    ],
)
def test_neighbouring_pieces_may_be_a_code(typed: str, whole: str) -> None:
    assert whole in typed_in_pieces(typed)


@pytest.mark.parametrize("typed", ["the big old cat", "report 2024", "pages 3, 4, 5", "http://a1/b2 c3"])
def test_other_words_are_none(typed: str) -> None:
    assert typed_in_pieces(typed) == []
