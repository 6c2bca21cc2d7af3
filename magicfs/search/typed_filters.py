"""The filters of the search language: which there are, and what their values mean. Pure.

Used by `syntax`, which finds them in a typed text; docs/search.md describes them to users.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

from magicfs.domain.query import Filters
from magicfs.text.analysis import fold
from magicfs.text.language_names import language_codes

MAX_SIZE_BYTES = 1 << 62
"""Postgres compares no larger numbers."""

_DAY = re.compile(r"(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?)?", re.ASCII)
_DAY_FIRST = re.compile(r"(?:(?P<day>\d{1,2})\.)?(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII)
"""With full stops the day comes first everywhere; with slashes it is the month in some countries."""
_SIZE = re.compile(r"(>=?|<=?)(\d{1,15}(?:\.\d{1,3})?)([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def with_filter(filters: Filters, name: str, value: str) -> Filters | None:
    """The filters with one more; None for an unknown one or an invalid value."""
    add_filter = FILTERS.get(_own_name(name))
    return add_filter(filters, value) if add_filter and value else None


def names_something(name: str) -> bool:
    """Whether the value of a filter names what exists or does not; that of others has a form of its own."""
    return _own_name(name) in _NAMING_FILTERS


def is_of_other_tools(name: str) -> bool:
    """Whether a filter has the name that other tools give it."""
    return name.lower() in OTHER_NAMES


def _own_name(name: str) -> str:
    return OTHER_NAMES.get(name.lower(), name.lower())


# Each of these returns the filters with one more condition, or None for an invalid value.


def _add_type(filters: Filters, value: str) -> Filters | None:
    types = list(filter(None, value.lower().split(",")))
    return replace(filters, types=(*filters.types, *types)) if types else None


def _add_extension(filters: Filters, value: str) -> Filters | None:
    extensions = list(filter(None, (entry.lstrip("*").lstrip(".") for entry in value.lower().split(","))))
    return replace(filters, extensions=(*filters.extensions, *extensions)) if extensions else None


def _add_folder(filters: Filters, value: str) -> Filters | None:
    folder = value.rstrip("/") if value.startswith("/") else value.strip("/")
    return replace(filters, folders=(*filters.folders, folder)) if folder else None


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

_NAMING_FILTERS = frozenset({"type", "ext", "in", "name", "host", "root", "lang"})

OTHER_NAMES = {
    "dir": "in", "directory": "in", "folder": "in", "path": "in",
    "filename": "name",
    "extension": "ext", "filetype": "ext",
}  # fmt: skip
"""How other tools call these filters. What no file meets by them is ordinary text."""
