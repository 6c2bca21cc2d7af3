"""The filters of the search language: which there are, and what their values mean. Pure.

Used by `syntax`, which finds them in a typed text; docs/search.md describes them to users.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Protocol

from magicfs.domain.query import Filters
from magicfs.search.typed_ranges import days_of, period, size, size_range
from magicfs.text.analysis import fold
from magicfs.text.language_names import language_codes

_AROUND_FOLDER = re.compile(r"\A(?:\./|~/)|/\*{1,2}\Z")
"""What shells write before a path, and behind one for all that is in it. `in:` looks below every directory anyway."""
_NO_FOLDERS = frozenset({"~", ".", ".."})
"""What shells know, and no index."""
_BETWEEN_VALUES = re.compile("[,;|]")
_BRACKETS = re.compile(r'"[^"]*"|\b([A-Za-z]+):[\[{](\S+) TO ([^\s\]}]+)[\]}]')
"""How Lucene writes a range: `date:[2024-01 TO 2024-03]`. In a phrase, its words are words of it."""
_COMPARED_SIZE = re.compile(r"(?P<sign>>=?|<=?)(?P<size>.+)")


class _SetDays(Protocol):
    def __call__(self, filters: Filters, value: str, *, today: date | None) -> Filters | None: ...


def with_filter(filters: Filters, name: str, value: str, *, today: date | None = None) -> Filters | None:
    """The filters with one more; None for an unknown one or an invalid value. `today` is what relative days need."""
    name = _own_name(name)
    if not value:
        return None
    if set_days := _DAY_FILTERS.get(name):
        return set_days(filters, value, today=today)
    add_filter = _OTHER_FILTERS.get(name)
    return None if add_filter is None else add_filter(filters, value)


def needs_a_form(name: str) -> bool:
    """Whether the value of a filter is a day, a size or a directory, which has a form of its own."""
    return _own_name(name) in _FORMS


def expected_form(name: str) -> str:
    """What such a value says, with an example: `a day, such as after:2026-01-31`."""
    return _FORMS[_own_name(name)]


def with_plain_ranges(text: str) -> str:
    """A typed text in which the ranges of days and sizes have two points, and no brackets."""
    return _BRACKETS.sub(
        lambda found: "{}:{}..{}".format(*found.groups()) if _is_ranged(found[1]) else found[0],
        text,
    )


def may_be_text(name: str) -> bool:
    """Whether a filter is ordinary text where no file meets it and a text has it to the letter."""
    return _own_name(name) in _LITERAL_FILTERS


def may_be_a_word(name: str) -> bool:
    """Whether the name of a filter is a word where no file meets it: other tools alone have `path:`."""
    return name.lower() in OTHER_NAMES and _own_name(name) not in _DAY_FILTERS


def _is_ranged(name: str | None) -> bool:
    return name is not None and _own_name(name) in _RANGED_FILTERS


def _own_name(name: str) -> str:
    return OTHER_NAMES.get(name.lower(), name.lower())


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


def _set_day(filters: Filters, value: str, *, today: date | None, is_start: bool) -> Filters | None:
    days = days_of(value, today)
    if days is None:
        return None
    day, _ = days
    if is_start:
        return replace(filters, after=min(day, filters.after or day))
    return replace(filters, before=max(day, filters.before or day))


def _add_period(filters: Filters, value: str, *, today: date | None) -> Filters | None:
    days = period(value, today)
    return None if days is None else replace(filters, periods=(*filters.periods, days))


def _set_size(filters: Filters, value: str) -> Filters | None:
    if sizes := size_range(value):
        return replace(filters, sizes=(*filters.sizes, sizes))
    match = _COMPARED_SIZE.fullmatch(fold(value))
    number = match and size(match["size"])
    if match is None or number is None:
        return None
    if match["sign"].startswith(">"):
        number -= match["sign"] == ">="
        return replace(filters, larger=number if filters.larger is None else min(number, filters.larger))
    number += match["sign"] == "<="
    return replace(filters, smaller=number if filters.smaller is None else max(number, filters.smaller))


_OTHER_FILTERS: dict[str, Callable[[Filters, str], Filters | None]] = {
    "type": _add_type,
    "ext": _add_extension,
    "in": _add_folder,
    "name": _add_name,
    "host": _add_host,
    "root": _add_root,
    "lang": _add_language,
    "size": _set_size,
}
_DAY_FILTERS: dict[str, _SetDays] = {
    "date": _add_period,
    "after": partial(_set_day, is_start=True),
    "before": partial(_set_day, is_start=False),
}
FILTERS = frozenset({*_OTHER_FILTERS, *_DAY_FILTERS})

_FORMS = {
    "after": "a day, such as after:2026-01-31 or after:yesterday",
    "before": "a day, such as before:2026-01-31 or before:7d",
    "date": "a day or a range of days, such as date:2026-01 or date:2026-01..2026-03",
    "size": "a size, such as size:>1m or size:1m..5m",
    "limit": "a number of results, such as limit:50",
    "in": "a directory, such as in:papers or in:/home/me/papers",
}
_RANGED_FILTERS = frozenset({"date", "size"})
_LITERAL_FILTERS = frozenset({"type", "ext", "in", "name", "host", "root", "lang", "date", "size"})

OTHER_NAMES = {
    "dir": "in", "directory": "in", "folder": "in", "path": "in",
    "file": "name", "filename": "name",
    "extension": "ext", "filetype": "ext",
    "kind": "type", "mime": "type",
    "modified": "date", "mtime": "date", "dm": "date", "since": "after", "newer": "after", "older": "before",
}  # fmt: skip
"""How other tools call these filters. What no file meets by them is ordinary text."""

FIELDS_OF_OTHER_TOOLS = frozenset(
    "author body content from intext intitle keyword keywords subject tag tags text title to".split()
)
"""Parts of a file to which other tools restrict a word. Here it is looked for in all of the file."""
