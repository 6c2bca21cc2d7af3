"""The days and months that texts and names of files state, as ISO 8601 writes them: the form in which all ways meet.

Of a running text, only those with the name of their month, or with words or blanks that some languages write between
the numbers: `dates` has the other forms of digits, for what is typed. Used by `words`. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from magicfs.text.analysis.cjk_numbers import NUMERALS, with_digits
from magicfs.text.analysis.eras import days_of_eras
from magicfs.text.analysis.months import (
    DAYS,
    MONTHS,
    NAME,
    month_alone,
    month_between_signs,
    month_number,
    month_of_any_year,
)
from magicfs.text.analysis.tokens import SPACE

_NUMBER: Final = r"(?<![\w.,:/])(?<![0-9]-)([0-9]{1,2})(?:st|nd|rd|th|er|\.|\u00ba)?"
_CENTURIES: Final = ("20", "19", "18", "17", "25")
_YEAR: Final = re.compile(r"[12](?<!\w.)[0-9]{3}(?![\w/-]|[.,][0-9])")
"""A year. It begins with a set of characters, for which `re` searches quickly."""
_BEFORE_YEAR: Final = re.compile(
    rf"(?:{_NUMBER}(?:{SPACE}(?:of |de )?|[-/]|(?<=\.)))?(?<![^\W\d_])({NAME})"
    rf"(?:[.,]{{0,2}}{SPACE}(?:del? |of )?|[-/.])\Z"
    rf"|(?<![^\W\d_])({NAME})\.?{SPACE}(?:the )?{_NUMBER},?{SPACE}\Z"
)
"""A month by its name, and perhaps a day before or behind it."""
_WORD: Final = re.compile(NAME)
_BEHIND_YEAR: Final = re.compile(rf"\.?(?: m\.)?{SPACE}({NAME}){SPACE}([0-9]{{1,2}})(?![0-9]|[.,:/-][0-9])")
"""A day as Hungarian and Lithuanian write it."""
_SHORT_DAY: Final = re.compile(r"([-/.])(?<=[0-9].)([^\W\d_]{3,9})\1([0-9]{2})(?![\w/-]|\.[0-9])")
_NUMBER_BEFORE: Final = re.compile(r"(?<![\w./-])[0-9]{1,2}\Z")
_DAY_BEHIND_MONTH: Final = re.compile(r"[-/.](?<=[^\W\d_].)([0-9]{1,2})[-/.]([12][0-9]{3})(?![\w/-]|\.[0-9])")
"""These begin with a sign, and not with a digit: most texts with many digits have fewer signs beside a letter."""
_NAME_BEFORE: Final = re.compile(r"(?<![\w./-])[^\W\d_]{3,9}\Z")
_LONGEST_NAME: Final = 10
_DIGITS_OF_DAY: Final = 2
_FIRST_OF_LAST_CENTURY: Final = "70"
_LONGEST: Final = 40
_WORDS_BEFORE: Final = 3
"""The words before a year of which one is the month; the others may be `of`, `the`, and the ending of a number."""
_BEHIND_MONTH: Final = " \u00a0\u202f/-."
_YEAR_BEHIND_LETTER: Final = re.compile(r"[12](?<=[A-Za-z].)(?:(?<=1)9|(?<=2)0)[0-9]{2}(?!\w)")
_JOINED_DAY: Final = re.compile(r"(?<!\w)([0-9]{1,2})([A-Za-z]{3,9})\Z")
"""A day as airlines write it: `09MAR2022`."""
_LONGEST_JOINED: Final = 11
FAR_EAST: Final = re.compile("([12][0-9]{3})([年년]) ?([0-9]{1,2})([月월])(?: ?([0-9]{1,2})([日일]))?")
VIETNAMESE: Final = re.compile(
    r"(?:(?<![\w./-])([0-9]{1,2}) )?(tháng) ([0-9]{1,2})(?:,? (năm) |/|, ?)([12][0-9]{3})(?![\w/-])", re.IGNORECASE
)
"""Days and months with words between their numbers. All words are groups."""
_DAY_WITH_BLANKS: Final = re.compile(
    r"[0-9](?<![\w./-].)(?:(?<![0-9].)[0-9]?\. ?[0-9]{1,2}\. ?[12][0-9]{3}(?![\w/-]|\.[0-9])"
    r"|[0-9]{3}\. ?[0-9]{1,2}\. ?[0-9]{1,2}(?![\w/-]|\.[0-9]))"
)
"""A day in digits with blanks, as Czech, Hungarian and Korean have it: `9. 3. 2022`, `2022. 3. 9.`."""
_ROMAN_MONTHS: Final = dict(zip("I II III IV V VI VII VIII IX X XI XII".split(), range(1, 13), strict=True))
_ROMAN_MONTH: Final = re.compile(
    r"[IVX](?<=[0-9. /-].)(?:(?<=[0-9].{2})|(?<=[0-9][.].{2}))[IVX]{0,3}(?=\.? ?[0-9]|[/-][0-9])"
)
_BEFORE_ROMAN: Final = re.compile(r"(?<![\w.,/-])([12][0-9]{3}|[0-9]{1,2})(?:\.? |[./-])\Z")
_BEHIND_ROMAN: Final = re.compile(r"(?:\.? |[./-])([12][0-9]{3}|[0-9]{1,2})(?![\w/-]|[.,][0-9])")
_LONGEST_BEFORE_ROMAN: Final = 8
_YEAR_AND_DAY: Final = 4
"""More digits than a year has."""
_MONTH_IN_CHARACTERS: Final = re.compile(f"[{NUMERALS}]月")
_THAI: Final = ("\u0e00", "\u0e7f")
_FIRST_THAI_YEAR: Final = 2400
_THAI_YEARS: Final = 543
"""The years by which the calendar of Thailand is ahead."""

_YEAR_IN_NAME: Final = re.compile("[12][0-9]{3}")
_YEAR_FIRST: Final = re.compile(
    r"(?<![0-9])(?:((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])(?:[0-2][0-9][0-5][0-9][0-5][0-9])?"
    r"|([12][0-9]{3})([-_. ])([0-9]{1,2})\5([0-9]{1,2}))(?![0-9])"
)
_DAY_FIRST: Final = re.compile(r"(?<![0-9])([0-9]{1,2})([-_. ])([0-9]{1,2})\2([12][0-9]{3})(?![0-9])")
_MONTH: Final = re.compile(r"(?<![0-9])(?<![0-9][-_. ])([12][0-9]{3})[-_. ]([01][0-9])(?![-_. ]?[0-9])")
_NAMED_MONTH: Final = re.compile(r"([^\W\d_]{3,12})[-_., ]{1,2}(?:de )?([12][0-9]{3})(?![0-9])")
_MONTH_CHARACTERS: Final = len("2024-01")
_ISO_MONTH: Final = re.compile("[0-9]+-([0-9]{2})")


def stated_dates(text: str) -> list[str]:
    """The days that a readable text has, each once, and the months of these and those without a day: `2024-01`."""
    found: list[str] = []
    found += [date for year, month, day, _ in short_days(text) for date in _iso(year, month, day)]
    if any(century in text for century in _CENTURIES):
        found += _spelt(text)
        found += [date for year, month, day, _ in roman_days(text) for date in _iso(year, month, day)]
        found += [date for year, month, day in days_with_blanks(text) for date in _iso(year, int(month), day)]
        found += [date for year, month, day, _ in joined_days(text) for date in (*_iso(year, month, day), year)]
    if "月" in text or "월" in text:
        found += [
            date for year, _, month, _, day, _ in FAR_EAST.findall(text) for date in _iso(year, int(month), day or None)
        ]
    for one in days_of_eras(text):
        found += [one.year, *(_iso(one.year, int(one.month), one.day) if one.month else ())]
    if "tháng" in text or "Tháng" in text:
        found += [
            date for day, _, month, _, year in VIETNAMESE.findall(text) for date in _iso(year, int(month), day or None)
        ]
    return list(dict.fromkeys(found + [date[:_MONTH_CHARACTERS] for date in found]))


def dates_in_characters(text: str) -> list[str]:
    """The days and months of a readable text whose numbers are Chinese characters, each once."""
    if not _MONTH_IN_CHARACTERS.search(text):
        return []
    return stated_dates(with_digits(text))


def _spelt(text: str) -> Iterator[str]:
    """The days and months with a name."""
    for match in _YEAR.finditer(text):
        start, end = match.span()
        found: list[str] = []
        if (
            start
            and text[start - 1] in _BEHIND_MONTH
            and any(map(month_between_signs, _WORD.findall(text, max(0, start - _LONGEST), start)[-_WORDS_BEFORE:]))
            and (before := _BEFORE_YEAR.search(text, max(0, start - _LONGEST), start))
        ):
            day, name, second_name, second_day = before.groups()
            has_signs = not (text[start - 1].isspace() or before[0][len(day or "")].isspace())
            found = _named(match[0], name or second_name, day or second_day, has_signs=has_signs)
        if not found and text[end : end + 1] in {" ", "."} and (behind := _BEHIND_YEAR.match(text, end)):
            found = list(_iso(match[0], month_alone(behind[1], has_case=True), behind[2]))
        yield from found


def days_with_blanks(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the years, months and days, as written, of the days in digits with blanks between their numbers."""
    for day in _DAY_WITH_BLANKS.findall(text) if ". " in text else ():
        if " " in day:
            first, month, last = day.replace(" ", "").split(".")
            yield (first, month, last) if len(first) > len(last) else (last, month, first)


def short_days(text: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield the days with the name of their month between signs, whose year has two digits or whose month comes first.

    `05-JAN-21`, `Jan-05-2021`: the year, the month, the day, and what is written.
    """
    for match in _SHORT_DAY.finditer(text):
        _, name, year = match.groups()
        day = _NUMBER_BEFORE.search(text, max(0, match.start() - _DIGITS_OF_DAY), match.start())
        if day and (month := month_between_signs(name)) is not None:
            century = "19" if year >= _FIRST_OF_LAST_CENTURY else "20"
            yield century + year, month, day[0], day[0] + match[0]
    for match in _DAY_BEHIND_MONTH.finditer(text):
        before = _NAME_BEFORE.search(text, max(0, match.start() - _LONGEST_NAME), match.start())
        if before and (month := month_between_signs(before[0])) is not None:
            yield match[2], month, match[1], before[0] + match[0]


def roman_days(text: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield the days whose month is a Roman number: the year, the month, the day, and what is written.

    `12.III.2024`, `12 III 2024`, and in Hungarian `2024. III. 12.`
    """
    for match in _ROMAN_MONTH.finditer(text):
        month = _ROMAN_MONTHS.get(match[0])
        start, end = match.span()
        before = _BEFORE_ROMAN.search(text, max(0, start - _LONGEST_BEFORE_ROMAN), start) if month else None
        behind = _BEHIND_ROMAN.match(text, end) if before else None
        if month and before and behind and len(before[1]) + len(behind[1]) > _YEAR_AND_DAY:
            year, day = (before[1], behind[1]) if len(before[1]) > len(behind[1]) else (behind[1], before[1])
            if len(day) <= _DIGITS_OF_DAY:
                yield year, month, day, before[0] + match[0] + behind[0]


def joined_days(text: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield the days that are one word with the name of their month: the year, the month, the day, and the word."""
    for year in _YEAR_BEHIND_LETTER.finditer(text):
        before = _JOINED_DAY.search(text, max(0, year.start() - _LONGEST_JOINED), year.start())
        if before and (month := month_number(before[2])) is not None:
            yield year[0], month, before[1], before[0] + year[0]


def _named(year: str, name: str, day: str | None, *, has_signs: bool) -> list[str]:
    """A day or a month with a name; of the calendar of Thailand, the year of other calendars too."""
    of_day = month_between_signs if has_signs else month_number
    month = of_day(name) if day else month_alone(name, has_case=True)
    western = western_year(year, name)
    return [*_iso(western, month, day), *([western] if western != year else [])]


def western_year(year: str, name: str) -> str:
    """A year as other calendars have it, if the name of its month is of the calendar of Thailand."""
    is_thai = _THAI[0] <= name[0] <= _THAI[1] and int(year) >= _FIRST_THAI_YEAR
    return str(int(year) - _THAI_YEARS) if is_thai else year


class DaysOfName(NamedTuple):
    """What the name of a file says of days."""

    days: tuple[str, ...] = ()
    """The days and months that it has in any form, but for those that are in it so: `2024-01`."""
    months: tuple[str, ...] = ()
    """The months of all of them without their year: see `month_of_any_year`."""


def days_of_name(name: str) -> DaysOfName:
    """The days and months that the name of a file has."""
    if not _YEAR_IN_NAME.search(name):
        return DaysOfName()
    days = dict.fromkeys(_all_of_name(name))
    months = dict.fromkeys(month_of_any_year(int(found[1])) for found in map(_ISO_MONTH.match, days) if found)
    return DaysOfName(tuple(day for day in days if day not in name), tuple(months))


def _all_of_name(name: str) -> Iterator[str]:
    for match in _YEAR_FIRST.finditer(name):
        year, month, day = match.group(1, 2, 3) if match[1] else match.group(4, 6, 7)
        yield from _iso(year, int(month), day)
    for day, _, month, year in _DAY_FIRST.findall(name):
        yield from _iso(year, int(month), day)
    yield from stated_dates(name.replace("_", " "))
    for year, month in _MONTH.findall(name):
        yield from _iso(year, int(month))
    for word, year in _NAMED_MONTH.findall(name):
        yield from _iso(year, month_alone(word, has_case=False))


def _iso(year: str, month: int | None, day: str | None = None) -> Iterator[str]:
    """A day or a month in ISO 8601, unless there is none such."""
    if month is None or not 1 <= month <= MONTHS:
        return
    if day is None:
        yield f"{year}-{month:02}"
    elif 1 <= int(day) <= DAYS:
        yield f"{year}-{month:02}-{int(day):02}"
