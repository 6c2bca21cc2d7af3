"""A day without its year is one word beside its number: other numbers with a point are none."""

from __future__ import annotations

import pytest

from magicfs.domain.term_weights import question_weights, term_weights
from magicfs.text.analysis import analyze, analyze_path, question_terms
from magicfs.text.analysis.abbreviations import stated_days_of_year
from tests.unit.text.analysis.vectors import missed, missed_in, positions


@pytest.mark.parametrize(
    "written", ["am 20.3. um 15 Uhr", "am 20.03.2025", "20. März", "20 March", "2025-03-20", "on March 20", "(20.03.)"]
)
@pytest.mark.parametrize("typed", ["20.3.", "Arzt 20.3.", "20.03."])
def test_a_day_is_found_with_its_year_and_by_the_name_of_its_month(written: str, typed: str) -> None:
    assert missed(f"Arzt {written}", typed) == []


@pytest.mark.parametrize("written", ["20.3 mm, 3 Katzen", "3.20 m, 20 Hunde", "20 und 3", "Version 20.3.1", "der März"])
def test_another_number_is_no_day(written: str) -> None:
    assert missed(f"Arzt {written}", "20.3.") != []


@pytest.mark.parametrize(
    "typed", ["what is new in version 2.5.", "Kapitel 2.5.", "§ 2.5.", "2.5", "release 3.11, version 2.5. "]
)
def test_the_point_of_a_sentence_makes_no_day_of_a_version(typed: str) -> None:
    text = "what is new in version 2.5 of the release 3.11, Kapitel 2.5, §2.5 and § 2.5"
    assert missed(text, typed) == []


@pytest.mark.parametrize("written", ["3.4.-5.4.", "3.4.–5.4.", "3.4./5.4.", "3.4.2025-5.4.2025", "3.-5.4."])
def test_the_last_day_of_several_is_one(written: str) -> None:
    assert missed(f"Ferien {written}", "5.4. Ferien") == []


@pytest.mark.parametrize("written", ["3.4.-5.4.", "3.4.–5.4.", "3.4./5.4.", "3.4.2025-5.4.2025"])
def test_the_first_day_of_several_is_one(written: str) -> None:
    assert missed(f"Ferien {written}", "3.4. Ferien") == []


def test_a_typed_day_keeps_its_number() -> None:
    assert [term.word for term in question_terms("Arzt 20.3.", languages=["de"])] == ["arzt", "20", "20.3"]
    assert [term.word for term in question_terms("3 Kinder 20.3.", languages=["de"])] == ["3", "kinder", "20", "20.3"]


def test_stated_days_are_days() -> None:
    text = "12.7. und 13.07.24, 1999-12-24, 32.1. 5.13. 1.2.3. 192.168.1.7 2024-13-01"
    assert stated_days_of_year(text) == ["--07-12", "--07-13", "--12-24"]


@pytest.mark.parametrize("typed", ["20. März", "March 20", "20 mars"])
def test_a_day_counts_more_than_sections_with_its_numbers(typed: str) -> None:
    assert bm25(f"am {typed} um 8", typed) > bm25("20.3. Ende\n20.3.1 Frist", typed) > 0


def bm25(text: str, typed: str) -> float:
    """The weight of a text for a question, if each word of it is as rare as any other one."""
    of_text = slots(term_weights(analyze(text, language="de")))
    of_question = slots(question_weights(dict.fromkeys(question_terms(typed, languages=["en", "de", "fr"]), 1.0)))
    return sum(weight * of_text.get(slot, 0.0) for slot, weight in of_question.items())


def slots(weights: str) -> dict[str, float]:
    entries = (entry.split(":") for entry in weights[1 : weights.index("}")].split(","))
    return {slot: float(weight) for slot, weight in entries}


@pytest.mark.parametrize(
    "name", ["2024-04_invoice.pdf", "invoice 2024-04-12.pdf", "20240412_invoice.pdf", "invoice12.4.2024.pdf", "a.txt"]
)
@pytest.mark.parametrize("typed", ["invoice april", "Rechnung April", "апрель", "which invoices of April are unpaid?"])
def test_a_month_is_found_in_names_in_digits(name: str, typed: str) -> None:
    [month] = [term for term in question_terms(typed, languages=["en", "ru"]) if term.word in {"april", "апрель"}]
    in_digits = {lexeme.text for lexeme in month.lexemes if not lexeme.is_exact}
    assert in_digits.isdisjoint(positions(analyze_path(name))) == (name == "a.txt")


@pytest.mark.parametrize(
    ("typed", "word"),
    [("invoice April 2019", "april"), ("will they may or may not", "may"), ("april-invoice", "april")],
)
def test_a_month_with_a_year_and_another_word_are_no_month_of_any_year(typed: str, word: str) -> None:
    assert word in missed_in(analyze_path("2024-04-12 2024-05-01"), typed)
