"""Days, sizes and ranges of them, as people type them: `2026-01`, `2w`, `2024-01..2024-03`, `1m..5m`. Pure.

Used by `typed_filters`; docs/search.md describes them to users.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import MINYEAR, date, timedelta

from magicfs.domain.query import Period, SizeRange
from magicfs.text.analysis import fold

MAX_SIZE_BYTES = 1 << 62
"""Postgres compares no larger numbers."""

_DAY = re.compile(r"(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?)?", re.ASCII)
_DAY_FIRST = re.compile(r"(?:(?P<day>\d{1,2})\.)?(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII)
"""With full stops the day comes first everywhere; with slashes it is the month in some countries."""
_COMPACT_DAY = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII)
_DAYS_BACK = {"today": 0, "yesterday": 1}
_BACK = re.compile(r"(?P<number>[0-9]{1,3})(?P<unit>[dwmy])")
_DAYS_OF = {"d": 1, "w": 7}
_MONTHS_OF = {"m": 1, "y": 12}
_ISO_RANGE = re.compile(r"(\d{4}(?:-\d{1,2}){0,2})/(\d{4}(?:-\d{1,2}){0,2})", re.ASCII)
"""The form in which ISO 8601 writes a range."""
_RANGE = re.compile(r"(?P<first>\*|.*?)\.{2,3}(?P<last>\*|.*)")
_OPEN_ENDS = frozenset({"", "*"})
_COMPARED = re.compile(r"(?P<sign>[<>]=?|=)(?P<value>.+)")
_AMOUNT = r"(\d{1,15}(?:\.\d{1,3})?)([kmgt]?)(?:i?b)?"
_SIZE = re.compile(_AMOUNT, re.ASCII)
_SIZE_TO_SIZE = re.compile(rf"(?P<first>{_AMOUNT})-(?P<last>(?=.*[kmgt]){_AMOUNT})", re.ASCII)
"""Without a unit, it is the size of shoes or of clothes: `size:42-44`."""
_BYTES = re.compile(r"0|[0-9]{4,15}|[0-9]{1,15}b", re.ASCII)
"""A shorter number is a size of shoes or of clothes, too: no file is looked for by so few bytes."""
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def period(value: str, today: date | None) -> Period | None:
    """The days that a range, a comparison, a year, a month or a day names; None for what names none.

    A number of days, weeks, months or years alone is the time since then: `7d` is `7d..`.
    """
    value = _ISO_RANGE.sub(r"\1..\2", fold(value))
    if ends := _RANGE.fullmatch(value):
        return _between(ends["first"], ends["last"], today)
    if _BACK.fullmatch(value):
        return _between(value, "", today)
    compared = _COMPARED.fullmatch(value)
    sign, value = (compared["sign"], compared["value"]) if compared else ("=", value)
    days = days_of(value, today)
    return None if days is None else _compared(sign, *days)


def days_of(value: str, today: date | None) -> tuple[date, date] | None:
    """The first and the last day of a year, a month or a day; None for anything else.

    `today` is the day from which `yesterday` and `2w` count; without it, they are none.
    """
    value = fold(value)
    if today is not None and (day := _relative_day(value, today)):
        return day, day
    match = _DAY.fullmatch(value) or _DAY_FIRST.fullmatch(value) or _COMPACT_DAY.fullmatch(value)
    if match is None:
        return None
    year, month, day_of_month = int(match["year"]), int(match["month"] or 0), int(match["day"] or 0)
    try:
        first = date(year, month or 1, day_of_month or 1)
        return first, date(year, month or 12, day_of_month or monthrange(year, month or 12)[1])
    except ValueError:
        return None


def size(value: str) -> int | None:
    """The bytes of a size such as `1.5kb`; None for anything else."""
    match = _SIZE.fullmatch(fold(value))
    return match and min(int(float(match[1]) * _UNITS[match[2]]), MAX_SIZE_BYTES)


def size_range(value: str) -> SizeRange | None:
    """The sizes of a range, or a number of bytes; None for what is none, and for a size in units, which is never exact.

    A small number alone is none, as `size:36`, unless it says that it is of bytes: `size:36b`, `size:=36`. A first end
    without a unit has that of the last one, `1..5m`, unless it is larger then: `1000..2k`.
    """
    value = fold(value)
    if value == "empty":
        return SizeRange(0, 0)
    if ends := _RANGE.fullmatch(value) or _SIZE_TO_SIZE.fullmatch(value):
        return _sizes_between(ends["first"], ends["last"])
    is_exact = value.startswith("=") or _BYTES.fullmatch(value) is not None
    exact = size(value.removeprefix("=")) if is_exact else None
    return None if exact is None else SizeRange(exact, exact)


def _relative_day(value: str, today: date) -> date | None:
    if value in _DAYS_BACK:
        return today - timedelta(days=_DAYS_BACK[value])
    match = _BACK.fullmatch(value)
    if match is None:
        return None
    number, unit = int(match["number"]), match["unit"]
    if unit in _DAYS_OF:
        return today - timedelta(days=number * _DAYS_OF[unit])
    year, month = divmod(today.year * 12 + today.month - 1 - number * _MONTHS_OF[unit], 12)
    if year < MINYEAR:
        return date.min
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def _between(first: str, last: str, today: date | None) -> Period | None:
    """The days between two, whichever is the earlier one; None if either is none, or both are open."""
    ends = [days_of(end, today) for end in (first, last) if end not in _OPEN_ENDS]
    known = [days for days in ends if days is not None]
    if len(known) < len(ends) or not known:
        return None
    return Period(
        first=None if first in _OPEN_ENDS else min(known)[0],
        last=None if last in _OPEN_ENDS else max(days[1] for days in known),
    )


def _compared(sign: str, first: date, last: date) -> Period | None:
    """The days that a comparison with the days from one to another keeps; None if there can be none."""
    periods: dict[str, Callable[[], Period]] = {
        "=": lambda: Period(first, last),
        ">=": lambda: Period(first, None),
        "<=": lambda: Period(None, last),
        ">": lambda: Period(last + timedelta(days=1), None),
        "<": lambda: Period(None, first - timedelta(days=1)),
    }
    try:
        return periods[sign]()
    except OverflowError:
        return None


def _sizes_between(first: str, last: str) -> SizeRange | None:
    if first in _OPEN_ENDS and last in _OPEN_ENDS:
        return None
    smallest = 0 if first in _OPEN_ENDS else size(first)
    largest = None if last in _OPEN_ENDS else size(last)
    if first.isdecimal() and largest is not None and (unit := _SIZE.fullmatch(last)):
        in_unit = size(first + unit[2])
        smallest = smallest if in_unit is None or in_unit > largest else in_unit
    if smallest is None or (largest is None and last not in _OPEN_ENDS):
        return None
    return SizeRange(smallest, None) if largest is None else SizeRange(min(smallest, largest), max(smallest, largest))
