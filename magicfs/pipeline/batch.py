"""Runs a model on a batch of claimed chunks, and writes what comes of it.

Used by `EmbedService`. One bad chunk costs only itself: when the model fails on a batch, each chunk is tried alone. It
claims nothing. The functions run in the worker's one thread, and write in the caller's transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from magicfs.db.pool import Connection
from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.db.vectors import second_vectors as second_vectors_db
from magicfs.db.vectors import unread as unread_db
from magicfs.domain.chunks import ClaimedChunk, model_input
from magicfs.domain.models import IndexedModel, ModelState
from magicfs.embedding.embedder import Embedder
from magicfs.errors import ModelError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Claimed chunks and the model that is to embed them."""

    model: IndexedModel
    claims: list[ClaimedChunk]
    is_alone: bool
    """Whether the index makes vectors of no other model."""


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """The result of the model for a batch."""

    claims: list[ClaimedChunk]
    """The chunks with a usable vector."""
    vectors: NDArray[np.float32]
    """Shape (len(claims), dimension)."""
    failed: list[tuple[ClaimedChunk, str]]
    """Chunks for which the model failed, each with its error."""
    unread: list[ClaimedChunk]
    """Chunks in a language that the model does not read: they get no vector."""
    signs: Sequence[bytes] = ()
    """The signs of the tokens of each claim, see `magicfs.domain.token_vectors`; empty for none."""


def embed_claims(embedder: Embedder, claims: list[ClaimedChunk]) -> EmbeddedBatch:
    """Run the model on those chunks whose language it reads."""
    read: list[ClaimedChunk] = []
    unread: list[ClaimedChunk] = []
    for claim in claims:
        (read if embedder.reads(claim.text) else unread).append(claim)
    return replace(_embed(embedder, read), unread=unread)


def _embed(embedder: Embedder, claims: list[ClaimedChunk]) -> EmbeddedBatch:
    """Run the model on chunks: on all together and, if it fails, on each alone."""
    try:
        vectors, signs = embedder.embed_chunks([model_input(claim) for claim in claims])
    except ModelError as error:
        if len(claims) == 1:
            log.warning("chunk %d has no vector: %s", claims[0].id, error)
            none = np.empty((0, embedder.spec.dimension), np.float32)
            return EmbeddedBatch([], none, [(claims[0], str(error))], [])
        parts = [_embed(embedder, [claim]) for claim in claims]
        return EmbeddedBatch(
            [claim for part in parts for claim in part.claims],
            np.concatenate([part.vectors for part in parts]),
            [failure for part in parts for failure in part.failed],
            [],
            [signs for part in parts for signs in part.signs],
        )
    return EmbeddedBatch(claims, vectors, [], [], signs)


def write_batch(connection: Connection, batch: Batch, embedded: EmbeddedBatch) -> int:
    """Write the vectors of a batch and quarantine its failed chunks. Returns how many chunks are done."""
    model = batch.model.id
    # Several statements change rows of the batch, so all rows are locked first, in the common order.
    if not batch.is_alone:
        second_vectors_db.lock_chunks(connection, [claim.id for claim in batch.claims])
    elif embedded.failed or embedded.unread:
        embeddings_db.lock_claims(connection, model=model, claims=batch.claims)
    count = 0
    if embedded.claims:
        count = embeddings_db.finish_chunks(
            connection, model=model, claims=embedded.claims, vectors=embedded.vectors, signs=embedded.signs
        )
    if embedded.unread:
        count += unread_db.finish_unread(connection, model=model, claims=embedded.unread)
    for claim, reason in embedded.failed:
        embeddings_db.fail_chunk(connection, model=model, claim=claim, reason=reason)
    if batch.model.state is ModelState.MULTILINGUAL:
        second_vectors_db.drop_foreign_vectors(connection, [claim.id for claim in batch.claims])
    return count
