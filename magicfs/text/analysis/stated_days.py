"""The days and months that texts and names of files state, as ISO 8601 writes them: the form in which all ways meet.

Of a running text, only days with the name of their month: `dates` has the other forms of digits, for what is typed.
Used by `words`: a question has its own forms (`dates.date_forms`). Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.analysis.dates import DAYS, MONTHS, month_number

_SPACE: Final = "[ \u00a0\u202f]"
_SPELT: Final = re.compile(
    r"([0-9](?<![\w.,:/-].)[0-9]?)(?:st|nd|rd|th|er|\.|\u00ba)?"
    rf"(?:(?:{_SPACE}(?:of |de )?|[-/])([^\W\d_]{{3,12}})(?:[.,]{{0,2}}{_SPACE}(?:del? )?|[-/])|,?{_SPACE})"
    r"([12][0-9]{3})(?![\w/-]|[.,][0-9])"
)
"""A day and its year with the name of the month between them, or before them. It begins with a set of characters, for
which `re` searches quickly."""
_YEAR_BEHIND: Final = re.compile("[12](?<=[ \u00a0\u202f/-].)[0-9]{3}(?![0-9A-Za-z_])")
"""What all of them have, and most texts have not."""
_CENTURIES: Final = ("20", "19", "18", "17")
_WORD_BEFORE: Final = re.compile(rf"([^\W\d_]{{3,12}})\.?{_SPACE}\Z")
_LONGEST_BEFORE: Final = 14
_FAR_EAST: Final = re.compile("([12][0-9]{3})[年년] ?([0-9]{1,2})[月월] ?([0-9]{1,2})[日일]")

_YEAR_IN_NAME: Final = re.compile("[12][0-9]{3}")
_YEAR_FIRST: Final = re.compile(
    r"(?<![0-9])(?:((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])"
    r"|([12][0-9]{3})([-_. ])([0-9]{1,2})\5([0-9]{1,2}))(?![0-9])"
)
_DAY_FIRST: Final = re.compile(r"(?<![0-9])([0-9]{1,2})([-_. ])([0-9]{1,2})\2([12][0-9]{3})(?![0-9])")
_MONTH: Final = re.compile(r"(?<![0-9])(?<![0-9][-_. ])([12][0-9]{3})[-_. ]([01][0-9])(?![-_. ]?[0-9])")
_NAMED_MONTH: Final = re.compile(r"([^\W\d_]{3,12})[-_., ]{1,2}(?:de )?([12][0-9]{3})(?![0-9])")


def spelt_days(text: str) -> list[str]:
    """The days that a text of letters and digits has with the name of their month, each once: `2024-01-31`."""
    found: list[str] = []
    for match in _SPELT.finditer(text) if _has_year(text) else ():
        day, name, year = match.groups()
        if name is None:
            start = match.start()
            before = _WORD_BEFORE.search(text, max(0, start - _LONGEST_BEFORE), start)
            name = before[1] if before else ""
        found += _iso(year, month_number(name) if name else None, day)
    if ("年" in text and "日" in text) or ("년" in text and "일" in text):
        found += [day for year, month, number in _FAR_EAST.findall(text) for day in _iso(year, int(month), number)]
    return list(dict.fromkeys(found))


def _has_year(text: str) -> bool:
    """Whether a text may have a day, by ever slower searches: for a digit, for two, and for a pattern."""
    if any(first in text and second in text and first + second in text for first, second in _CENTURIES):
        return _YEAR_BEHIND.search(text) is not None
    return False


def days_of_name(name: str) -> list[str]:
    """The days and months that the name of a file has in any form, but for those that are in it so: `2024-01`."""
    if not _YEAR_IN_NAME.search(name):
        return []
    return [day for day in dict.fromkeys(_all_of_name(name)) if day not in name]


def _all_of_name(name: str) -> Iterator[str]:
    for match in _YEAR_FIRST.finditer(name):
        year, month, day = match.group(1, 2, 3) if match[1] else match.group(4, 6, 7)
        yield from _iso(year, int(month), day)
    for day, _, month, year in _DAY_FIRST.findall(name):
        yield from _iso(year, int(month), day)
    yield from spelt_days(name.replace("_", " "))
    for year, month in _MONTH.findall(name):
        yield from _iso(year, int(month))
    for word, year in _NAMED_MONTH.findall(name):
        yield from _iso(year, month_number(word))


def _iso(year: str, month: int | None, day: str | None = None) -> Iterator[str]:
    """A day or a month in ISO 8601, unless there is none such."""
    if month is None or not 1 <= month <= MONTHS:
        return
    if day is None:
        yield f"{year}-{month:02}"
    elif 1 <= int(day) <= DAYS:
        yield f"{year}-{month:02}-{int(day):02}"
