"""Which chunks a search looks at: the conditions of a query, compiled for Postgres.

Used by the search, and by the queries of `magicfs.db.search`, which take a scope. A scope of few chunks is enumerated,
so that its chunks are compared one by one and no index of vectors is asked. Runs in the caller's transaction.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from magicfs.db.connection import plan_statements
from magicfs.db.pool import Connection, row_by_row
from magicfs.db.queries import load_queries
from magicfs.domain.file_groups import ARCHIVE_MIME_TYPES, EXTENSIONS
from magicfs.domain.ids import ChunkId, ContentId
from magicfs.domain.query import Filters

_SQL = load_queries("search")
_NANOSECONDS = 1_000_000_000
_EPOCH = date(1970, 1, 1)
_BEFORE_ALL_TIMES_NS, _AFTER_ALL_TIMES_NS = -(1 << 63), (1 << 63) - 1
"""The limits of the database's numbers: the years 1677 and 2262."""
MAX_ENUMERATED_CONTENTS = 50_000
"""A scope of more contents is not enumerated: most chunks are in it, so an index finds candidates quickly."""

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """The chunks that a search looks at."""

    condition_parameters: Parameters
    """The parameters of the fragments in `search.sql`; one that is None sets no condition."""
    has_file_conditions: bool = False
    """Whether filters or excluded words leave out files."""
    contents: tuple[ContentId, ...] | None = None
    """The contents of all files in scope; None when they are not enumerated."""
    chunks: tuple[ChunkId, ...] | None = None
    """All chunks in scope; None when they are not enumerated."""

    @property
    def is_restricted(self) -> bool:
        """Whether filters, excluded words or phrases leave out chunks."""
        return any(value is not None for value in self.condition_parameters.values())

    @property
    def has_phrases(self) -> bool:
        """Whether chunks must have phrases."""
        return self.condition_parameters["phrases"] is not None

    @property
    def parameters(self) -> Parameters:
        """The parameters of a query in this scope."""
        if self.contents is None:
            return self.condition_parameters
        return self.condition_parameters | {"contents": _array(self.contents)}


def _array(ids: tuple[ContentId, ...]) -> str:
    """The text of an array: psycopg takes ten times longer to send a list, and several statements get this one."""
    return "{" + ",".join(map(str, ids)) + "}"


def restrict(filters: Filters, *, phrases: str | None, excluded: str | None) -> Scope:
    """The scope of a query, not enumerated yet.

    `phrases` is the condition on a chunk's words that all phrases set, `excluded` the one that excludes the file of a
    chunk that meets it, both the text of a `tsquery`; None sets no condition.
    """
    condition_parameters = _filter_parameters(filters) | {
        "phrases": phrases,
        "excluded": excluded,
        "allowed_contents": None,
        "excluded_contents": None,
    }
    return Scope(condition_parameters, has_file_conditions=bool(filters) or excluded is not None)


def enumerate_scope(connection: Connection, scope: Scope, *, limit: int) -> Scope:
    """Read the contents of a scope, unless they are too many, and its chunks if they are at most `limit`."""
    plan_statements(connection, once=False)
    if scope.has_file_conditions:
        scope = _with_excluded_contents(connection, replace(scope, contents=_contents(connection, scope)))
    chunks = _chunks(connection, scope, limit=limit + 1)
    return scope if chunks is None or len(chunks) > limit else replace(scope, chunks=chunks)


def _contents(connection: Connection, scope: Scope) -> tuple[ContentId, ...] | None:
    """The contents of the files in scope; None for too many."""
    has_excluded_words = scope.condition_parameters["excluded"] is not None
    return _read_contents(
        connection, scope, "contents_without_excluded_words" if has_excluded_words else "contents_in_scope"
    )


def _with_excluded_contents(connection: Connection, scope: Scope) -> Scope:
    """The scope with its excluded words replaced by a list of contents, unless both possible lists are too long.

    Later statements compare each file with the list, instead of reading all chunks of the file.
    """
    if scope.condition_parameters["excluded"] is None:
        return scope
    if scope.contents is not None:
        lists = {"allowed_contents": _array(scope.contents)}
    elif (contents := _read_contents(connection, scope, "contents_with_excluded_words")) is not None:
        lists = {"excluded_contents": _array(contents)}
    else:
        return scope
    return replace(scope, condition_parameters=scope.condition_parameters | lists | {"excluded": None})


def _read_contents(connection: Connection, scope: Scope, query: str) -> tuple[ContentId, ...] | None:
    parameters = scope.parameters | {"limit": MAX_ENUMERATED_CONTENTS + 1}
    rows = connection.execute(_SQL[query], parameters, prepare=False).fetchall()
    return tuple(ContentId(row[0]) for row in rows) if len(rows) <= MAX_ENUMERATED_CONTENTS else None


def _chunks(connection: Connection, scope: Scope, *, limit: int) -> tuple[ChunkId, ...] | None:
    """Up to `limit` chunks of a scope; None if it is not restricted, or has so many files that it has more chunks."""
    if scope.has_phrases:
        if scope.contents is not None:
            query = "chunks_with_phrases_in_contents"
        else:
            query = "chunks_with_phrases_in_files" if scope.has_file_conditions else "chunks_with_phrases"
        with row_by_row(connection):
            rows = connection.execute(_SQL[query], scope.parameters | {"limit": limit}, prepare=False).fetchall()
    elif scope.contents is not None and len(scope.contents) < limit:
        parameters = {"contents": _array(scope.contents), "limit": limit}
        rows = connection.execute(_SQL["chunks_in_contents"], parameters, prepare=False).fetchall()
    else:
        return None
    return tuple(ChunkId(row[0]) for row in rows)


def _filter_parameters(filters: Filters) -> Parameters:
    types = [*filters.types, *(ARCHIVE_MIME_TYPES if "archive" in filters.types else ())]
    relative = [folder for folder in filters.folders if not folder.startswith("/")]
    absolute = [folder for folder in filters.folders if folder.startswith("/")]
    return {
        "types": types or None,
        "type_extensions": [extension for group in filters.types for extension in EXTENSIONS.get(group, ())] or None,
        "extensions": list(filters.extensions) or None,
        "folders": [f"%/{_like_literal(folder)}/%" for folder in relative] if filters.folders else None,
        "absolute_folders": [
            f"{_like_literal(form)}/%".encode() for folder in absolute for form in _unicode_forms(folder)
        ]
        if filters.folders
        else None,
        "names": [_like_pattern(name) for name in filters.names] or None,
        "name_endings": ["%" + _like_pattern(name) for name in filters.names] or None,
        "hosts": [host.lower() for host in filters.hosts] or None,
        "roots": list(filters.roots) or None,
        "languages": list(filters.languages) or None,
        "after_ns": _midnight_ns(filters.after),
        "before_ns": _midnight_ns(filters.before),
        "larger": filters.larger,
        "smaller": filters.smaller,
    }


def _unicode_forms(path: str) -> set[str]:
    """A path as it is typed, and in the forms in which file systems may have it: a Mac decomposes letters."""
    return {path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path)}


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
