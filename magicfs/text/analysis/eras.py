"""Years of eras: `令和5年3月5日` is 5 March 2023, and `民國112年` the same year.

Used by `stated_days` for texts and by `dates` for what is typed. Pure data and functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_BEFORE_FIRST: Final = {
    "令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867, "民國": 1911, "民国": 1911,
}  # fmt: skip
"""The year before the first one of each era."""
_FIRST: Final = "元"
_OF_ERA: Final = re.compile(
    rf"({'|'.join(_BEFORE_FIRST)}) ?([0-9]{{1,3}}|{_FIRST}) ?(年)(?: ?([0-9]{{1,2}}) ?(月)(?: ?([0-9]{{1,2}}) ?(日))?)?"
)
_END: Final = 2100
"""The first year, of the common calendar, that no text means by an era."""


class DayOfEra(NamedTuple):
    """A year, a month or a day of an era, as it is written and in the common calendar."""

    written: str
    words: frozenset[str]
    year: str
    month: str | None
    day: str | None


def days_of_eras(text: str) -> Iterator[DayOfEra]:
    """Yield the years, months and days of a readable text that have the name of their era."""
    for match in _OF_ERA.finditer(text) if "年" in text else ():
        era, number, _, month, _, day, _ = match.groups()
        year = _BEFORE_FIRST[era] + (1 if number == _FIRST else int(number))
        if year < _END:
            yield DayOfEra(match[0], frozenset(filter(None, match.groups())), str(year), month, day)
