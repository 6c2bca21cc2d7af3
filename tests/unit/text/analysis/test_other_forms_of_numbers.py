"""Years, days, amounts and measures are found in the other ways in which people write them."""

from __future__ import annotations

import pytest

from magicfs.text.analysis.codes import code_forms
from magicfs.text.analysis.magnitudes import magnitude_forms
from magicfs.text.analysis.measures import decimal_forms
from magicfs.text.analysis.stated_days import roman_days, stated_dates
from magicfs.text.analysis.years import stated_years, year_forms
from tests.unit.text.analysis.vectors import missed


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        *(("music of the 1990s", typed) for typed in ("90s", "'90s", "the nineties", "1990s")),
        *(("of the early 80s", typed) for typed in ("1980s", "the eighties")),
        ("the roaring twenties", "1920s"),
        ("in den 1990er Jahren", "90er"),
        *(("Q4'21 results", typed) for typed in ("Q4 2021", "Q4 21", "2021Q4", "Q4/2021", "2021 Q4")),
        *(("Q4 2021 results", typed) for typed in ("Q4'21", "Q4 '21", "q4/21")),
        *(("Semester 2018/19", typed) for typed in ("2018/2019", "2018-19", "2018–2019")),
        *(("season 2018-2019", typed) for typed in ("2018/19", "2018/2019")),
        *(("the war of 1939-45", typed) for typed in ("1939-1945", "1939–1945")),
        ("the war of 1914–1918", "1914-18"),
    ],
)
def test_years_are_found_in_other_forms(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize("typed", ["20s", "10s", "100s", "5s", "2018/07", "2018/20", "H2O", "A4 21", "version 90.s"])
def test_what_is_no_year_has_no_other_forms(typed: str) -> None:
    assert list(year_forms(typed)) == []


@pytest.mark.parametrize(
    "written", ["09MAR2022", "9Mar2022", "09.Mar.2022", "09/mar/2022", "9.März.2022", "09-Mar-2022"]
)
@pytest.mark.parametrize("typed", ["2022-03-09", "9 March 2022", "09.03.2022", "March 2022", "9MAR2022", "09/Mar/2022"])
def test_a_day_has_the_name_of_its_month_between_signs_or_in_one_piece(written: str, typed: str) -> None:
    assert missed(f"a flight on {written} to Lisbon", typed) == []


def test_months_are_known_by_their_short_names_in_portuguese_and_italian() -> None:
    assert missed("boleto de 15/set/2016", "2016-09-15") == []
    assert missed("due 2016-08-15", "15-ago-2016") == []
    assert missed("the 15 set 2016 dolls on the shelf", "2016-09") != []


@pytest.mark.parametrize("written", ["45,50 €", "€45.50", "45,5 €", "45.5 EUR"])
@pytest.mark.parametrize("typed", ["45,5 €", "45.50 EUR", "45,50 €", "45.5 euros"])
def test_an_amount_has_a_zero_at_its_end_or_none(written: str, typed: str) -> None:
    assert missed(f"ice for {written} today", typed) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("3 477,05 zł", "3477,05 PLN"),
        ("12 500 Kč", "12500 CZK"),
        ("450 kr", "450 SEK"),
        ("450 kr", "450 NOK"),
        ("CHF 1'250.00", "1250 Franken"),
        ("฿900", "900 baht"),
    ],
)
def test_more_currencies_are_found_by_their_names(written: str, typed: str) -> None:
    assert missed(f"it costs {written} there", typed) == []


def test_a_number_of_thousands_has_a_letter_for_its_zeros() -> None:
    for typed in ("750000", "750,000", "750.000"):
        assert missed("750k users", typed) == []
    assert not list(magnitude_forms("2000 users, 1,234,000 and 750000.5"))


@pytest.mark.parametrize("written", ["10x20cm", "10 x 20 cm", "10×20 cm", "10x20 cm"])
@pytest.mark.parametrize("typed", ["10 x 20 cm", "10x20", "10×20cm", "10x20cm"])
def test_dimensions_have_their_unit_in_the_same_piece(written: str, typed: str) -> None:
    assert missed(f"a board of {written} oak", typed) == []


def test_a_screw_is_found_by_its_thread() -> None:
    assert missed("bolts M8x40", "M8") == []
    assert missed("bolts M8 x 40", "M8x40") == []


def test_a_temperature_has_its_sign_or_none() -> None:
    for written in ("37.5°C", "37.5 °C", "37.5 ℃"):
        assert missed(f"it has {written} now", "37.5C") == []


@pytest.mark.parametrize(
    ("written", "typed"), [("1Z 999 AA1 01 2345 6784", "1Z999AA10123456784"), ("112-233-445 95", "11223344595")]
)
def test_numbers_with_blanks_are_found_in_one_piece(written: str, typed: str) -> None:
    assert missed(f"it is {written}, see", typed) == []
    assert missed(f"it is {typed}, see", written) == []


def test_an_episode_is_found_by_its_season() -> None:
    assert missed("Pilot S02E05 rip", "season 2 episode 5") == []


def test_zeros_before_a_number_are_left_out_behind_the_point_of_a_word() -> None:
    assert missed("coupon No.00789 is valid", "789") == []
    assert missed("it is 2.0789 long", "789") != []


@pytest.mark.parametrize("written", ["05-JAN-21", "5.Jan.21", "5/Jan/21", "Jan-05-2021", "jan/5/2021", "(JAN.5.2021)"])
@pytest.mark.parametrize("typed", ["2021-01-05", "5 January 2021", "05-JAN-21", "05.01.2021"])
def test_a_day_with_a_month_between_signs_has_a_short_year_or_the_month_first(written: str, typed: str) -> None:
    assert missed(f"paid {written} by card", typed) == []


def test_a_short_year_is_of_this_century_or_of_the_last_one() -> None:
    assert missed("on 05-JAN-85", "1985-01-05") == []
    assert stated_dates("3-for-21 or 5-and-10, 7.set.up 12") == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        *(("令和5年3月5日の会議", typed) for typed in ("2023-03-05", "2023年3月5日", "2023年3月", "令和5年3月5日")),
        ("中華民國112年3月5日", "2023-03-05"),
        ("昭和64年1月7日", "1989-01-07"),
        ("平成元年5月の本", "1989"),
        ("2023年3月5日の会議", "令和5年3月5日"),
    ],
)
def test_a_year_of_an_era_is_one_of_the_common_calendar(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("138 0013 8000", "13800138000"),
        ("1234 5678 9012", "123456789012"),
        ("370 400 44", "37040044"),
        ("756.1234.5678.97", "7561234567897"),
    ],
)
def test_numbers_of_persons_and_banks_are_found_in_one_piece(written: str, typed: str) -> None:
    assert missed(f"it is {written}, see", typed) == []
    assert missed(f"it is {typed}, see", written) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [("a 401(k) plan", "401k"), ("a 401k plan", "401(k)"), ("under 501(c)(3)", "501c3"), ("under §12(a)", "12a")],
)
def test_a_number_has_its_letter_in_brackets_or_not(written: str, typed: str) -> None:
    assert missed(written, typed) == []


def test_a_year_has_an_apostrophe_for_its_century() -> None:
    assert missed("the class of \u201994", "1994") == []
    assert missed("the summer of '08", "2008") == []
    assert stated_years("a '42' of 6'12 and '34.5") == []


@pytest.mark.parametrize("text", ["print '25 items'", "VALUES ('a', '25 litres', 3)"])
def test_a_text_in_single_quotes_begins_with_no_year(text: str) -> None:
    assert missed(text, "2025") != []
    assert missed(f"{text}, as in '25", "2025") == []


@pytest.mark.parametrize("written", ["12.III.2019", "12. III. 2019", "12 III 2019", "12/III/2019", "2019. III. 12."])
@pytest.mark.parametrize("typed", ["2019-03-12", "12.03.2019", "12 March 2019", "12.III.2019", "12 III 2019"])
def test_the_month_of_a_day_is_a_roman_number(written: str, typed: str) -> None:
    assert missed(f"podpisano {written} w Gdyni", typed) == []
    assert missed("podpisano 12.03.2019", typed) == []


@pytest.mark.parametrize("text", ["Louis XIV 1700", "Teil V 2021", "12.IIII.2019", "Ludwig 14 XV 1770", "a1.V.2021b"])
def test_other_roman_numbers_are_no_months(text: str) -> None:
    assert list(roman_days(text)) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("error F.75 is shown", "F75"),
        ("error F75 is shown", "F.75"),
        ("a pressure of 1.4 bar", "1,4 bar"),
        ("ein Druck von 1,4 bar", "1.4 bar"),
        ("take 2.5mg daily", "2,5mg"),
        ("um 480 евро", "€480"),
        ("μίσθωμα 480 ευρώ", "480 EUR"),
        ("for €480", "480 евро"),
        ("за 90 долларов", "$90"),
    ],
)
def test_codes_decimals_and_currencies_are_written_in_several_ways(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize("typed", ["version 1.4.2", "1,400", "192.168.1.4", "12:1.4", "A4", "in20"])
def test_other_numbers_have_no_such_forms(typed: str) -> None:
    assert [*decimal_forms(typed), *code_forms(typed)] == []
