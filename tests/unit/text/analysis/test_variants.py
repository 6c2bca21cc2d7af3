"""Words that people write in one piece, in two, and with other letters are found by each other."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, analyze_path, question_terms, umlaut_forms


def missed(text: str, question: str, *, language: str = "en") -> list[str]:
    """The words of a question that a text has in no form."""
    return [
        term.word
        for term in question_terms(question, languages=[language])
        if not term.is_whole
        and not any(f"'{lexeme.text}':" in analyze(text, language=language) for lexeme in term.lexemes)
    ]


@pytest.mark.parametrize(
    ("signed", "plain"),
    [
        ("Node.js", "nodejs"),
        ("GPT-4", "gpt4"),
        ("e-mail", "email"),
        ("E-Mails", "emails"),
        ("Wi-Fi", "wifi"),
        ("T-Shirt", "tshirt"),
        ("COVID-19", "covid19"),
        ("U.S.A.", "usa"),
        ("O'Brien", "obrien"),
        ("R&D", "rd"),
        ("TCP/IP", "tcpip"),
        ("0170-1234567", "01701234567"),
        ("978-3-16-148410-0", "9783161484100"),
    ],
)
def test_a_compound_and_its_word_without_signs_find_each_other(signed: str, plain: str) -> None:
    assert missed(f"with {signed} here", plain) == []
    assert missed(f"with {plain} here", signed) == []


def test_the_word_without_signs_has_stems() -> None:
    assert missed("many e-mails came", "email") == []
    assert missed("one e-mail came", "emails") == []
    assert missed("one email came", "e-mails") == []


@pytest.mark.parametrize(
    "text",
    ["self.connection.execute()", "max_retry_count", "2.10.3", "a long-winded-and-tedious-explanation", "x->y"],
)
def test_what_nobody_writes_in_one_piece_has_no_such_word(text: str) -> None:
    joined = "".join(filter(str.isalnum, text)).lower()
    assert f"'{joined}':" not in analyze(text)


def test_the_name_of_a_file_has_the_words_of_its_pieces() -> None:
    assert "'email':" in analyze_path("notes/e-mail.txt")
    assert "'gpt4':" in analyze_path("GPT-4.pdf")
    assert "'20240131':" in analyze_path("2024-01-31.jpg")


@pytest.mark.parametrize(("typed", "text"), [("Müller", "Mueller"), ("Größe", "Groesse"), ("Bücher", "Buecher")])
def test_a_typed_umlaut_finds_two_letters(typed: str, text: str) -> None:
    assert missed(f"Die {text} ist hier", typed, language="de") == []
    assert missed(f"Die {text} ist hier", typed, language="en") == []


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        ("mueller", {"muller"}),
        ("schroeder", {"schroder"}),
        ("aerger", {"arger"}),
        ("neue", set()),
        ("bauer", set()),
        ("queue", set()),
        ("value", set()),
        ("oel", {"ol"}),
        ("42", set()),
    ],
)
def test_two_letters_may_mean_an_umlaut(typed: str, forms: set[str]) -> None:
    found = umlaut_forms(typed, languages=["en"])
    assert {lexeme.text for lexeme in found if not lexeme.text.startswith("^")} == forms
    assert all(lexeme.factor < 1 for lexeme in found)


def test_the_plural_of_two_letters_has_the_stem_of_the_umlaut() -> None:
    assert "^buch" in {lexeme.text for lexeme in umlaut_forms("buecher", languages=["de"])}
