"""Which chunks take part in a search, in Postgres's terms; and the queries of the search, their shared parts put in.

Used by `search`. What filters leave is named one by one when it is little: then no index of vectors is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, LiteralString

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.ids import ChunkId, ContentId
from magicfs.domain.query import Filters, Query

_NANOSECONDS = 1_000_000_000
_MOST_CONTENTS = 50_000
"""Contents that are named one by one. Who leaves more than that soon finds what he wants among all."""


def _composed() -> dict[str, LiteralString]:
    """The queries with the parts that they share put in."""
    known = load_queries("search")
    parts = ("in_scope", "has_phrases", "exact_phrases", "wide_scope", "among_contents", "matched_names")
    bodies = {name: _without_comment(text) for name, text in known.items()}
    for name in ("pick_in_wide_scope", "nearest_in_wide_scope"):
        bodies[f"{name}_by_contents"] = bodies[name].replace("{wide_scope}", "{among_contents}")
    for name in parts:
        slot: LiteralString = "{" + name + "}"
        bodies = {key: text.replace(slot, bodies[name]) for key, text in bodies.items()}
    return bodies


def _without_comment(text: LiteralString) -> LiteralString:
    lines = text.splitlines()
    newline: LiteralString = "\n"
    return newline.join([line for line in lines if not line.startswith("--")])


SQL = _composed()
"""The queries of the search by name."""

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Understood:
    """A query in Postgres's terms. Conditions are `tsquery` texts; None sets no condition."""

    lexemes: dict[str, int]
    """The words of the question, and how often it says each."""
    question: str | None
    """The whole question as a phrase."""
    scope: Scope


@dataclass(frozen=True, slots=True)
class Scope:
    """Which chunks take part in a search."""

    parameters: Parameters
    restricted: bool
    """Whether there is any condition."""
    filtered: bool = False
    """Whether there is one on files or contents."""
    contents: tuple[ContentId, ...] | None = None
    """Those of the files that take part, when they are not too many."""
    chunks: tuple[ChunkId, ...] | None = None
    """All of them, when they are few."""

    @property
    def sql_parameters(self) -> Parameters:
        """What queries with this scope are given."""
        return self.parameters if self.contents is None else self.parameters | {"contents": list(self.contents)}


def understand(connection: Connection, query: Query) -> Understood:
    """Bring a query into Postgres's terms."""
    row = connection.execute(
        SQL["understand"],
        {"question": query.question, "phrases": list(query.phrases), "unwanted": list(query.without)},
    ).fetchone()
    lexemes, counts, question, phrase_words, phrases, unwanted = row or ((), (), None, None, (), None)
    parameters = _filter_parameters(query.filters) | {
        "phrases": list(phrases) or None,
        "phrase_words": phrase_words,
        "unwanted": unwanted,
    }
    restricted = any(value is not None for value in parameters.values())
    filtered = bool(query.filters or query.without)
    scope = Scope(parameters, restricted, filtered)
    return Understood(dict(zip(lexemes, counts, strict=True)), question, scope)


def _filter_parameters(filters: Filters) -> Parameters:
    relative = [folder for folder in filters.folders if not folder.startswith("/")]
    absolute = [folder for folder in filters.folders if folder.startswith("/")]
    return {
        "types": list(filters.types) or None,
        "extensions": list(filters.extensions) or None,
        "folders": [f"%/{_literally(folder)}/%" for folder in relative] if filters.folders else None,
        "absolute": [f"{_literally(folder)}/%".encode() for folder in absolute] if filters.folders else None,
        "names": [_pattern(name) for name in filters.names] or None,
        "hosts": [host.lower() for host in filters.hosts] or None,
        "roots": [root.lower() for root in filters.roots] or None,
        "after_ns": _midnight_ns(filters.after),
        "before_ns": _midnight_ns(filters.before),
        "larger": filters.larger,
        "smaller": filters.smaller,
    }


def _literally(text: str) -> str:
    """Text as LIKE takes it for itself."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _pattern(name: str) -> str:
    """A name with `*` and `?` as LIKE has it; a name without them may stand anywhere in a file's name."""
    like = _literally(name).replace("*", "%").replace("?", "_")
    return like if any(sign in name for sign in "*?") else f"%{like}%"


def _midnight_ns(day: date | None) -> int | None:
    """The beginning of a day where this process lives."""
    if day is None:
        return None
    try:
        return int(datetime.combine(day, time()).astimezone().timestamp()) * _NANOSECONDS
    except (OverflowError, ValueError):
        return -(1 << 62)


def narrow(connection: Connection, scope: Scope, *, limit: int) -> Scope:
    """Name the contents of a scope, and its chunks one by one when they are no more than `limit`."""
    if not scope.restricted:
        return scope
    name = "small_scope"
    if scope.filtered:
        parameters = scope.parameters | {"limit": _MOST_CONTENTS + 1}
        found = connection.execute(SQL["scope_contents"], parameters, prepare=False).fetchall()
        if len(found) <= _MOST_CONTENTS:
            scope = replace(scope, contents=tuple(ContentId(row[0]) for row in found))
            name = "small_scope_by_contents"
    parameters = scope.sql_parameters | {"limit": limit + 1}
    rows = connection.execute(SQL[name], parameters, prepare=False).fetchall()
    return replace(scope, chunks=tuple(ChunkId(row[0]) for row in rows)) if len(rows) <= limit else scope
