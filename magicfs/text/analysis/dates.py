"""Other forms of the dates that are typed in a question: `12.11.15` for `12.11.2015`, `2022-06` for `June 2022`.

`stated_days` has what texts and names state of days. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from magicfs.text.analysis.eras import days_of_eras
from magicfs.text.analysis.months import DAYS, MONTHS, month_alone, month_between_signs, month_number
from magicfs.text.analysis.stated_days import (
    FAR_EAST,
    VIETNAMESE,
    days_with_blanks,
    joined_days,
    roman_days,
    short_days,
    western_year,
)
from magicfs.text.analysis.tokens import is_unspaced
from magicfs.text.analysis.variants import OtherForms

_DATE: Final = re.compile(r"(?<![\w./-])([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{4}|[0-9]{1,2})(?![\w/-]|\.[0-9])")
_COMPACT: Final = re.compile(r"(?<![\w./-])((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])(?![\w/-]|\.[0-9])")
_MONTH_LAST: Final = re.compile(r"(?<![\w./-])([12][0-9]{3})([-./])([01]?[0-9])(?![\w/-]|\.[0-9])")
_MONTH_FIRST: Final = re.compile(r"(?<![\w./-])([01]?[0-9])([./-])([12][0-9]{3})(?![\w/-]|\.[0-9])")
_NAMED: Final = r"(?P<name>[^\s\d.,/-]{2,12})"
_NUMBERED: Final = r"(?P<day>[0-9]{1,2})(?P<ending>[^\W\d_]{0,2})"
_OF_YEAR: Final = r"(?P<year>[12][0-9]{3})(?![\w/-]|\.[0-9])"
_NAMED_DAY: Final = re.compile(
    rf"(?<![\w./-]){_NUMBERED}(?:\.?[ -]|[./])(?:of |de )?{_NAMED}(?:[.,]{{0,2}}[ -](?:del? )?|[./]){_OF_YEAR}"
)
_NAMED_DAY_SECOND: Final = re.compile(rf"{_NAMED}\.? (?:the )?{_NUMBERED},? {_OF_YEAR}")
_NAMED_DAY_LAST: Final = re.compile(
    rf"(?<![\w./-])(?P<year>[12][0-9]{{3}})\.?(?: m\.)? {_NAMED} {_NUMBERED}(?![\w/-]|\.[0-9])"
)
"""A day with the name of its month, in the three orders: the last one is that of Hungarian and Lithuanian."""
_MONTH: Final = re.compile(r"([^\s\d.,]{2,12})[.,]? (?:de |del )?([12][0-9]{3})(?![\w/-]|\.[0-9])")
_YEAR_FIRST: Final = re.compile(r"(?<![\w./-])([12][0-9]{3}) ([^\s\d.,]{2,12})")
_ROUND: Final = "00"
_WORD_BEHIND: Final = re.compile(r" [^\W\d_]")
_ISO: Final = re.compile("[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?")
_YEAR_DIGITS: Final = 4
_SHORT: Final = 2
_MAX_DATES: Final = 4
_OF_AIRLINES: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
"""The months in `14MAR25`, as tickets have it in one piece."""
_CENTURIES: Final = ("20", "19")

_Date = tuple[str, int, str | None]
"""A year as it is typed, a month, and the day of a day."""


def date_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of the first dates of each kind in a typed text."""
    for kind in (_days_in_digits, _named_days, _dates_with_signs, _months):
        for words, dates in islice(kind(text), _MAX_DATES):
            yield words, list(dict.fromkeys(form for date in dates for form in _forms(*date)))


def whole_date(text: str) -> list[str]:
    """A typed text that is a day or a month, in ISO 8601, in each way to read it; none for another text."""
    typed = text.lower().replace("_", " ")
    pieces = set(re.findall(r"[^\W_]+", typed)) - {"of", "de", "del"}
    if _ISO.fullmatch(typed):
        return [typed]
    is_month = any(pattern.fullmatch(typed) for pattern in (_MONTH, _YEAR_FIRST, _MONTH_FIRST, _MONTH_LAST))
    found = [forms for words, forms in date_forms(typed) if is_month or pieces <= words]
    return list(dict.fromkeys(form for forms in found for form in forms if _ISO.fullmatch(form)))


def days_in_one_piece(text: str) -> dict[str, list[str]]:
    """The days of a typed text that have signs between their digits, such as `03.03.25`, each with its numbers."""
    found = {match[0]: [match[1], match[3], match[4]] for match in islice(_DATE.finditer(text), _MAX_DATES)}
    return {day: numbers for day, numbers in found.items() if whole_date(day)}


def _days_in_digits(text: str) -> Iterator[tuple[frozenset[str], list[_Date]]]:
    """The days in digits, each with all ways to read it: without points, the month is first in some countries."""
    for match in _DATE.finditer(text):
        first, sign, second, third = match.groups()
        if len(first) == _YEAR_DIGITS and len(third) <= _SHORT:
            days = [(first, int(second), third)]
        elif len(first) <= _SHORT and len(third) != 1:
            days = [(third, int(second), first)]
            if sign != "." or int(second) > MONTHS:
                days.append((third, int(first), second))
        else:
            continue
        yield frozenset({match[0], first, second, third}), list(days)
    for year, month, day in _COMPACT.findall(text):
        yield frozenset({year + month + day}), [(year, int(month), day)]


def _named_days(text: str) -> Iterator[tuple[frozenset[str], list[_Date]]]:
    """The days with the name of their month. Each stands for all three words."""
    for pattern in (_NAMED_DAY, _NAMED_DAY_SECOND, _NAMED_DAY_LAST):
        for match in pattern.finditer(text):
            day, name, year = match["day"], match["name"], match["year"]
            month = month_number(name) if " " in match[0] else month_between_signs(name)
            if month is not None:
                words = {name[place : place + 2] for place in range(len(name) - 1)} if is_unspaced(name) else set()
                words |= {day + match["ending"], name.lower(), year}
                yield frozenset(words), [(western_year(year, name), month, day)]


def _dates_with_signs(text: str) -> Iterator[tuple[frozenset[str], list[_Date]]]:
    """The days and months of languages that write words between the numbers, which are no words of the question."""
    for match in FAR_EAST.finditer(text):
        year, _, month, _, day, _ = match.groups()
        yield frozenset(filter(None, match.groups())), [(year, int(month), day)]
    for match in VIETNAMESE.finditer(text):
        day, _, month, _, year = match.groups()
        yield frozenset({"ngày", *filter(None, match.groups())}), [(year, int(month), day)]
    for numbers in days_with_blanks(text):
        year, month, day = numbers
        yield frozenset(numbers), [(year, int(month), day)]
    for year, number, day, word in joined_days(text):
        yield frozenset({word}), [(year, number, day)]
    for year, number, day, written in (*short_days(text), *roman_days(text)):
        yield frozenset({written.lower(), *re.findall(r"[^\W_]+", written.lower())}), [(year, number, day)]
    for one in days_of_eras(text):
        if one.month:
            yield one.words, [(one.year, int(one.month), one.day)]


def _months(text: str) -> Iterator[tuple[frozenset[str], list[_Date]]]:
    """The months with their year, by name or in digits. Each stands for the month alone: any date has its year."""
    named = [match.groups() for match in _MONTH.finditer(text) if not _is_count(match)]
    named += [(name, year) for year, name in _YEAR_FIRST.findall(text)]
    for name, year in named:
        month = month_alone(name, has_case=False)
        if month is not None:
            yield frozenset({name}), [(year, month, None)]
    for year, _, digits in _MONTH_LAST.findall(text):
        yield frozenset({digits}), [(year, int(digits), None)]
    for digits, _, year in _MONTH_FIRST.findall(text):
        yield frozenset({digits}), [(year, int(digits), None)]


def _is_count(match: re.Match[str]) -> bool:
    """Whether a word and a year are a count of something: `may 2000 times`."""
    name, year = match.groups()
    return name.islower() and year.endswith(_ROUND) and bool(_WORD_BEHIND.match(match.string, match.end()))


def _forms(year: str, month: int, day: str | None) -> list[str]:
    """The ways to write a day or a month; none for anything else."""
    if not 1 <= month <= MONTHS:
        return []
    if day is None:
        return [f"{year}{sign}{month:02}" for sign in "-/."] + [
            *(f"{digits}{sign}{year}" for digits in (f"{month:02}", f"{month}") for sign in "./-"),
            f"{year}/{month}",
            f"{year}.{month}",
        ]
    if not (1 <= int(day) <= DAYS and len(year) in {_SHORT, _YEAR_DIGITS}):
        return []
    years = [year] if len(year) == _YEAR_DIGITS else [century + year for century in _CENTURIES]
    forms = [form for full in years for form in _forms_of_day(full, f"{month:02}", day.zfill(_SHORT))]
    return list(dict.fromkeys(forms))


def _forms_of_day(year: str, month: str, day: str) -> Iterator[str]:
    """The ways to write a day: in ISO 8601, with the year first, with the day first, and as in the United States."""
    yield f"{year}-{month}-{day}"
    yield year + month + day
    years = (year, year[-_SHORT:])
    for one_month, one_day in ((month, day), (month.lstrip("0"), day.lstrip("0"))):
        yield from (sign.join((year, one_month, one_day)) for sign in "-/.")
        yield from (sign.join((one_day, one_month, last)) for sign in "-/." for last in years)
        yield from (sign.join((one_month, one_day, last)) for sign in "-/" for last in years)
    yield from (f"{day}{_OF_AIRLINES[int(month) - 1]}{last}" for last in years)
