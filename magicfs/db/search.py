"""Statements of a search: candidates by words, by names and by vectors, and the files that have them.

Used by `magicfs.search`. Every list has a limit, because a common word is in most chunks. Where the scope's chunks are
enumerated, they are compared one by one; otherwise an index brings candidates. Runs in the caller's transaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import sql

from magicfs.db.connection import accept_vectors
from magicfs.db.models import partition
from magicfs.db.pool import Connection, fetch_one, row_by_row
from magicfs.db.queries import load_queries
from magicfs.db.scope import Parameters, Scope
from magicfs.domain.chunks import CopyRules, FoundFile, MeasuredChunk, NameMatch, WordMatch
from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId, ModelId
from magicfs.domain.query import Lexeme, Term

_SQL = load_queries("search")

MAX_EF_SEARCH = 1000
"""Candidates, the most that pgvector allows."""
EF_SEARCH_PER_RESULT = 2
"""Candidates that an index scan keeps for each result: with one, the scan misses twice as many results."""

BM25_K1 = 1.5
"""How soon more occurrences of a word add nothing to the score: later with a larger value."""
BM25_B = 0.75
"""How much the length of a chunk lowers its score, from 0 to 1."""

NEWEST_FILES_FACTOR = 8
"""How many times more files are read when those that were read are copies of fewer contents than asked for."""

_DIGEST_BYTES = 16

WordCondition = Sequence[Sequence[Term]]
"""A condition on the words of a chunk: alternatives, each a list of words that the chunk must all have. A chunk with
`tax`, or with both `invoice` and `paid`, meets `[[tax], [invoice, paid]]`."""


def stop_words_by_language(
    connection: Connection, words: Sequence[str], *, stemmers: Mapping[str, str]
) -> dict[str, list[str]]:
    """The languages of the index, English first, each with those of `words` that are stop words of it.

    `stemmers` has Postgres's dictionary with the stop words of a language. Languages are ISO 639-1 codes.
    """
    parameters = {"words": list(words), "codes": list(stemmers), "stemmers": list(stemmers.values())}
    return dict(connection.execute(_SQL["stop_words_by_language"], parameters).fetchall())


def met_conditions(connection: Connection, conditions: Sequence[str]) -> set[str]:
    """Those of some conditions on words that any chunk meets; each is the text of a `tsquery`."""
    if not conditions:
        return set()
    return {row[0] for row in connection.execute(_SQL["met_conditions"], {"conditions": list(conditions)})}


def document_frequencies(connection: Connection, terms: Sequence[Term], *, limit: int) -> dict[str, int]:
    """The number of chunks that have each word, counted up to `limit`."""
    return dict(connection.execute(_SQL["document_frequencies"], _conditions(terms) | {"limit": limit}).fetchall())


def estimated_frequencies(connection: Connection, terms: Sequence[Term]) -> dict[str, float]:
    """The share of all chunks that have each word, in [0, 1], by Postgres's statistics; rare words are left out."""
    forms = {term.word: [lexeme.text for lexeme in _covering(term)] for term in terms}
    lexemes = list({text for texts in forms.values() for text in texts})
    frequencies = dict(connection.execute(_SQL["estimated_frequencies"], {"lexemes": lexemes}).fetchall())
    shares = {
        word: 1.0 - math.prod(1.0 - frequencies.get(text, 0.0) for text in texts) for word, texts in forms.items()
    }
    return {word: share for word, share in shares.items() if share > 0.0}


def _covering(term: Term) -> list[Lexeme]:
    """The lexemes that all texts with a word have: where a text has an exact word, it has its stem too."""
    return [lexeme for lexeme in term.lexemes if lexeme.factor >= 1.0]


def average_tokens(connection: Connection) -> float:
    """The average number of tokens of a chunk, at least 1."""
    row = connection.execute(_SQL["average_tokens"]).fetchone()
    return max(1.0, float(row[0])) if row else 1.0


def candidates_by_words(
    connection: Connection, scope: Scope, conditions: Sequence[WordCondition], *, limit: int
) -> list[ChunkId]:
    """The chunks in scope that meet any of the conditions, up to `limit` for each condition."""
    parameters = scope.parameters | {"conditions": [_tsquery(condition) for condition in conditions], "limit": limit}
    if scope.chunks is not None:
        parameters["chunks"] = list(scope.chunks)
        name = "candidates_by_words_in_chunks"
    else:
        name = _in_scope("candidates_by_words", scope)
    # One row at a time, so that the scan stops at the limit: a common word matches most of the table.
    with row_by_row(connection):
        return [ChunkId(row[0]) for row in connection.execute(_SQL[name], parameters, prepare=False)]


def _in_scope(name: str, scope: Scope) -> str:
    """The name of the form of a query for a scope whose chunks are not enumerated.

    Conditions on contents are several times quicker than conditions on files.
    """
    if not scope.is_restricted:
        return name
    return f"{name}_in_files" if scope.contents is None else f"{name}_in_contents"


def _tsquery(alternatives: WordCondition) -> str:
    return " | ".join("(" + " & ".join(f"({term.tsquery})" for term in terms) + ")" for terms in alternatives)


def _conditions(terms: Sequence[Term]) -> Parameters:
    return {"words": [term.word for term in terms], "conditions": [term.tsquery for term in terms]}


def rank_by_bm25(
    connection: Connection,
    chunks: Iterable[ChunkId],
    weights: Mapping[Term, float],
    *,
    average_tokens: float,
    scored: int,
    limit: int,
) -> list[WordMatch]:
    """The best of given chunks by BM25, best first, at most `limit`. `weights` has each word's weight.

    BM25 is computed for the best `scored` chunks by a quicker measure. Chunks without any word are left out.
    """
    terms = list(weights)
    lexemes = [(number, lexeme) for number, term in enumerate(terms, 1) for lexeme in term.lexemes]
    rows = connection.execute(
        _SQL["rank_by_bm25"],
        {
            "chunks": list(chunks),
            "any_word": " | ".join(lexeme.tsquery for term in terms for lexeme in _covering(term)),
            "numbers": [number for number, _ in lexemes],
            "lexemes": [lexeme.tsquery for _, lexeme in lexemes],
            "factors": [lexeme.factor for _, lexeme in lexemes],
            "weights": list(weights.values()),
            "average_tokens": average_tokens,
            "k1": BM25_K1,
            "b": BM25_B,
            "scored": scored,
            "limit": limit,
        },
    )
    return [
        WordMatch(ChunkId(chunk_id), bm25, frozenset(terms[number - 1].word for number in numbers))
        for chunk_id, bm25, numbers in rows
    ]


def candidates_by_name(
    connection: Connection,
    scope: Scope,
    conditions: Sequence[WordCondition],
    terms: Sequence[Term],
    *,
    rules: CopyRules,
    limit: int,
    enough: int,
) -> list[tuple[FoundFile, NameMatch]]:
    """The files in scope whose paths meet any of the conditions, up to `limit` for each condition.

    The conditions are looked up in their order until they have brought `enough` files. Each file has its first chunk if
    it has text, and those of `terms` that its path and its name have.
    """
    parameters = scope.parameters | _name_parameters(terms) | _copy_parameters(rules)
    parameters |= {"conditions": [_tsquery(condition) for condition in conditions], "limit": limit, "enough": enough}
    with row_by_row(connection):
        rows = connection.execute(_SQL["candidates_by_name"], parameters, prepare=False).fetchall()
    return [(location := _location(row[:-2]), NameMatch(location.file_id, *map(frozenset, row[-2:]))) for row in rows]


def name_matches(connection: Connection, files: Sequence[FileId], terms: Sequence[Term]) -> list[NameMatch]:
    """The words of the question that the paths of given files have; files without any are left out."""
    rows = connection.execute(_SQL["name_matches"], _name_parameters(terms) | {"files": list(files)}, prepare=False)
    return [NameMatch(FileId(file_id), frozenset(in_path), frozenset(in_name)) for file_id, in_path, in_name in rows]


def is_named_so(connection: Connection, file: FileId, phrases: str | None) -> bool:
    """Whether the path of a file has every phrase of a condition; also without any."""
    return bool(fetch_one(connection.execute(_SQL["is_named_so"], {"file": file, "phrases": phrases}))[0])


def _name_parameters(terms: Sequence[Term]) -> Parameters:
    return {
        "words": [term.word for term in terms],
        "in_path": [term.tsquery for term in terms],
        "in_name": [" | ".join(_in_own_name(lexeme) for lexeme in term.lexemes) for term in terms],
        "any_word": _tsquery([[term] for term in terms]),
    }


def _in_own_name(lexeme: Lexeme) -> str:
    """The condition that the last part of a path has a lexeme: its words have the weight A."""
    return f"{lexeme.tsquery}A" if lexeme.is_prefix else f"{lexeme.tsquery}:A"


def _copy_parameters(rules: CopyRules) -> Parameters:
    return {"host": rules.host, "each_copy": rules.each_copy}


def chunks_with_phrase(connection: Connection, chunks: Iterable[ChunkId], phrase: str) -> set[ChunkId]:
    """Those of the chunks that have the words of a phrase side by side. `phrase` is the text of a `tsquery`."""
    rows = connection.execute(_SQL["chunks_with_phrase"], {"chunks": list(chunks), "phrase": phrase})
    return {ChunkId(row[0]) for row in rows}


def nearest(
    connection: Connection, scope: Scope, vectors: Mapping[ModelId, NDArray[np.float32]], *, limit: int
) -> list[tuple[ModelId, ChunkId, float]]:
    """The chunks in scope nearest to a vector under each model, at most `limit` a model, with their cosines."""
    # In strict order, an iterative index scan drops chunks that are nearer than those it has returned already.
    connection.execute(
        "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %s, true)",
        (str(min(EF_SEARCH_PER_RESULT * limit, MAX_EF_SEARCH)),),
    )
    name = _in_scope("nearest", scope)
    queries = [_for_model(name, model, dimension=vector.size) for model, vector in vectors.items()]
    # One model's query stands alone, as it has always been planned.
    query = queries[0] if len(queries) == 1 else sql.SQL(" UNION ALL ").join(map(_parenthesized, queries))
    accept_vectors(connection)
    parameters = scope.parameters | _vector_parameters(vectors) | {"limit": limit}
    rows = connection.execute(query, parameters, prepare=False)
    return [(ModelId(model), ChunkId(chunk), float(cosine)) for model, chunk, cosine in rows]


def measured(
    connection: Connection, chunks: Iterable[ChunkId], vectors: Mapping[ModelId, NDArray[np.float32]]
) -> list[MeasuredChunk]:
    """Given chunks with their documents, and their cosines to the vectors of several models."""
    queries: list[sql.Composable] = [
        _for_model("model_and_cosine", model, dimension=vector.size) for model, vector in vectors.items()
    ]
    query = sql.SQL(" UNION ALL ").join([*queries, sql.SQL(_SQL["documents_of_chunks"])])
    accept_vectors(connection)
    documents: dict[int, list[tuple[str | None, str]]] = {chunk: [] for chunk in chunks}
    cosines: dict[int, dict[ModelId, float]] = {chunk: {} for chunk in documents}
    parameters = _vector_parameters(vectors) | {"chunks": list(documents)}
    for model, chunk, cosine, language, mime_type in connection.execute(query, parameters, prepare=False):
        if model is None:
            documents[chunk].append((language, mime_type))
        else:
            cosines[chunk][ModelId(model)] = cosine
    return [MeasuredChunk(ChunkId(chunk), tuple(documents[chunk]), cosines[chunk]) for chunk in documents]


def _parenthesized(query: sql.Composed) -> sql.Composed:
    return sql.SQL("({})").format(query)


def _vector_parameters(vectors: Mapping[ModelId, NDArray[np.float32]]) -> Parameters:
    return {_vector_name(model): HalfVector(vector) for model, vector in vectors.items()}


def _vector_name(model: ModelId) -> str:
    return f"vector_{model}"


def similarities(
    connection: Connection, chunks: Iterable[ChunkId], vector: NDArray[np.float32], *, model: ModelId
) -> list[tuple[ChunkId, float]]:
    """The cosines of given chunks to a vector, nearest first; chunks without a vector are left out."""
    query = _for_model("similarities", model, dimension=vector.size)
    accept_vectors(connection)
    parameters = _vector_parameters({model: vector}) | {"chunks": list(chunks)}
    rows = connection.execute(query, parameters, prepare=False)
    return sorted(((ChunkId(chunk_id), float(cosine)) for chunk_id, cosine in rows), key=lambda row: (-row[1], row[0]))


def _for_model(name: str, model: ModelId, *, dimension: int) -> sql.Composed:
    return sql.SQL(_SQL[name]).format(
        partition=partition(model),
        model=sql.Literal(model),
        vector=sql.Placeholder(_vector_name(model)),
        dimension=sql.Literal(dimension),
    )


def chunk_locations(
    connection: Connection, scope: Scope, chunks: Sequence[ChunkId], *, rules: CopyRules, limit: int
) -> list[FoundFile]:
    """The contents in scope that have given chunks, in the order of the chunks, at most `limit` for each chunk.

    Each is returned once, with the first of its chunks. Of the copies of a content, the preferred one is returned.
    """
    parameters = scope.parameters | _copy_parameters(rules) | {"chunks": list(chunks), "limit": limit}
    with row_by_row(connection):
        rows = connection.execute(_SQL["chunk_locations"], parameters, prepare=False).fetchall()
    return [_location(row) for row in _distinct(rows)]


def newest_files(connection: Connection, scope: Scope, *, rules: CopyRules, limit: int) -> list[FoundFile]:
    """The contents in scope, the latest modified first, each with its first chunk if it has text.

    Of the copies of a content, the newest one is returned.
    """
    read = limit
    while True:
        parameters = scope.parameters | _copy_parameters(rules) | {"limit": read}
        rows = connection.execute(_SQL["newest_files"], parameters, prepare=False).fetchall()
        distinct = _distinct(rows)
        if len(distinct) >= limit or len(rows) < read:
            return [_location(row) for row in distinct[:limit]]
        read *= NEWEST_FILES_FACTOR


def copies(
    connection: Connection, scope: Scope, files: Sequence[FoundFile], *, rules: CopyRules, limit: int
) -> dict[bytes, list[FoundFile]]:
    """The files in scope with the same content as given ones, those among them, the preferred ones first, by copy key.

    At most `limit` for each content. The places of chunks are left out.
    """
    digests = [file.copy_key for file in files if len(file.copy_key) == _DIGEST_BYTES]
    found: dict[bytes, list[FoundFile]] = {}
    if digests:
        parameters = scope.parameters | _copy_parameters(rules) | {"digests": digests, "limit": limit}
        for row in connection.execute(_SQL["copies"], parameters, prepare=False):
            found.setdefault(row[0], []).append(_location(row))
    return found


def _distinct(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """The first row of each content, by copy key."""
    first: dict[bytes, Sequence[Any]] = {}
    for row in rows:
        first.setdefault(row[0], row)
    return list(first.values())


def _location(row: Sequence[Any]) -> FoundFile:
    (
        copy_key, file_id, host, root, root_path, path, size, mtime_ns, ctime_ns, ino, device, mode, uid, gid,
        indexed_at, language, chunk_id, first_line, last_line, page,
    ) = row  # fmt: skip
    return FoundFile(
        copy_key=copy_key,
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
        indexed_at=float(indexed_at or 0.0),
        language=language,
        chunk_id=None if chunk_id is None else ChunkId(chunk_id),
        first_line=first_line,
        last_line=last_line,
        page=page,
    )


def find_file(connection: Connection, file: FileId, *, rules: CopyRules) -> FoundFile | None:
    """A file by its id, with its first chunk if it has text."""
    row = connection.execute(_SQL["file_by_id"], _copy_parameters(rules) | {"file": file}).fetchone()
    return None if row is None else _location(row)


def is_in_scope(connection: Connection, scope: Scope, file: FileId) -> bool:
    """Whether a file meets the conditions of a scope on files."""
    row = connection.execute(_SQL["is_in_scope"], scope.parameters | {"file": file}, prepare=False).fetchone()
    return bool(row and row[0])


def chunks_of_file(connection: Connection, file: FileId) -> list[ChunkId]:
    """All chunks of a file."""
    return [ChunkId(row[0]) for row in connection.execute(_SQL["chunks_of_file"], {"file": file})]


def place_in_file(connection: Connection, file: FileId, chunk: ChunkId) -> tuple[int, int, int | None]:
    """The first and last line of a chunk in a file, and its page; zeros if the file does not have it any more."""
    row = connection.execute(_SQL["place_in_file"], {"file": file, "chunk": chunk}).fetchone()
    return (0, 0, None) if row is None else (row[0], row[1], row[2])


def lexemes_in_chunk(connection: Connection, chunk: ChunkId, terms: Sequence[Term]) -> set[str]:
    """The lexemes of some words that a chunk has, each as the text of a `tsquery`."""
    lexemes = list({lexeme.tsquery for term in terms for lexeme in term.lexemes})
    return {row[0] for row in connection.execute(_SQL["lexemes_in_chunk"], {"chunk": chunk, "lexemes": lexemes})}


def vector_state(connection: Connection, chunk: ChunkId, *, model: ModelId) -> str | None:
    """The state of a chunk's embedding under a model; None without one."""
    row = connection.execute(_SQL["vector_state"], {"chunk": chunk, "model": model}).fetchone()
    return None if row is None else str(row[0])


def chunk_texts(connection: Connection, chunks: Iterable[ChunkId]) -> dict[ChunkId, str]:
    """The texts of given chunks."""
    rows = connection.execute(_SQL["chunk_texts"], {"chunks": list(chunks)})
    return {ChunkId(chunk_id): text for chunk_id, text in rows}
