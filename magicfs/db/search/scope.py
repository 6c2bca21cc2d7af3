"""Which chunks a search looks at: the conditions of a query, compiled for Postgres.

Used by the search, and by `magicfs.db.search.file_facts`, whose queries take a scope.
`magicfs.db.search.scope_enumeration` reads the contents and chunks of a scope. Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from magicfs.domain.file_groups import DOCUMENT_EXTENSIONS, EXTENSIONS, MIME_TYPES, group_named
from magicfs.domain.query import NO_FILTERS, Filters, Period, SizeRange, Within

_NANOSECONDS = 1_000_000_000
_EPOCH = date(1970, 1, 1)
_BEFORE_ALL_TIMES_NS, _AFTER_ALL_TIMES_NS = -(1 << 63), (1 << 63) - 1
"""The limits of the database's numbers: the years 1677 and 2262."""
MEMORY_OF_WORDS = {"work_mem": "64MB"}
"""The memory for the places of the chunks that the index of words finds: 0.7 MB for ten thousand pages. Where it is
short, Postgres reads the words of all chunks in these pages again: it has 4 MB unless it is told otherwise."""

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids that Postgres has found and gets back as text: converting thousands takes longer than finding them."""

    size: int
    """How many they are."""
    array: str
    """The text of their array: it goes back to Postgres as it came."""

    @classmethod
    def of(cls, numbers: Sequence[int]) -> Ids:
        """The set of some numbers."""
        return cls(len(numbers), "{" + ",".join(map(str, numbers)) + "}")


@dataclass(frozen=True, slots=True)
class Scope:
    """The chunks that a search looks at."""

    condition_parameters: Parameters
    """The parameters of the fragments in `scope.sql`; one that is None sets no condition."""
    has_file_conditions: bool = False
    """Whether filters or excluded words leave out files."""
    contents: Ids | None = None
    """The contents of all files in scope; None when they are not enumerated."""
    chunks: Ids | None = None
    """All chunks in scope; None when they are not enumerated."""

    @property
    def is_restricted(self) -> bool:
        """Whether filters, excluded words or phrases leave out chunks."""
        return any(value is not None for value in self.condition_parameters.values())

    @property
    def may_be_planned_once(self) -> bool:
        """Whether the best plan for its candidates does not depend on its values.

        It does where the index of words looks for phrases or excluded words, and where the files of each chunk are
        compared with the filters, because the contents are too many to enumerate them.
        """
        values = self.condition_parameters
        is_listed = self.contents is not None and values["phrases"] is None and values["excluded"] is None
        return is_listed or not self.is_restricted

    @property
    def has_excluded_words(self) -> bool:
        """Whether words that leave out files must be looked for in their chunks."""
        return self.condition_parameters["excluded"] is not None

    @property
    def is_found_by_directory(self) -> bool:
        """Whether its files are looked for by the names of their directories, for which there is an index."""
        return self.condition_parameters["last_names"] is not None

    def not_found_by_directory(self) -> Scope:
        """The scope, whose files are not looked for so."""
        return replace(self, condition_parameters=self.condition_parameters | {"last_names": None})

    @property
    def has_phrases(self) -> bool:
        """Whether chunks must have phrases."""
        return self.condition_parameters["phrases"] is not None

    @property
    def parameters(self) -> Parameters:
        """The parameters of a query in this scope."""
        if self.contents is None:
            return self.condition_parameters
        return self.condition_parameters | {"contents": self.contents.array}


def restrict(
    filters: Filters,
    *,
    excluded_filters: Filters = NO_FILTERS,
    phrases: str | None = None,
    excluded: str | None = None,
    name_words: str | None = None,
    excluded_name_words: str | None = None,
    within: Within | None = None,
    last_names: Mapping[str, str] | None = None,
) -> Scope:
    """The scope of a query, not enumerated yet.

    A file that meets one of `excluded_filters` is not in it. `phrases` is the condition on a chunk's words that all
    phrases set, `excluded` the one that excludes the file of a chunk that meets it, `name_words` what a file's own name
    may have instead of fitting a pattern of `filters.names`, and `excluded_name_words` the same for those of
    `excluded_filters`: each the text of a `tsquery`. `within` is where the files are. None sets no condition.
    `last_names` are the folded last names of the paths of `filters.folders`, or else of `within`, each with the
    extension that a file of that name has; None where files are not found by them.
    """
    kept, left_out = _file_parameters(filters, name_words), _file_parameters(excluded_filters, excluded_name_words)
    condition_parameters = (
        kept
        | {f"not_{name}": value for name, value in left_out.items()}
        | {
            **_range_parameters(filters, excluded_filters),
            "within_host": None if within is None else within.host,
            "within": None if within is None else within.path,
            "below": None if within is None else _below(within.path),
            "phrases": phrases,
            "excluded": excluded,
            "allowed_contents": None,
            "excluded_contents": None,
            **_directory_parameters(filters, within, last_names or {}),
        }
    )
    has_file_conditions = bool(filters or excluded_filters) or excluded is not None or within is not None
    return Scope(condition_parameters, has_file_conditions=has_file_conditions)


def _file_parameters(filters: Filters, name_words: str | None) -> Parameters:
    """The parameters of `keeps_file`, or, with other names, of `excludes_file`."""
    groups = list(map(group_named, filters.types))
    types = {*filters.types, *groups}.union(
        *(members.get(group, ()) for members in (MIME_TYPES, DOCUMENT_EXTENSIONS) for group in groups)
    )
    relative = [folder for folder in filters.folders if not folder.startswith("/")]
    absolute = [folder for folder in filters.folders if folder.startswith("/")]
    return {
        "types": sorted(types) or None,
        "type_extensions": [extension for group in groups for extension in EXTENSIONS.get(group, ())] or None,
        "extensions": list(filters.extensions) or None,
        "folders": [f"%/{_like_literal(folder)}/%" for folder in relative] if filters.folders else None,
        "absolute_folders": _absolute_patterns(absolute) if filters.folders else None,
        "names": [_like_pattern(name) for name in filters.names] or None,
        "name_endings": ["%" + _like_pattern(name) for name in filters.names] or None,
        "name_words": name_words,
        "hosts": [host.lower() for host in filters.hosts] or None,
        "roots": list(filters.roots) or None,
        "languages": list(filters.languages) or None,
        "times": _multirange([_times_ns(period) for period in filters.periods]),
        "sizes": _multirange([_sizes(sizes) for sizes in filters.sizes]),
    }


def _absolute_patterns(folders: Iterable[str]) -> list[bytes]:
    """The LIKE patterns of the paths below absolute ones, each with a slash behind it."""
    return [f"{_like_literal(form)}/%".encode() for folder in folders for form in _unicode_forms(folder)]


def _directory_parameters(filters: Filters, within: Within | None, last_names: Mapping[str, str]) -> Parameters:
    """Those of `may_be_in_directory` and `is_directory_in_root`; each is None where all files are looked at."""
    absolute = [folder for folder in filters.folders if folder.startswith("/")]
    place = [] if within is None or filters.folders else [_below(within.path)]
    return {
        "last_names": list(last_names) or None,
        "last_extensions": sorted(set(last_names.values())) or None,
        "paths_of_folders": [*_absolute_patterns(absolute), *place] if last_names else None,
    }


def _range_parameters(filters: Filters, excluded: Filters) -> Parameters:
    """The days and sizes of files in scope: what is not after a day is before it, and what is not larger is smaller."""
    return {
        "after_ns": _highest(_midnight_ns(filters.after), _midnight_ns(excluded.before)),
        "before_ns": _lowest(_midnight_ns(filters.before), _midnight_ns(excluded.after)),
        "larger": _highest(filters.larger, None if excluded.smaller is None else excluded.smaller - 1),
        "smaller": _lowest(filters.smaller, None if excluded.larger is None else excluded.larger + 1),
    }


def _times_ns(period: Period) -> tuple[int | None, int | None]:
    """The first nanosecond of a period, and the first one after it."""
    after = None if period.last in (None, date.max) else period.last + timedelta(days=1)
    return _midnight_ns(period.first), _midnight_ns(after)


def _sizes(sizes: SizeRange) -> tuple[int | None, int | None]:
    """The smallest size, and the first one that is too large."""
    return sizes.smallest, None if sizes.largest is None else sizes.largest + 1


def _multirange(ranges: Sequence[tuple[int | None, int | None]]) -> str | None:
    """Ranges without their ends, as Postgres reads an `int8multirange`; None for no range."""
    bounds = (["" if end is None else str(end) for end in ends] for ends in ranges)
    return "{" + ",".join(f"[{start},{end})" for start, end in bounds) + "}" if ranges else None


def _highest(*limits: int | None) -> int | None:
    return max((limit for limit in limits if limit is not None), default=None)


def _lowest(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _unicode_forms(path: str) -> set[str]:
    """A path as it is typed, and in the forms in which file systems may have it: a Mac decomposes letters."""
    return {path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path)}


def _below(path: bytes) -> bytes:
    """The LIKE pattern of the paths below a directory, whose name may have any bytes."""
    return _like_literal(path.rstrip(b"/").decode("latin-1")).encode("latin-1") + b"/%"


def _like_literal(text: str) -> str:
    """The LIKE pattern that matches exactly `text`."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _like_pattern(name: str) -> str:
    """The LIKE pattern of a name with `*` and `?`; a name without them matches anywhere in a file's name."""
    like = _like_literal(name).replace("*", "%").replace("?", "_")
    return like if any(wildcard in name for wildcard in "*?") else f"%{like}%"


def _midnight_ns(day: date | None) -> int | None:
    """The beginning of a day in this process's time zone, in nanoseconds since the epoch."""
    if day is None:
        return None
    try:
        nanoseconds = int(datetime.combine(day, time()).astimezone().timestamp()) * _NANOSECONDS
    except (OverflowError, ValueError):
        return _BEFORE_ALL_TIMES_NS if day < _EPOCH else _AFTER_ALL_TIMES_NS
    return max(_BEFORE_ALL_TIMES_NS, min(nanoseconds, _AFTER_ALL_TIMES_NS))
