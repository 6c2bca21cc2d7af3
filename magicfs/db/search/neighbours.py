"""The vectors of files, and the files that have text near to them: what finds the neighbours of a file.

Every list has a limit, so that a book costs no more than some pages. Vectors of two models are never compared: each
function is asked for one. Used by `magicfs.search.neighbours`. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from magicfs.db.connection import set_locally
from magicfs.db.pool import Connection, row_by_row
from magicfs.db.queries import array_text, load_queries
from magicfs.db.search.candidate_statements import MAX_BROUGHT, MAX_EF_SEARCH
from magicfs.db.search.found_files import copy_parameters, found_file
from magicfs.db.vectors.partitions import partition
from magicfs.domain.chunks import CopyRules, FoundFile
from magicfs.domain.ids import ChunkId, ContentId
from magicfs.domain.models import IndexedModel

_SQL = load_queries("neighbours")

CONSIDERED_PER_RESULT = 2
"""Vectors that an index scan considers for each chunk that it brings: with one, it misses twice as many."""
USUALLY_EMBEDDED = 2000
"""The number of chunks of a longer file that have vectors, unless MAGICFS_MAX_EMBEDDED_CHUNKS says otherwise."""


class FileVectors(NamedTuple):
    """Chunks of a content and their vectors under one model."""

    chunks: tuple[ChunkId, ...]
    vectors: NDArray[np.float32]
    """Shape (len(chunks), dimension), each of length 1."""


def spread_vectors(
    connection: Connection, model: IndexedModel, contents: Collection[ContentId], *, each: int
) -> dict[ContentId, FileVectors]:
    """The vectors of about `each` chunks of each content at most, spread evenly. One without vectors is left out."""
    values = {"contents": list(contents), "each": each, "embedded": USUALLY_EMBEDDED}
    with row_by_row(connection):
        rows = connection.execute(_of_model("spread_vectors", model), values, prepare=False, binary=True).fetchall()
    found: dict[ContentId, dict[ChunkId, bytes]] = {}
    for content, chunk, vector in rows:
        found.setdefault(ContentId(content), {}).setdefault(ChunkId(chunk), vector)
    return {content: FileVectors(tuple(chunks), _array(chunks.values(), model)) for content, chunks in found.items()}


def vectors_of_chunks(connection: Connection, model: IndexedModel, chunks: Collection[ChunkId]) -> FileVectors:
    """The vectors of given chunks, as far as they have one."""
    query = _of_model("vectors_of_chunks", model)
    with row_by_row(connection):
        rows = connection.execute(query, {"chunks": list(chunks)}, prepare=False, binary=True).fetchall()
    return FileVectors(tuple(ChunkId(chunk) for chunk, _ in rows), _array([vector for _, vector in rows], model))


def near_chunks(
    connection: Connection,
    model: IndexedModel,
    probes: NDArray[np.float32],
    *,
    own: Collection[ChunkId],
    limit: int,
) -> dict[ChunkId, float]:
    """The chunks among the `limit` nearest to one of some vectors, each with its greatest cosine to them.

    `probes` are these vectors, shape (n, dimension), `own` the chunks of the file, which are left out.
    """
    settings = {
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": str(MAX_BROUGHT),
        "hnsw.ef_search": str(min(CONSIDERED_PER_RESULT * limit, MAX_EF_SEARCH)),
    }
    set_locally(connection, settings)
    texts = array_text("[" + ",".join(f"{number:.6g}" for number in probe) + "]" for probe in probes)
    values = {"probes": texts, "own": list(own), "limit": limit}
    # Planned for these values: only then is the list of the own chunks hashed.
    rows = connection.execute(_of_model("near_probes", model), values, prepare=False)
    return {ChunkId(chunk): cosine for chunk, cosine in rows}


def contents_of_chunks(
    connection: Connection, chunks: Collection[ChunkId], *, without: ContentId, each: int
) -> dict[ContentId, list[ChunkId]]:
    """The contents that have some of the chunks, with these, but for the content `without`.

    At most `each` contents of a chunk.
    """
    values = {"chunks": list(chunks), "content": without, "each": each}
    with row_by_row(connection):
        rows = connection.execute(_SQL["contents_of_chunks"], values, prepare=False).fetchall()
    return {ContentId(content): list(map(ChunkId, having)) for content, having in rows}


def sample_contents(connection: Connection, *, without: ContentId, limit: int) -> list[ContentId]:
    """Contents with text, spread evenly over the index, but for the content `without`."""
    rows = connection.execute(_SQL["sample_contents"], {"content": without, "limit": limit})
    return [ContentId(row[0]) for row in rows]


def languages_of_contents(connection: Connection, contents: Collection[ContentId]) -> dict[ContentId, str]:
    """The language of each content, ISO 639-1; empty where it is not known."""
    rows = connection.execute(_SQL["languages_of_contents"], {"contents": list(contents)}, prepare=False)
    return {ContentId(content): language for content, language in rows}


def files_of_contents(
    connection: Connection, places: Sequence[tuple[ContentId, ChunkId]], *, rules: CopyRules
) -> list[tuple[ContentId, FoundFile]]:
    """One file for each content, at the place of a chunk of it, in their order. One without a file is left out."""
    values = copy_parameters(rules) | {
        "contents": [content for content, _ in places],
        "chunks": [chunk for _, chunk in places],
    }
    with row_by_row(connection):
        rows = connection.execute(_SQL["files_of_contents"], values, prepare=False).fetchall()
    return [(ContentId(row[-1]), found_file(row)) for row in rows]


def states_of_chunks(connection: Connection, model: IndexedModel, content: ContentId) -> Mapping[str | None, int]:
    """How many chunks of a content are in each state under a model; None counts those that get no vector of it."""
    rows = connection.execute(_of_model("states_of_chunks", model), {"content": content}, prepare=False)
    return dict(rows.fetchall())


def waits_for_second_vectors(connection: Connection, model: IndexedModel) -> bool:
    """Whether a chunk waits for its second vector, which is one of this model."""
    row = connection.execute(_of_model("waits_for_second_vectors", model), prepare=False).fetchone()
    return row is not None


def _of_model(name: str, model: IndexedModel) -> sql.Composed:
    return sql.SQL(_SQL[name]).format(
        partition=partition(model.id), model=sql.Literal(model.id), dimension=sql.Literal(model.spec.dimension)
    )


def _array(sent: Collection[bytes], model: IndexedModel) -> NDArray[np.float32]:
    """Vectors as `halfvec_send` writes them: two numbers of two bytes, then those of the vector.

    As values of pgvector's class, thousands of them would take most of the time.
    """
    numbers = np.frombuffer(b"".join(sent), dtype=">f2").reshape(len(sent), 2 + model.spec.dimension)
    return numbers[:, 2:].astype(np.float32)
