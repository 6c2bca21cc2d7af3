"""What the scales of models are measured by, a sample of the corpus, and where they stand: in the rows of the models.

One worker at a time measures a model: it leases the measurement. A lease that is not released ends by itself. Runs in
the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql
from psycopg.types.json import Jsonb

from magicfs.db.connection import accept_vectors
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vectors.partitions import partition
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel
from magicfs.domain.scales import CorpusScale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SQL = load_queries("score_scale")

LEASE_SECONDS = 120.0
"""A measurement takes a few seconds, on a busy machine some tens."""
GROWTH = 1.25
"""A corpus is measured again when it has this many times the vectors, or this many times fewer."""
MIN_VECTORS = 30
"""A corpus of fewer vectors has the model's own scale, unless the model is one of many languages."""
COUNTED_BYTES = 32 << 20
"""The vectors of a smaller table are counted: 40,000 rows in a few milliseconds."""


@dataclass(frozen=True, slots=True)
class SampledChunks:
    """Some chunks of the corpus, in an order that depends on their texts alone."""

    texts: tuple[str, ...]
    languages: tuple[str, ...]
    """ISO 639-1; empty where it is not known."""
    vectors: NDArray[np.float32]
    """Shape (len(texts), dimension), each of length 1."""


def is_outgrown(model: IndexedModel, vectors: int) -> bool:
    """Whether a corpus of `vectors` vectors is another one than that in which the model was measured."""
    least = MIN_VECTORS if model.spec.floor_across is None else 1
    known = model.scale.vectors if model.scale is not None else 0
    return vectors >= least and not known / GROWTH < vectors < known * GROWTH


def waits(connection: Connection, model: IndexedModel) -> bool:
    """Whether a model is to be measured, and nobody does.

    This is asked each minute. In a large index, vectors are counted only where an estimate says that the corpus has
    grown: a worker that is notified has loaded its model before it counts.
    """
    if fetch_one(connection.execute(_SQL["is_leased"], {"model_id": model.id}))[0]:
        return False
    estimate = _estimate_vectors(connection, model.id)
    if estimate is not None and not is_outgrown(model, estimate):
        return False
    return is_outgrown(model, count_vectors(connection, model.id))


def _estimate_vectors(connection: Connection, model: ModelId) -> int | None:
    """An estimate of the number of vectors; None for a table that is counted as quickly."""
    name = partition(model).as_string(connection)
    row = connection.execute(_SQL["estimate_vectors"], {"partition": name, "bytes": COUNTED_BYTES}).fetchone()
    return None if row is None or row[0] is None else round(row[0])


def lease(connection: Connection, model: ModelId) -> bool:
    """Lease the measurement of a model. Returns False if another worker has it."""
    parameters = {"model_id": model, "seconds": LEASE_SECONDS}
    return connection.execute(_SQL["lease"], parameters).fetchone() is not None


def release(connection: Connection, model: ModelId) -> None:
    """End a lease of this worker without a measurement."""
    connection.execute(_SQL["release"], {"model_id": model})


def record(connection: Connection, model: ModelId, scale: CorpusScale) -> None:
    """Record the scale of a model in this corpus, and end the lease."""
    connection.execute(_SQL["record"], {"model_id": model, "scale": Jsonb(scale.as_json())})


def count_vectors(connection: Connection, model: ModelId) -> int:
    """The number of vectors of a model."""
    return int(fetch_one(connection.execute(sql.SQL(_SQL["count_vectors"]).format(partition=partition(model))))[0])


def sample_chunks(connection: Connection, model: ModelId, *, limit: int) -> SampledChunks:
    """Chunks that have a vector of a model, at most `limit`."""
    # Imported where it is used: the agent asks what waits, and never needs it.
    import numpy as np

    accept_vectors(connection)
    query = sql.SQL(_SQL["sample_chunks"]).format(partition=partition(model))
    rows = connection.execute(query, {"limit": limit}).fetchall()
    return SampledChunks(
        tuple(text for text, _, _ in rows),
        tuple(language or "" for _, _, language in rows),
        np.array([vector.to_numpy() for _, vector, _ in rows], dtype=np.float32).reshape(len(rows), -1),
    )
