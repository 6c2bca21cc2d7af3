"""Queries of the search: candidates by words and by vectors, and the files that have them.

Two rules keep them quick. What would visit every match is capped first (ranking, counting), and what filters
leave is looked at exactly when it is little: then its chunks are named one by one, and no index of vectors is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import sql

from magicfs.db.models import partition
from magicfs.db.pool import Connection
from magicfs.db.queries import load
from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, ContentId, FileId, ModelId
from magicfs.domain.query import Filters, Query

_NANOSECONDS = 1_000_000_000
_LARGEST_EF_SEARCH = 1000
_EF_SEARCH_PER_RESULT = 2
"""How many candidates an index scan keeps for each one that is wanted: with one alone, it misses twice as many."""
_MOST_CONTENTS = 50_000
"""Contents that are named one by one. Who leaves more than that soon finds what he wants among all."""

K1 = 1.5
"""How slowly further occurrences of a word lose worth, in BM25."""
B = 0.75
"""How much a long chunk must make up for being long, in BM25."""


def _composed() -> dict[str, LiteralString]:
    """The queries with the parts that they share put in."""
    known = load("search")
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


_SQL = _composed()

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


@dataclass(frozen=True, slots=True)
class WordMatch:
    """How a chunk answers the words of a question."""

    chunk_id: ChunkId
    score: float
    """BM25."""
    lexemes: frozenset[str]
    """Those words that it has."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How a file's path answers the words of a question."""

    file_id: FileId
    in_path: frozenset[str]
    """Those words that the path has, the name included."""
    in_name: frozenset[str]
    """Those words that the file's own name has."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands: a file, and the lines in it."""

    chunk_id: ChunkId
    file_id: FileId
    host: str
    root: str
    root_path: bytes
    path: bytes
    stat: FileStat
    first_line: int
    last_line: int
    page: int | None
    indexed_at: float


def limit_time(connection: Connection, *, seconds: float) -> None:
    """Bound every statement of this transaction: `DeadlineExceeded` is raised after `seconds`."""
    milliseconds = max(1, int(seconds * 1000))
    connection.execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))


def understand(connection: Connection, query: Query) -> Understood:
    """Bring a query into Postgres's terms."""
    row = connection.execute(
        _SQL["understand"],
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
        found = connection.execute(_SQL["scope_contents"], parameters, prepare=False).fetchall()
        if len(found) <= _MOST_CONTENTS:
            scope = replace(scope, contents=tuple(ContentId(row[0]) for row in found))
            name = "small_scope_by_contents"
    parameters = _within(scope) | {"limit": limit + 1}
    rows = connection.execute(_SQL[name], parameters, prepare=False).fetchall()
    return replace(scope, chunks=tuple(ChunkId(row[0]) for row in rows)) if len(rows) <= limit else scope


def _within(scope: Scope) -> Parameters:
    return scope.parameters if scope.contents is None else scope.parameters | {"contents": list(scope.contents)}


def _in_wide_scope(name: str, scope: Scope) -> str:
    """The form of a query that a scope allows: to look at contents alone is several times quicker than at files."""
    return name if scope.contents is None else f"{name}_by_contents"


def count_words(connection: Connection, lexemes: Sequence[str], *, limit: int) -> dict[str, int]:
    """In how many chunks each lexeme stands, counted up to `limit`."""
    return dict(connection.execute(_SQL["count_words"], {"lexemes": list(lexemes), "limit": limit}).fetchall())


def estimate_words(connection: Connection, lexemes: Sequence[str]) -> dict[str, float]:
    """In what share of all chunks each of these lexemes stands, for those that are frequent."""
    return dict(connection.execute(_SQL["estimate_words"], {"lexemes": list(lexemes)}).fetchall())


def usual_tokens(connection: Connection) -> float:
    """The usual number of tokens in a chunk, at least 1."""
    row = connection.execute(_SQL["usual_length"]).fetchone()
    return max(1.0, float(row[0])) if row else 1.0


def pick_by_words(
    connection: Connection, scope: Scope, conditions: Sequence[Sequence[Sequence[str]]], *, limit: int
) -> list[ChunkId]:
    """Chunks in the scope that answer any of several conditions, up to `limit` for each.

    A condition is a list of alternatives, each of them a list of lexemes that must all be there.
    """
    parameters = _within(scope) | {"conditions": [_tsquery(one) for one in conditions], "limit": limit}
    name = _in_wide_scope("pick_in_wide_scope", scope) if scope.restricted else "pick_everywhere"
    if scope.chunks is not None:
        parameters["chunks"] = list(scope.chunks)
        name = "pick_in_small_scope"
    # One by one, so that it can stop at the limit: all matches of a common word are most of the table.
    with _by_index(connection):
        return [ChunkId(row[0]) for row in connection.execute(_SQL[name], parameters, prepare=False)]


def _tsquery(alternatives: Sequence[Sequence[str]]) -> str:
    return " | ".join("(" + " & ".join(_quoted(lexeme) for lexeme in every) + ")" for every in alternatives)


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def rank_words(
    connection: Connection,
    chunks: Iterable[ChunkId],
    weights: dict[str, float],
    *,
    usual_tokens: float,
    likely: int,
    limit: int,
) -> list[WordMatch]:
    """The best of given chunks by the words of a question, best first. `weights` has the lexemes' own weights.

    Only the `likely` best by a rough measure are looked at closely. Chunks without any of the words are left out.
    """
    rows = connection.execute(
        _SQL["rank_words"],
        {
            "chunks": list(chunks),
            "lexemes": list(weights),
            "terms": [_quoted(lexeme) for lexeme in weights],
            "weights": list(weights.values()),
            "usual_tokens": usual_tokens,
            "k1": K1,
            "b": B,
            "likely": likely,
            "limit": limit,
        },
    )
    return [WordMatch(ChunkId(chunk_id), score, frozenset(lexemes)) for chunk_id, score, lexemes in rows]


def pick_by_name(
    connection: Connection, scope: Scope, lexemes: Sequence[str], *, limit: int
) -> dict[ChunkId, list[NameMatch]]:
    """Files in the scope whose paths have words of a question, by their first chunks; some of them, if very many."""
    parameters = scope.parameters | _name_parameters(lexemes) | {"limit": limit}
    found: dict[ChunkId, list[NameMatch]] = {}
    for file_id, chunk_id, in_path, in_name in connection.execute(_SQL["pick_by_name"], parameters, prepare=False):
        match = NameMatch(FileId(file_id), frozenset(in_path), frozenset(in_name))
        found.setdefault(ChunkId(chunk_id), []).append(match)
    return found


def match_names(connection: Connection, files: Sequence[FileId], lexemes: Sequence[str]) -> list[NameMatch]:
    """How the paths of given files answer the words of a question; those that have none of them are left out."""
    rows = connection.execute(_SQL["names"], _name_parameters(lexemes) | {"files": list(files)}, prepare=False)
    return [NameMatch(FileId(file_id), frozenset(in_path), frozenset(in_name)) for file_id, in_path, in_name in rows]


def _name_parameters(lexemes: Sequence[str]) -> Parameters:
    return {
        "lexemes": list(lexemes),
        "every": _tsquery([lexemes]),
        "any": _tsquery([[lexeme] for lexeme in lexemes]),
    }


def exactly(connection: Connection, scope: Scope, chunks: Iterable[ChunkId]) -> set[ChunkId]:
    """Those of the chunks that hold the phrases of a search to the letter.

    A scope whose chunks are not named lets through what has their words in other forms.
    """
    if scope.chunks is not None or scope.parameters["phrases"] is None:
        return set(chunks)
    rows = connection.execute(_SQL["exactly"], scope.parameters | {"chunks": list(chunks)}, prepare=False)
    return {ChunkId(row[0]) for row in rows}


def having_phrase(connection: Connection, chunks: Iterable[ChunkId], phrase: str) -> set[ChunkId]:
    """Those of the chunks that have the words of a phrase side by side. `phrase` is a `tsquery`."""
    rows = connection.execute(_SQL["verbatim"], {"chunks": list(chunks), "phrase": phrase})
    return {ChunkId(row[0]) for row in rows}


def nearest(
    connection: Connection, scope: Scope, vector: NDArray[np.float32], *, model: ModelId, limit: int
) -> list[tuple[ChunkId, float]]:
    """The chunks in the scope that are nearest to a vector, nearest first, with their cosines."""
    parameters = _within(scope) | {"vector": HalfVector(vector), "limit": limit}
    if scope.chunks is not None:
        return similarities(connection, scope.chunks, vector, model=model)[:limit]
    # In strict order, an index scan that goes on drops whatever is nearer than what it has found already.
    connection.execute(
        "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %s, true)",
        (str(min(_EF_SEARCH_PER_RESULT * limit, _LARGEST_EF_SEARCH)),),
    )
    name = _in_wide_scope("nearest_in_wide_scope", scope) if scope.restricted else "nearest"
    rows = connection.execute(_of_model(name, model, dimension=vector.size), parameters, prepare=False)
    return _nearest_first(rows)


def similarities(
    connection: Connection, chunks: Iterable[ChunkId], vector: NDArray[np.float32], *, model: ModelId
) -> list[tuple[ChunkId, float]]:
    """The cosines of given chunks to a vector, nearest first; those without a vector are left out."""
    rows = connection.execute(
        _of_model("similarities", model, dimension=vector.size),
        {"vector": HalfVector(vector), "chunks": list(chunks)},
        prepare=False,
    )
    return _nearest_first(rows)


def _nearest_first(rows: Iterable[tuple[int, float]]) -> list[tuple[ChunkId, float]]:
    return sorted(((ChunkId(chunk_id), float(cosine)) for chunk_id, cosine in rows), key=lambda row: (-row[1], row[0]))


def _of_model(name: str, model: ModelId, *, dimension: int) -> sql.Composed:
    return sql.SQL(_SQL[name]).format(partition=partition(model), dimension=sql.Literal(dimension))


def places(connection: Connection, scope: Scope, chunks: Sequence[ChunkId], *, limit: int) -> list[Place]:
    """The files in the scope that have given chunks, in the order of the chunks, at most `limit` for each."""
    parameters = scope.parameters | {"chunks": list(chunks), "limit": limit}
    with _by_index(connection):
        rows = connection.execute(_SQL["places"], parameters, prepare=False).fetchall()
    return [_place(row) for row in rows]


@contextmanager
def _by_index(connection: Connection) -> Iterator[None]:
    """Have rows looked up one by one.

    While a bulk import runs, statistics lag behind: Postgres would take a table of thousands of rows for an empty one
    and read it whole for each chunk.
    """
    switches = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
    connection.execute("SELECT set_config(name, 'off', true) FROM unnest(%s::text[]) AS name", (list(switches),))
    yield
    connection.execute("SELECT set_config(name, 'on', true) FROM unnest(%s::text[]) AS name", (list(switches),))


def newest(connection: Connection, scope: Scope, *, limit: int) -> list[Place]:
    """The files in the scope, the latest modified first, each with its first chunk."""
    rows = connection.execute(_SQL["newest"], scope.parameters | {"limit": limit}, prepare=False)
    return [_place(row) for row in rows]


def _place(row: Sequence[Any]) -> Place:
    (
        *_, chunk_id, file_id, host, root, root_path, path, size, mtime_ns, ctime_ns, ino, device, mode, uid, gid,
        first_line, last_line, page, indexed_at,
    ) = row  # fmt: skip
    return Place(
        chunk_id=ChunkId(chunk_id),
        file_id=FileId(file_id),
        host=host,
        root=root,
        root_path=root_path,
        path=path,
        stat=FileStat(
            size=size,
            mtime_ns=mtime_ns,
            ctime_ns=ctime_ns,
            ino=int(ino),
            dev=device,
            mode=mode,
            uid=uid,
            gid=gid,
        ),
        first_line=first_line,
        last_line=last_line,
        page=page,
        indexed_at=float(indexed_at or 0.0),
    )


def texts(connection: Connection, chunks: Iterable[ChunkId]) -> dict[ChunkId, str]:
    """The texts of given chunks."""
    return {ChunkId(chunk_id): text for chunk_id, text in connection.execute(_SQL["texts"], {"chunks": list(chunks)})}
