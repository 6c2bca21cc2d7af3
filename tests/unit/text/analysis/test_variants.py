"""Words that people write in one piece, in two, and with other letters are found by each other."""

from __future__ import annotations

import re

import pytest

from magicfs.text.analysis import analyze, analyze_path, forms_in_one_piece, question_terms, umlaut_forms
from tests.unit.text.analysis.vectors import missed


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
        ("$1,299", "1299"),
        ("12.345.678", "12345678"),
        ("1'500", "1500"),
        ("₹1,23,456", "123456"),
        ("٧٬٥٠٠", "7500"),
        ("๗,๕๐๐", "7500"),
        ("U.N.", "un"),
        ("N.A.S.A.", "nasa"),
        ("Y.M.C.A.", "ymca"),
        ("Haftpflicht-Versicherung", "Haftpflichtversicherung"),
        ("00:1A:2B:3C:4D:5E", "001a2b3c4d5e"),
        ("00-1A-2B-3C-4D-5E", "001a2b3c4d5e"),
        ("001a.2b3c.4d5e", "001a2b3c4d5e"),
        ("H.264", "h264"),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000"),
    ],
)
def test_a_compound_and_its_word_without_signs_find_each_other(signed: str, plain: str) -> None:
    assert missed(f"with {signed} here", plain) == []
    assert missed(f"with {plain} here", signed) == []


def test_initials_are_not_found_by_a_word_of_every_text() -> None:
    assert missed("tell us more, as it is", "U.S. I.T.") != []
    terms = question_terms("U.S. policy of I.T.", languages=["en"])
    assert {"us", "it"}.isdisjoint(lexeme.text for term in terms for lexeme in term.lexemes)
    assert missed("the U.S. policy", "US") == []


def test_the_word_without_signs_has_stems() -> None:
    assert missed("many e-mails came", "email") == []
    assert missed("one e-mail came", "emails") == []
    assert missed("one email came", "e-mails") == []


@pytest.mark.parametrize(
    "text",
    [
        *("self.connection.execute()", "max_retry_count", "2.10.3", "a long-winded-and-tedious-explanation", "x->y"),
        *("2.103.4", "05/07/2022 14", "2019 2020 2021 2022", "0 1 2 3 4 5 6", "call 12 of 0 or 1", "3.14159"),
        *("e.g.", "12:30:45", "1,23,45"),
    ],
)
def test_what_nobody_writes_in_one_piece_has_no_such_word(text: str) -> None:
    joined = "".join(filter(str.isalnum, text)).lower()
    assert f"'{joined}':" not in analyze(text)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("the file Rechnung2023", "rechnung 2023"),
        ("invoice2023 and 2024report", "invoice 2023 2024 report"),
        ("RFC 2616 says so", "rfc2616"),
        ("see RFC2616", "rfc 2616"),
        ("MyReport2023v2", "report 2023"),
        ("отчёт2023", "отчет 2023"),
        ("a run of 10km at 3pm", "10 km 3 pm"),
        ("10 km at 3.5 GHz", "10km 3.5GHz"),
        ("a 3.5GHz clock, 100MB", "3.5 ghz 100 mb"),
        ("invoice RE20230815", "20230815"),
        ("customer K00123, update KB5031356", "5031356 update 00123"),
        ("K 00123", "K00123"),
        ("INV2023000417", "2023000417"),
        ("arXiv:2103.01234v2", "2103.01234"),
        ("invoice 000417 of client 0042, room 007", "invoice 417 client 42 room 7"),
        ("INV000417, PO-0008", "417 8"),
        ("5l of milk", "5 l"),
        ("5 l of milk", "5l"),
        ("a disk of 10 GB and 3,5 t", "10GB 3,5t"),
        ("5 µl of it", "5μl"),
        ("flight LH 1234 over the A 7, KV 525", "LH1234 A7 KV525"),
    ],
)
def test_words_and_numbers_in_one_piece_are_found_by_either(text: str, question: str) -> None:
    assert missed(text, question) == []


@pytest.mark.parametrize(("text", "number"), [("0.0375", "375"), ("1,050", "50"), ("at 05:09", "5"), ("000", "0")])
def test_a_number_has_zeros_before_it_that_are_not_left_out(text: str, number: str) -> None:
    assert f"'{number}':" not in analyze(text)


def test_a_number_is_not_asked_for_by_the_letters_that_it_begins_with() -> None:
    assert [term.word for term in question_terms("EN10204 K00123", languages=["en"])] == [
        *("en10204", "10204", "k00123", "00123"),
    ]


def test_a_short_word_in_capitals_before_a_number_is_no_part_of_it() -> None:
    terms = question_terms("ROOM 7 OF 12 IN 2024", languages=["en"])
    assert [term.word for term in terms] == ["room", "7", "of", "12", "in", "2024"]


@pytest.mark.parametrize("shape", ["x.{}v2", "v{}.1", "a-{}", "{}", "{}v2", "RE{}", "1.{}", "{}-{}", "K{}.2"])
@pytest.mark.parametrize("piece", ["7", "a", "7f", "é", "漢"])
def test_no_word_is_longer_than_a_database_takes(shape: str, piece: str) -> None:
    text = shape.replace("{}", piece * 2500)
    assert max((len(word.encode()) for word in re.findall("'([^']+)':", analyze(text))), default=0) <= 2046


@pytest.mark.parametrize("text", ["mp3 h264 9f86d081 x86 4K", "4f1c2abe7d0e95c6970b74767f19372d61af8b2c"])
def test_short_names_and_digests_have_no_such_parts(text: str) -> None:
    words = set(re.findall("'([^']+)':", analyze(text)))
    assert words == set(text.lower().split())


def test_the_name_of_a_file_has_the_words_of_its_pieces() -> None:
    assert "'rechnung':" in analyze_path("2023/Rechnung2023.pdf")
    assert "'email':" in analyze_path("notes/e-mail.txt")
    assert "'gpt4':" in analyze_path("GPT-4.pdf")
    assert "'20240131':" in analyze_path("2024-01-31.jpg")


@pytest.mark.parametrize("typed", ["2024-01-31", "12:30", "12:30:45", "2024-01-31T12:30", "2024-01-31 12:30:45"])
@pytest.mark.parametrize(
    "text", ["at 2024-01-31T12:30:45Z in", "at 2024-01-31T12:30:45.123+01:00 in", "[2024-01-31T12:30:45,9]"]
)
def test_a_moment_is_found_by_its_day_and_by_its_time(text: str, typed: str) -> None:
    assert missed(text, typed) == []
    assert missed(text, text) == []


@pytest.mark.parametrize(
    ("typed", "languages", "form"),
    [
        ("aalborg", ["da"], "alborg"),
        ("haandbog", ["no", "en"], "handbog"),
        ("djordje", ["hr"], "dorde"),
        ("saal", ["de"], None),
        ("djibouti", ["fr"], None),
    ],
)
def test_two_letters_stand_for_one_in_some_languages(typed: str, languages: list[str], form: str | None) -> None:
    forms = {lexeme.text for lexeme in umlaut_forms(typed, languages=languages)}
    assert form in forms if form else not forms


@pytest.mark.parametrize(("typed", "text"), [("Åse", "Aase"), ("Đorđe", "Djordje"), ("smørrebrød", "smoerrebroed")])
def test_a_typed_letter_of_the_north_finds_two(typed: str, text: str) -> None:
    assert missed(f"here is {text}", typed) == []


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


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("met 20130114T0800 again", "20130114"),
        ("met 20130114T080000Z again", "2013-01-14"),
        ("am 12.11.15 da", "12.11.2015"),
        ("am 12.11.2015 da", "12.11.15"),
        ("am 01.02.2015 da", "1.2.2015"),
        ("on 2015-02-01", "1.2.15"),
        ("on 20150201", "01/02/2015"),
        ("on 14.01.2013", "20130114"),
        ("on 2022-06-01", "June 2022"),
        ("on 2022-06-01", "juin 2022"),
        ("1 de junio: 2022-06-01", "junio de 2022"),
        ("on 2022-08-01", "aout 2022"),
        ("am 01.06.2022", "июнь 2022"),
        ("on 2022-06-01", "يونيو 2022"),
        ("on 2022-06-01", "2022 jun"),
    ],
)
def test_a_date_is_found_by_its_other_forms(text: str, question: str) -> None:
    assert missed(text, question) == []


def test_a_pasted_text_with_many_dates_has_few_forms() -> None:
    pasted = " ".join(
        f"{day}.{month}.2015 {2000 + day}{month:02}11 june {1990 + day}"
        for day in range(1, 29)
        for month in range(1, 13)
    )
    terms = question_terms(pasted, languages=["en"])
    assert max(len(term.lexemes) for term in terms) < 120


def test_the_name_of_a_file_is_found_by_its_date() -> None:
    assert "'20130114':" in analyze_path("notes/20130114T0800.md")
    assert "'2022-06':" in analyze_path("notes_2022-06-01.txt")


@pytest.mark.parametrize("typed", ["3.0.13", "10.1.2.3", "2022 files", "12.13.14.15", "32.12.2015"])
def test_what_is_no_date_has_no_other_forms(typed: str) -> None:
    lexemes = [lexeme.text for term in question_terms(typed, languages=["en"]) for lexeme in term.lexemes]
    assert not [text for text in lexemes if re.fullmatch("[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text)]


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ("SW1A 1AA", "SW1A1AA"),
        ("K1A 0B1", "k1a0b1"),
        ("AB12 CDE", "AB12CDE"),
        ("1012 AB", "1012ab"),
        ("KA 01 AB 1234", "KA01AB1234"),
        ("M-XY 1234", "MXY1234"),
        ("\u0410 123 \u0412\u0421", "\u0430123\u0432\u0441"),
        ("4 006381 333931", "4006381333931"),
        ("978 3 16 148410 0", "9783161484100"),
        ("55/218.332-7", "552183327"),
        ("123.456.789-09", "12345678909"),
        ("181/815/08155", "18181508155"),
        ("5 p.m.", "5pm"),
        ("11:30 A.M.", "11:30am"),
        ("5 \u00b5m", "5um"),
        ("90 m\u00b2", "90m2"),
    ],
)
def test_a_code_and_its_form_in_one_piece_find_each_other(pieces: str, whole: str) -> None:
    assert missed(f"with {pieces} here", whole) == []
    assert missed(f"with {whole.upper() if whole[-1] != 'm' else whole} here", pieces) == []


@pytest.mark.parametrize(
    "text", ["4 006381 333932", "GO TO 12", "In 2012 IT was", "192.168.1.0/24", "IT 12 IS", "31/12/2023"]
)
def test_what_is_no_code_has_no_form_in_one_piece(text: str) -> None:
    assert f"'{re.sub('[^a-z0-9]', '', text.lower())}':" not in analyze(text)
    assert "'2012it':" not in analyze(text)


def test_words_apart_have_their_compound_as_another_form_of_both() -> None:
    forms = forms_in_one_piece("Data  Base Systems?", languages=["en"])
    assert [pair for pair, _ in forms] == [("data", "base"), ("base", "systems")]
    assert {"database", "^databas"} < {lexeme.text for lexeme in forms[0][1]}
    assert "^basesystem" in {lexeme.text for lexeme in forms[1][1]}
    assert all(lexeme.factor < 1 and not lexeme.is_exact for _, lexemes in forms for lexeme in lexemes)


def test_an_ending_is_no_second_word() -> None:
    [(_, forms)] = forms_in_one_piece("Störungen des", languages=["de"])
    assert {lexeme.text for lexeme in forms} == {"storungendes"}


@pytest.mark.parametrize(
    "question",
    [
        *(
            "data",
            "a base",
            "data, base",
            "data-base",
            "data.base base_data",
            "data 2023",
            "data* base*",
            "data base database",
        ),
        "the data base of all things that are known",
    ],
)
def test_other_words_have_no_compound(question: str) -> None:
    forms = forms_in_one_piece(question, languages=["en"])
    assert ("data", "base") not in [pair for pair, _ in forms]
