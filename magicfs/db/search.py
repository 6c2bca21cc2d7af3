"""Queries of the search: candidates by words and by vectors, and the files that have them.

Two rules keep them quick. What would visit every match is capped first (ranking, counting), and what filters
leave is looked at exactly when it is little: then its chunks are named one by one, and no index of vectors is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import sql

from magicfs.db.models import partition
from magicfs.db.pool import Connection
from magicfs.db.scope import SQL, Parameters, Scope
from magicfs.domain.chunks import ChunkLocation, NameMatch, WordMatch
from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId, ModelId

_LARGEST_EF_SEARCH = 1000
_EF_SEARCH_PER_RESULT = 2
"""How many candidates an index scan keeps for each one that is wanted: with one alone, it misses twice as many."""

K1 = 1.5
"""How slowly further occurrences of a word lose worth, in BM25."""
B = 0.75
"""How much a long chunk must make up for being long, in BM25."""


def limit_time(connection: Connection, *, seconds: float) -> None:
    """Bound every statement of this transaction: `DeadlineExceeded` is raised after `seconds`."""
    milliseconds = max(1, int(seconds * 1000))
    connection.execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))


def _in_wide_scope(name: str, scope: Scope) -> str:
    """The form of a query that a scope allows: to look at contents alone is several times quicker than at files."""
    return name if scope.contents is None else f"{name}_by_contents"


def count_words(connection: Connection, lexemes: Sequence[str], *, limit: int) -> dict[str, int]:
    """In how many chunks each lexeme stands, counted up to `limit`."""
    return dict(connection.execute(SQL["count_words"], {"lexemes": list(lexemes), "limit": limit}).fetchall())


def estimate_words(connection: Connection, lexemes: Sequence[str]) -> dict[str, float]:
    """In what share of all chunks each of these lexemes stands, for those that are frequent."""
    return dict(connection.execute(SQL["estimate_words"], {"lexemes": list(lexemes)}).fetchall())


def usual_tokens(connection: Connection) -> float:
    """The usual number of tokens in a chunk, at least 1."""
    row = connection.execute(SQL["usual_length"]).fetchone()
    return max(1.0, float(row[0])) if row else 1.0


def pick_by_words(
    connection: Connection, scope: Scope, conditions: Sequence[Sequence[Sequence[str]]], *, limit: int
) -> list[ChunkId]:
    """Chunks in the scope that answer any of several conditions, up to `limit` for each.

    A condition is a list of alternatives, each of them a list of lexemes that must all be there.
    """
    parameters = scope.sql_parameters | {"conditions": [_tsquery(one) for one in conditions], "limit": limit}
    name = _in_wide_scope("pick_in_wide_scope", scope) if scope.restricted else "pick_everywhere"
    if scope.chunks is not None:
        parameters["chunks"] = list(scope.chunks)
        name = "pick_in_small_scope"
    # One by one, so that it can stop at the limit: all matches of a common word are most of the table.
    with _by_index(connection):
        return [ChunkId(row[0]) for row in connection.execute(SQL[name], parameters, prepare=False)]


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
        SQL["rank_words"],
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
    for file_id, chunk_id, in_path, in_name in connection.execute(SQL["pick_by_name"], parameters, prepare=False):
        match = NameMatch(FileId(file_id), frozenset(in_path), frozenset(in_name))
        found.setdefault(ChunkId(chunk_id), []).append(match)
    return found


def match_names(connection: Connection, files: Sequence[FileId], lexemes: Sequence[str]) -> list[NameMatch]:
    """How the paths of given files answer the words of a question; those that have none of them are left out."""
    rows = connection.execute(SQL["names"], _name_parameters(lexemes) | {"files": list(files)}, prepare=False)
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
    rows = connection.execute(SQL["exactly"], scope.parameters | {"chunks": list(chunks)}, prepare=False)
    return {ChunkId(row[0]) for row in rows}


def having_phrase(connection: Connection, chunks: Iterable[ChunkId], phrase: str) -> set[ChunkId]:
    """Those of the chunks that have the words of a phrase side by side. `phrase` is a `tsquery`."""
    rows = connection.execute(SQL["verbatim"], {"chunks": list(chunks), "phrase": phrase})
    return {ChunkId(row[0]) for row in rows}


def nearest(
    connection: Connection, scope: Scope, vector: NDArray[np.float32], *, model: ModelId, limit: int
) -> list[tuple[ChunkId, float]]:
    """The chunks in the scope that are nearest to a vector, nearest first, with their cosines."""
    parameters = scope.sql_parameters | {"vector": HalfVector(vector), "limit": limit}
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
    return sql.SQL(SQL[name]).format(partition=partition(model), dimension=sql.Literal(dimension))


def places(connection: Connection, scope: Scope, chunks: Sequence[ChunkId], *, limit: int) -> list[ChunkLocation]:
    """The files in the scope that have given chunks, in the order of the chunks, at most `limit` for each."""
    parameters = scope.parameters | {"chunks": list(chunks), "limit": limit}
    with _by_index(connection):
        rows = connection.execute(SQL["places"], parameters, prepare=False).fetchall()
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


def newest(connection: Connection, scope: Scope, *, limit: int) -> list[ChunkLocation]:
    """The files in the scope, the latest modified first, each with its first chunk."""
    rows = connection.execute(SQL["newest"], scope.parameters | {"limit": limit}, prepare=False)
    return [_place(row) for row in rows]


def _place(row: Sequence[Any]) -> ChunkLocation:
    (
        *_, chunk_id, file_id, host, root, root_path, path, size, mtime_ns, ctime_ns, ino, device, mode, uid, gid,
        first_line, last_line, page, indexed_at,
    ) = row  # fmt: skip
    return ChunkLocation(
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
    return {ChunkId(chunk_id): text for chunk_id, text in connection.execute(SQL["texts"], {"chunks": list(chunks)})}
