"""The filters of the search language: which there are, and what their values mean. Pure.

Used by `syntax`, which finds them in a typed text; docs/search.md describes them to users.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import replace
from datetime import MINYEAR, date, timedelta
from functools import partial

from magicfs.domain.query import Filters
from magicfs.text.analysis import fold
from magicfs.text.language_names import language_codes

MAX_SIZE_BYTES = 1 << 62
"""Postgres compares no larger numbers."""

_DAY = re.compile(r"(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?)?", re.ASCII)
_DAY_FIRST = re.compile(r"(?:(?P<day>\d{1,2})\.)?(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII)
"""With full stops the day comes first everywhere; with slashes it is the month in some countries."""
_AROUND_FOLDER = re.compile(r"\A(?:\./|~/)|/\*{1,2}\Z")
"""What shells write before a path, and behind one for all that is in it. `in:` looks below every directory anyway."""
_NO_FOLDERS = frozenset({"~", ".", ".."})
"""What shells know, and no index."""
_DAYS_BACK = {"today": 0, "yesterday": 1}
_BACK = re.compile(r"(?P<number>[0-9]{1,3})(?P<unit>[dwmy])")
_DAYS_OF = {"d": 1, "w": 7}
_MONTHS_OF = {"m": 1, "y": 12}
_BETWEEN_VALUES = re.compile("[,;]")
_SIZE = re.compile(r"(>=?|<=?)(\d{1,15}(?:\.\d{1,3})?)([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def with_filter(filters: Filters, name: str, value: str, *, today: date | None = None) -> Filters | None:
    """The filters with one more; None for an unknown one or an invalid value. `today` is what relative days need."""
    name = _own_name(name)
    add_filter = FILTERS.get(name)
    if today is not None and name in _DAY_FILTERS:
        value = _as_day(value, today)
    return add_filter(filters, value) if add_filter and value else None


def needs_a_form(name: str) -> bool:
    """Whether the value of a filter is a day, a size or a directory, which has a form of its own."""
    return _own_name(name) in _FORMS


def expected_form(name: str) -> str:
    """What such a value says, with an example: `a day, such as after:2026-01-31`."""
    return _FORMS[_own_name(name)]


def names_something(name: str) -> bool:
    """Whether the value of a filter names what exists or does not; that of others has a form of its own."""
    return _own_name(name) in _NAMING_FILTERS


def is_of_other_tools(name: str) -> bool:
    """Whether a filter has the name that other tools give it."""
    return name.lower() in OTHER_NAMES


def _own_name(name: str) -> str:
    return OTHER_NAMES.get(name.lower(), name.lower())


def _as_day(value: str, today: date) -> str:
    """The day in ISO 8601 that a word or a time before today says, such as `2w`; any other value as it is."""
    value = fold(value)
    if value in _DAYS_BACK:
        return (today - timedelta(days=_DAYS_BACK[value])).isoformat()
    match = _BACK.fullmatch(value)
    if match is None:
        return value
    number, unit = int(match["number"]), match["unit"]
    if unit in _DAYS_OF:
        return (today - timedelta(days=number * _DAYS_OF[unit])).isoformat()
    year, month = divmod(today.year * 12 + today.month - 1 - number * _MONTHS_OF[unit], 12)
    if year < MINYEAR:
        return date.min.isoformat()
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1])).isoformat()


# Each of these returns the filters with one more condition, or None for an invalid value.


def _add_type(filters: Filters, value: str) -> Filters | None:
    types = list(filter(None, _BETWEEN_VALUES.split(value.lower())))
    return replace(filters, types=(*filters.types, *types)) if types else None


def _add_extension(filters: Filters, value: str) -> Filters | None:
    extensions = list(filter(None, (entry.lstrip("*").lstrip(".") for entry in _BETWEEN_VALUES.split(value.lower()))))
    return replace(filters, extensions=(*filters.extensions, *extensions)) if extensions else None


def _add_folder(filters: Filters, value: str) -> Filters | None:
    value = _AROUND_FOLDER.sub("", value)
    folder = value.rstrip("/") if value.startswith("/") else value.strip("/")
    return replace(filters, folders=(*filters.folders, folder)) if folder and folder not in _NO_FOLDERS else None


def _add_name(filters: Filters, value: str) -> Filters | None:
    return replace(filters, names=(*filters.names, value))


def _add_host(filters: Filters, value: str) -> Filters | None:
    return replace(filters, hosts=(*filters.hosts, value))


def _add_root(filters: Filters, value: str) -> Filters | None:
    return replace(filters, roots=(*filters.roots, value))


def _add_language(filters: Filters, value: str) -> Filters | None:
    codes = language_codes(value)
    return replace(filters, languages=(*filters.languages, *codes)) if codes else None


def _set_day(filters: Filters, value: str, *, is_start: bool) -> Filters | None:
    match = _DAY.fullmatch(fold(value)) or _DAY_FIRST.fullmatch(fold(value))
    if match is None:
        return None
    try:
        day = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    except ValueError:
        return None
    if is_start:
        return replace(filters, after=min(day, filters.after or day))
    return replace(filters, before=max(day, filters.before or day))


def _set_size(filters: Filters, value: str) -> Filters | None:
    match = _SIZE.fullmatch(fold(value))
    if match is None:
        return None
    comparison, number, unit = match.groups()
    size = min(int(float(number) * _UNITS[unit.lower()]), MAX_SIZE_BYTES)
    if comparison.startswith(">"):
        size -= comparison == ">="
        return replace(filters, larger=size if filters.larger is None else min(size, filters.larger))
    size += comparison == "<="
    return replace(filters, smaller=size if filters.smaller is None else max(size, filters.smaller))


FILTERS: dict[str, Callable[[Filters, str], Filters | None]] = {
    "type": _add_type,
    "ext": _add_extension,
    "in": _add_folder,
    "name": _add_name,
    "host": _add_host,
    "root": _add_root,
    "lang": _add_language,
    "after": partial(_set_day, is_start=True),
    "before": partial(_set_day, is_start=False),
    "size": _set_size,
}

_DAY_FILTERS = frozenset({"after", "before"})
_FORMS = {
    "after": "a day, such as after:2026-01-31 or after:yesterday",
    "before": "a day, such as before:2026-01-31 or before:7d",
    "size": "a size, such as size:>1m or size:<100k",
    "in": "a directory, such as in:papers or in:/home/me/papers",
}
_NAMING_FILTERS = frozenset({"type", "ext", "in", "name", "host", "root", "lang"})

OTHER_NAMES = {
    "dir": "in", "directory": "in", "folder": "in", "path": "in",
    "file": "name", "filename": "name",
    "extension": "ext", "filetype": "ext",
    "kind": "type", "mime": "type",
}  # fmt: skip
"""How other tools call these filters. What no file meets by them is ordinary text."""

FIELDS_OF_OTHER_TOOLS = frozenset(
    "author body content from intext intitle keyword keywords subject tag tags text title to".split()
)
"""Parts of a file to which other tools restrict a word. Here it is looked for in all of the file."""
