"""Which chunks a search looks at: the conditions of a query, compiled for Postgres.

Used by the search, and by `magicfs.db.search.file_facts`, whose queries take a scope. A scope of few chunks is
enumerated, so that its chunks are compared one by one and no index of vectors is asked. Of a large index, a sample says
first whether that is worth beginning. Runs in the caller's transaction.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache
from typing import Any

from psycopg import sql

from magicfs.db.connection import plan_statements, set_locally
from magicfs.db.pool import Connection, fetch_one, row_by_row
from magicfs.db.queries import compact, load_queries
from magicfs.domain.file_groups import DOCUMENT_EXTENSIONS, EXTENSIONS, MIME_TYPES, group_named
from magicfs.domain.query import NO_FILTERS, Filters, Within

_SQL = load_queries("scope")
_NANOSECONDS = 1_000_000_000
_EPOCH = date(1970, 1, 1)
_BEFORE_ALL_TIMES_NS, _AFTER_ALL_TIMES_NS = -(1 << 63), (1 << 63) - 1
"""The limits of the database's numbers: the years 1677 and 2262."""
MAX_ENUMERATED_CONTENTS = 50_000
"""A scope of more contents is not enumerated: most chunks are in it, so an index finds candidates quickly."""

SAMPLED_CONTENTS = 100
"""The contents that are looked at to learn how many are in a scope: a half is found within 5 %."""
SMALLEST_SHARE_TESTED = 0.1
"""Of a scope with a smaller share of all contents, the index of vectors brings too few to test each for its words."""

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
) -> Scope:
    """The scope of a query, not enumerated yet.

    A file that meets one of `excluded_filters` is not in it. `phrases` is the condition on a chunk's words that all
    phrases set, `excluded` the one that excludes the file of a chunk that meets it, `name_words` what a file's own name
    may have instead of fitting a pattern of `filters.names`, and `excluded_name_words` the same for those of
    `excluded_filters`: each the text of a `tsquery`. `within` is where the files are. None sets no condition.
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
        }
    )
    has_file_conditions = bool(filters or excluded_filters) or excluded is not None or within is not None
    return Scope(condition_parameters, has_file_conditions=has_file_conditions)


def enumerate_scope(connection: Connection, scope: Scope, *, limit: int, index_chunks: int) -> Scope:
    """Read the contents of a scope, unless they are too many, and its chunks if they are at most `limit`.

    `index_chunks` is about how many chunks the index has.
    """
    plan_statements(connection, once=False)
    if scope.condition_parameters["excluded"] is not None:
        set_locally(connection, MEMORY_OF_WORDS)
    if scope.has_file_conditions:
        is_large = index_chunks > MAX_ENUMERATED_CONTENTS
        expected, excluded, share = _expected_contents(connection, scope) if is_large else (0.0, 0.0, 0.0)
        if excluded <= MAX_ENUMERATED_CONTENTS or share < SMALLEST_SHARE_TESTED:
            if expected <= MAX_ENUMERATED_CONTENTS:
                scope = _with_contents(connection, scope, limit=None if expected > limit else limit)
            scope = _with_excluded_contents(connection, scope)
    return _with_chunks_of_phrases(connection, scope, limit=limit) if scope.has_phrases else scope


def _expected_contents(connection: Connection, scope: Scope) -> tuple[float, float, float]:
    """About how many contents are in scope, and have excluded words, and the share of those in scope, by a sample.

    To list too many takes as long as the rest of a search, or several times as long.
    """
    query = compact(sql.SQL(_SQL["expected_contents"]).format())
    parameters = scope.parameters | {"sampled": SAMPLED_CONTENTS}
    return fetch_one(connection.execute(query, parameters, prepare=False))


def _with_contents(connection: Connection, scope: Scope, *, limit: int | None) -> Scope:
    """The scope with its contents and their chunks, both in one statement; each is left out if there are too many.

    Without a limit the chunks are known to be too many. They are not all in scope where they must have phrases: then
    they are left out too.
    """
    has_excluded_words = scope.condition_parameters["excluded"] is not None
    contents = "contents_without_excluded_words" if has_excluded_words else "contents_in_scope"
    limits = {
        "limit": MAX_ENUMERATED_CONTENTS + 1,
        "limit_of_chunks": 0 if scope.has_phrases or limit is None else limit + 1,
        "even_without_text": limit is None,
    }
    query = _statement("contents_and_chunks", contents)
    row = fetch_one(connection.execute(query, scope.parameters | limits, prepare=False))
    return replace(scope, contents=_ids(*row[:2]), chunks=_ids(*row[2:]))


def _with_excluded_contents(connection: Connection, scope: Scope) -> Scope:
    """The scope with its excluded words replaced by a list of contents, unless both possible lists are too long.

    Later statements compare each file with the list, instead of reading all chunks of the file.
    """
    if scope.condition_parameters["excluded"] is None:
        return scope
    if scope.contents is not None:
        lists = {"allowed_contents": scope.contents.array}
    else:
        contents = _read_ids(connection, scope, "contents_with_excluded_words", limit=MAX_ENUMERATED_CONTENTS)
        if contents is None:
            return scope
        lists = {"excluded_contents": contents.array}
    return replace(scope, condition_parameters=scope.condition_parameters | lists | {"excluded": None})


def _with_chunks_of_phrases(connection: Connection, scope: Scope, *, limit: int) -> Scope:
    if scope.contents is not None:
        query = "chunks_with_phrases_in_contents"
    else:
        query = "chunks_with_phrases_in_files" if scope.has_file_conditions else "chunks_with_phrases"
    with row_by_row(connection):
        return replace(scope, chunks=_read_ids(connection, scope, query, limit=limit))


def _read_ids(connection: Connection, scope: Scope, query: str, *, limit: int) -> Ids | None:
    """The ids that a query finds; None if they are more than `limit`."""
    parameters = scope.parameters | {"limit": limit + 1}
    return _ids(*fetch_one(connection.execute(_statement("ids", query), parameters, prepare=False)))


@cache
def _statement(name: str, query: str) -> bytes:
    """The text of a statement that reads the ids that a query finds."""
    return compact(sql.SQL(_SQL[name]).format(query=sql.SQL(_SQL[query])))


def _ids(size: int | None, array: str | None) -> Ids | None:
    return None if size is None or array is None else Ids(size, array)


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
        "absolute_folders": [
            f"{_like_literal(form)}/%".encode() for folder in absolute for form in _unicode_forms(folder)
        ]
        if filters.folders
        else None,
        "names": [_like_pattern(name) for name in filters.names] or None,
        "name_endings": ["%" + _like_pattern(name) for name in filters.names] or None,
        "name_words": name_words,
        "hosts": [host.lower() for host in filters.hosts] or None,
        "roots": list(filters.roots) or None,
        "languages": list(filters.languages) or None,
    }


def _range_parameters(filters: Filters, excluded: Filters) -> Parameters:
    """The days and sizes of files in scope: what is not after a day is before it, and what is not larger is smaller."""
    return {
        "after_ns": _highest(_midnight_ns(filters.after), _midnight_ns(excluded.before)),
        "before_ns": _lowest(_midnight_ns(filters.before), _midnight_ns(excluded.after)),
        "larger": _highest(filters.larger, None if excluded.smaller is None else excluded.smaller - 1),
        "smaller": _lowest(filters.smaller, None if excluded.larger is None else excluded.larger + 1),
    }


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
