"""Reads a sample of the corpus, by which `magicfs.pipeline.score_scale` measures what the cosines of a model say in it.

Runs in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from magicfs.db.connection import accept_vectors
from magicfs.db.models import partition
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.ids import ModelId

_SQL = load_queries("score_scale")


@dataclass(frozen=True, slots=True)
class SampledChunks:
    """Some chunks of the corpus, in an order that depends on their texts alone."""

    texts: tuple[str, ...]
    languages: tuple[str, ...]
    """ISO 639-1; empty where it is not known."""
    vectors: NDArray[np.float32]
    """Shape (len(texts), dimension), each of length 1."""


def count_vectors(connection: Connection, model: ModelId) -> int:
    """The number of vectors of a model."""
    return int(fetch_one(connection.execute(sql.SQL(_SQL["count_vectors"]).format(partition=partition(model))))[0])


def sample_chunks(connection: Connection, model: ModelId, *, limit: int) -> SampledChunks:
    """Chunks that have a vector of a model, at most `limit`."""
    accept_vectors(connection)
    query = sql.SQL(_SQL["sample_chunks"]).format(partition=partition(model))
    rows = connection.execute(query, {"limit": limit}).fetchall()
    return SampledChunks(
        tuple(text for text, _, _ in rows),
        tuple(language or "" for _, _, language in rows),
        np.array([vector.to_numpy() for _, vector, _ in rows], dtype=np.float32).reshape(len(rows), -1),
    )
