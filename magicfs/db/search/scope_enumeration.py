"""The contents and chunks of a scope, as far as they are few.

A scope of few chunks is enumerated, so that its chunks are compared one by one and no index of vectors is asked. Of a
large index, a sample says first whether that is worth beginning. Used by the search service. Runs in the caller's
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from psycopg import sql

from magicfs.db.connection import plan_statements, set_locally
from magicfs.db.pool import Connection, fetch_one, row_by_row
from magicfs.db.queries import compact, load_queries
from magicfs.db.search.scope import MEMORY_OF_WORDS, Ids, Scope

_SQL = load_queries("scope")

MAX_ENUMERATED_CONTENTS = 50_000
"""A scope of more contents is not enumerated: most chunks are in it, so an index finds candidates quickly."""

SAMPLED_CONTENTS = 100
"""The contents that are looked at to learn how many are in a scope: a half is found within 5 %."""
NEWEST_PER_RESULT = 20
"""The newest files that are looked at for each result before the contents without excluded words are listed."""
SMALLEST_SHARE_TESTED = 0.1
"""Of a scope with a smaller share of all contents, the index of vectors brings too few to test each for its words."""


def enumerate_scope(connection: Connection, scope: Scope, *, limit: int, index_chunks: int) -> Scope:
    """Read the contents of a scope, unless they are too many, and its chunks if they are at most `limit`.

    `index_chunks` is about how many chunks the index has.
    """
    plan_statements(connection, once=False)
    if scope.has_excluded_words:
        set_locally(connection, MEMORY_OF_WORDS)
    if scope.has_file_conditions:
        is_large = index_chunks > MAX_ENUMERATED_CONTENTS
        sample = _sample(connection, scope) if is_large else _Sample()
        if sample.excluded_contents <= MAX_ENUMERATED_CONTENTS or sample.share_in_scope < SMALLEST_SHARE_TESTED:
            expected = sample.contents_in_scope
            if expected <= MAX_ENUMERATED_CONTENTS:
                scope = _without_directories_of_roots(connection, scope)
                scope = _with_contents(connection, scope, limit=None if expected > limit else limit)
            scope = _with_excluded_contents(connection, scope)
    return _with_chunks_of_phrases(connection, scope, limit=limit) if scope.has_phrases else scope


def list_excluded_contents(connection: Connection, scope: Scope, *, results: int) -> Scope:
    """The scope, with excluded words, of a search for that many results without a question.

    Its files are looked at from the newest one on. Mostly that are few, and nothing is listed. But where most of the
    newest files have the words, thousands of others would be looked at one by one.
    """
    plan_statements(connection, once=False)
    query = compact(sql.SQL(_SQL["newest_without_excluded_words"]).format())
    parameters = scope.parameters | {"results": results, "newest": NEWEST_PER_RESULT * results}
    if fetch_one(connection.execute(query, parameters, prepare=False)) == (results,):
        return scope
    set_locally(connection, MEMORY_OF_WORDS)
    scope = _without_directories_of_roots(connection, scope)
    return _with_excluded_contents(connection, _with_contents(connection, scope, limit=None))


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a sample of all contents says of a scope. To list too many takes several times as long as a search."""

    share_in_scope: float = 0.0
    share_excluded: float = 0.0
    """The share of all contents, in scope or not, that have excluded words."""
    contents: float = 0.0

    @property
    def contents_in_scope(self) -> float:
        """About how many they are."""
        return self.share_in_scope * self.contents

    @property
    def excluded_contents(self) -> float:
        """About how many have excluded words."""
        return self.share_excluded * self.contents


def _sample(connection: Connection, scope: Scope) -> _Sample:
    query = compact(sql.SQL(_SQL["sampled_contents"]).format())
    parameters = scope.parameters | {"sampled": SAMPLED_CONTENTS}
    return _Sample(*fetch_one(connection.execute(query, parameters, prepare=False)))


def _without_directories_of_roots(connection: Connection, scope: Scope) -> Scope:
    """The scope, whose files are looked for by the names of directories only if no root may be one of these."""
    if not scope.is_found_by_directory:
        return scope
    [is_in_root] = fetch_one(connection.execute(_SQL["is_directory_in_root"], scope.parameters, prepare=True))
    return scope.not_found_by_directory() if is_in_root else scope


def _with_contents(connection: Connection, scope: Scope, *, limit: int | None) -> Scope:
    """The scope with its contents and their chunks, both in one statement; each is left out if there are too many.

    Without a limit the chunks are known to be too many. They are not all in scope where they must have phrases: then
    they are left out too.
    """
    contents = "contents_without_excluded_words" if scope.has_excluded_words else "contents_in_scope"
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
    if not scope.has_excluded_words:
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
