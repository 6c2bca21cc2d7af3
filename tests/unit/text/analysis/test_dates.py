"""Days are found however they are written: in texts with the name of the month, in names of files without signs."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, analyze_path
from magicfs.text.analysis.dates import date_forms
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.stated_days import DaysOfName, days_of_name, stated_dates
from tests.unit.text.analysis.vectors import missed_in

DAY = "2024-01-31"


@pytest.mark.parametrize(
    "spelt",
    [
        "31 January 2024",
        "31 Jan 2024",
        "31-Jan-2024",
        "[31/Jan/2024:10:00:00 +0000]",
        "31st of January, 2024",
        "the 31st January 2024",
        "January 31, 2024",
        "January 31st, 2024",
        "January the 31st, 2024",
        "Jan. 31 2024",
        "Wed, 31 Jan 2024 08:00:00 +0000",
        "31. Januar 2024",
        "31 janvier 2024",
        "31 janv. 2024",
        "31 ene. 2024",
        "31 янв. 2024",
        "31 de enero de 2024",
        "31 января 2024 года",
        "31 stycznia 2024 r.",
        "31\u00a0januari 2024",
        "2024年1月31日",
        "2024년 1월 31일",
        "31. 1. 2024",
        "31. 01. 2024",
        "2024. 1. 31.",
        "2024. 01. 31",
        "ngày 31 tháng 1 năm 2024",
        "2024. január 31.",
        "2024 m. sausio 31 d.",
        "31. tammikuuta 2024",
        "31 มกราคม 2567",
        "३१ जनवरी २०२४",
        "ב-31 בינואר 2024",
        "٣١ يناير ٢٠٢٤",
        "31 gener 2024",
    ],
)
def test_a_day_with_its_month_by_name_is_the_day_in_digits(spelt: str) -> None:
    found = stated_dates(readable(f"it was {spelt} there")[0])
    assert [date for date in found if "-" in date] == [DAY, DAY[:7]]
    for typed in (
        DAY,
        "31.01.2024",
        "31.1.2024",
        "01/31/2024",
        "20240131",
        "2024/1/31",
        "31 January 2024",
        "Jan 31, 2024",
        "2024年1月31日",
        "2024년 1월 31일",
        "January 2024",
        "2024-01",
        "01/2024",
    ):
        assert missed_in(analyze(f"it was {spelt} there"), typed) == [], typed


@pytest.mark.parametrize("spelt", ["3 Sept. 2021", "3. Sept. 2021", "Sept 3, 2021", "3 wrz 2021", "3 сент. 2021"])
def test_months_are_known_by_their_abbreviations(spelt: str) -> None:
    assert stated_dates(f"it was {spelt} there") == ["2021-09-03", "2021-09"]
    assert missed_in(analyze("due 2021-09-03 at noon"), spelt) == []


@pytest.mark.parametrize(
    "spelt",
    [
        "in January 2024",
        "Jan 2024",
        "im Januar 2024",
        "janvier 2024",
        "enero de 2024",
        "январь 2024",
        "2024年1月",
        "tháng 1 năm 2024",
        "Jan-2024",
    ],
)
@pytest.mark.parametrize(
    "typed",
    [
        "2024-01",
        "01/2024",
        "1/2024",
        "2024/01",
        "01.2024",
        "01-2024",
        "January 2024",
        "Januar 2024",
        "2024年1月",
        "2024 January",
    ],
)
def test_a_month_is_found_by_its_name_and_in_digits(spelt: str, typed: str) -> None:
    assert stated_dates(f"it was {spelt}, there") == [DAY[:7]]
    assert missed_in(analyze(f"it was {spelt}, there"), typed) == []


@pytest.mark.parametrize(
    "written", ["2024/1/31", "2024.1.31", "2024-1-31", "2024/01/31", "31-01-2024", "31/01/2024", "31.1.24"]
)
@pytest.mark.parametrize("typed", [DAY, "31.1.2024", "31 January 2024", "2024年1月31日", "2024/1/31"])
def test_a_day_in_digits_is_found_in_another_order(written: str, typed: str) -> None:
    assert missed_in(analyze(f"due {written} at noon"), typed) == []


@pytest.mark.parametrize("typed", ["31 January 2024", DAY, "2024-01"])
def test_another_day_and_another_month_are_not_found(typed: str) -> None:
    assert missed_in(analyze("it was in February 2023, on 30.12.2022"), typed) != []


@pytest.mark.parametrize("written", ["31.01.24", "31.1.24", "31/01/24", "31/1/24", "1/31/24"])
def test_a_day_with_two_digits_of_its_year_is_found_in_iso(written: str) -> None:
    assert missed_in(analyze(f"[{written}, 18:45] a chat"), DAY) == []


@pytest.mark.parametrize("text", ["set 2021", "out 2021", "5 ago 2021", "3 set 2021"])
def test_english_words_are_no_abbreviations_of_months(text: str) -> None:
    assert stated_dates(text) == []


@pytest.mark.parametrize("written", [DAY, "31.01.2024", "31.1.2024", "31/01/2024", "01/31/2024", "20240131"])
@pytest.mark.parametrize("typed", ["31 January 2024", "Jan 31, 2024", "January 31st, 2024", "31. Januar 2024"])
def test_a_day_in_digits_is_found_with_its_month_by_name(written: str, typed: str) -> None:
    assert missed_in(analyze(f"due {written} at noon"), typed) == []


@pytest.mark.parametrize(
    "text",
    [
        "12 monkeys 1995",
        "the 5 may 20244",
        "version 3.31 march 2024a",
        "45 May 2024",
        "31 2024",
        "he may 12, 2024 ways",
        "on 5 of 2024",
        "chapter 1, 2024",
    ],
)
def test_what_is_no_day_gives_none(text: str) -> None:
    assert [day for day in stated_dates(text) if day not in {"2024-05-12", "2024-05"}] == []


@pytest.mark.parametrize(
    "text",
    [
        "deshalb wurde sie 2021 geehrt",
        "spotkali się 2020 razy",
        "it may 2000 times be so",
        "they march 2000 miles",
        "gen 2020",
        "mag 2020",
        "le mag 2020",
        "kas 2020",
        "ara 2020",
        "Lis 2020",
        "haz 2020",
        "nis 2021",
        "dez 2020",
        "with Marco 2020 and Marta 2021",
        "in 2020 may 12 percent rise",
    ],
)
def test_a_word_before_a_year_is_no_month(text: str) -> None:
    assert stated_dates(text) == []


@pytest.mark.parametrize(
    "spelt",
    ["May 2024", "Mai 2024", "mai 2024", "maj 2024", "Mei 2024", "май 2024", "мая 2024", "מאי 2024", "मई 2024"],
)
def test_a_short_name_of_a_month_is_one_before_a_year(spelt: str) -> None:
    assert stated_dates(f"(since {spelt})") == ["2024-05"]
    assert missed_in(analyze("due 05/2024 at noon"), spelt) == []


@pytest.mark.parametrize("spelt", ["Mar 2024", "March 2024", "mars 2024", "März 2024", "março 2024", "mart 2024"])
def test_a_capital_tells_a_month_from_a_word_in_english(spelt: str) -> None:
    assert stated_dates(f"(since {spelt})") == ["2024-03"]


@pytest.mark.parametrize("typed", ["may 2024", "march 2024 invoice", "dec 2024", "2024 may"])
def test_a_typed_month_needs_no_capital(typed: str) -> None:
    assert len(list(date_forms(typed))) == 1


@pytest.mark.parametrize("name", ["invoice may 2024.pdf", "invoice_march_2024.pdf", "dec-2024.pdf"])
def test_a_month_in_a_name_needs_no_capital(name: str) -> None:
    assert len(days_of_name(name).days) == 1


@pytest.mark.parametrize(
    "typed", ["may 2000 times", "march 2000 miles", "wurde sie 2021", "się 2020", "kas 2020", "marco 2020", "gen 2020"]
)
def test_what_is_typed_before_a_year_is_mostly_no_month(typed: str) -> None:
    assert list(date_forms(typed)) == []


def test_a_day_is_stated_once() -> None:
    found = stated_dates("1 May 2024, and again 1 May 2024 and May 2, 2024")
    assert found == ["2024-05-01", "2024-05-02", "2024-05"]


@pytest.mark.parametrize(
    "name",
    [
        "IMG_20240131_142233.jpg",
        "PXL_20240131_101112345.mp4",
        "Screenshot 2024-01-31 at 10.20.30.png",
        "report_2024_01_31.pdf",
        "notes 2024.01.31.pdf",
        "scan 31-01-2024.pdf",
        "31.1.2024 minutes.txt",
        "20240131.log",
        "letter of 31 January 2024.txt",
        "letter_31_january_2024.txt",
        "IMG-20240131-WA0001.jpg",
        "IMG20240131142233.jpg",
        "20240131142233.pdf",
        "Scan2024-01-31_x.pdf",
    ],
)
@pytest.mark.parametrize("typed", [DAY, "31.01.2024", "20240131", "31 January 2024", "January 2024", "2024-01"])
def test_the_day_in_a_name_is_found(name: str, typed: str) -> None:
    assert missed_in(analyze_path(f"camera/{name}"), typed) == []


@pytest.mark.parametrize("name", ["statement_2024_01.pdf", "statement 2024-01.pdf", "statement January 2024.pdf"])
@pytest.mark.parametrize("typed", ["January 2024", "2024-01", "01/2024"])
def test_the_month_in_a_name_is_found(name: str, typed: str) -> None:
    assert missed_in(analyze_path(name), typed) == []


@pytest.mark.parametrize("name", ["20241331.log", "12345678.bin", "call 20240131123456789.wav", "v2024.13.1.txt", "x"])
def test_other_digits_of_a_name_are_no_day(name: str) -> None:
    assert days_of_name(name) == DaysOfName()


@pytest.mark.parametrize(
    "typed",
    [
        "31. 1. 2024",
        "2024. 1. 31.",
        "January the 31st 2024",
        "2024. január 31.",
        "2024 m. sausio 31 d.",
        "31 มกราคม 2567",
    ],
)
@pytest.mark.parametrize("written", ["2024-01-31", "31.01.2024"])
def test_days_are_typed_as_their_languages_write_them(typed: str, written: str) -> None:
    assert set(missed_in(analyze(f"signed {written}"), typed)) <= {"the", "m", "d"}
    assert missed_in(analyze("signed 2023-12-30"), typed) != []


@pytest.mark.parametrize("text", ["see 1. 2. 2024.5", "in 2024. 31. 12.", "chapter 12.1. 2024-5", "1. 45. 2024"])
def test_other_numbers_with_blanks_are_no_days(text: str) -> None:
    assert stated_dates(text) == []
