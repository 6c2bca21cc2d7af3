"""Chunks that wait for vectors, and the vectors.

The leases work as those of files do, see `magicfs.db.files`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.chunks import ClaimedChunk
from magicfs.domain.ids import ChunkId, Lease, ModelId

_SQL = load_queries("embeddings")

MAX_ATTEMPTS = 4
"""The first with others in a batch, three alone."""

SCAN_FACTORS = (1, 4, 16, 32)
"""So many times the limit of a claim are looked at while all that is met are chunks that no file has any more: about
half a second of work. The next claim goes on."""


def claim_chunks(
    connection: Connection,
    *,
    model: ModelId,
    owner: str,
    limit: int,
    max_tokens: int,
    seconds: float,
    min_priority: int = 0,
) -> list[ClaimedChunk]:
    """Take up to `limit` chunks with at most `max_tokens` together (one is taken whatever its size).

    Chunks below `min_priority` are left alone: 1 takes only what a person waits for. What no file has any more is
    met on the way, and waits no longer; where there is much of it, a claim may end without a chunk.

    The claim is counted in `attempts` at once: commit before the model sees the texts.
    """
    values = {
        "model_id": model,
        "owner": owner,
        "limit": limit,
        "max_tokens": max_tokens,
        "seconds": seconds,
        "max_attempts": MAX_ATTEMPTS,
        "min_priority": min_priority,
    }
    claims: list[ClaimedChunk] = []
    for times in SCAN_FACTORS:
        rows = connection.execute(_SQL["claim"], values | {"look": times * limit}).fetchall()
        claims = [
            ClaimedChunk(ChunkId(chunk), Lease(lease), context, text)
            for chunk, lease, context, text in rows
            if lease is not None
        ]
        dropped = _drop_unowned(connection, model, [chunk for chunk, lease, _, _ in rows if lease is None])
        if claims or not dropped:
            break
    return claims


def _drop_unowned(connection: Connection, model: ModelId, chunks: Sequence[int]) -> int:
    """Let those of these chunks wait no longer that no file has. Returns how many. Their rows must be locked."""
    if not chunks:
        return 0
    return connection.execute(_SQL["drop_unowned"], {"model_id": model, "ids": list(chunks)}).rowcount


def finish_chunks(
    connection: Connection, *, model: ModelId, claims: Sequence[ClaimedChunk], vectors: NDArray[np.float32]
) -> int:
    """Store the vectors, shape (len(claims), dimension). Returns how many leases still held."""
    return connection.execute(
        _SQL["finish"],
        {
            "model_id": model,
            "lease": claims[0].lease,
            "ids": [claim.id for claim in claims],
            "vectors": [HalfVector(vector) for vector in vectors],
        },
    ).rowcount


def return_chunks(
    connection: Connection, *, model: ModelId, claims: Sequence[ClaimedChunk], counted: bool, pause_s: float
) -> None:
    """Free claims without vectors; nobody takes them before `pause_s` from now.

    `counted` says that the chunks may be at fault: the attempt stays counted.
    """
    connection.execute(
        _SQL["return"],
        {
            "model_id": model,
            "lease": claims[0].lease,
            "ids": [claim.id for claim in claims],
            "refund": 0 if counted else 1,
            "pause": pause_s,
        },
    )


def lock_chunks(connection: Connection, *, model: ModelId, claims: Sequence[ClaimedChunk]) -> None:
    """Lock claimed chunks, in the order in which everybody does, if more than one statement is to change them."""
    values = {"model_id": model, "lease": claims[0].lease, "ids": [claim.id for claim in claims]}
    connection.execute(_SQL["hold"], values)


def fail_chunk(connection: Connection, *, model: ModelId, claim: ClaimedChunk, reason: str) -> None:
    """Set a chunk aside that the model has no usable vector for."""
    connection.execute(
        _SQL["refuse"], {"model_id": model, "lease": claim.lease, "chunk_id": claim.id, "reason": reason}
    )


def release_chunks(connection: Connection, *, owner: str) -> int:
    """Free what the predecessor of the worker `owner` held when it died."""
    return connection.execute(_SQL["release"], {"owner": owner}).rowcount


def quarantine_chunks(connection: Connection) -> int:
    """Set aside the chunks that ended their worker again and again. Returns how many."""
    return connection.execute(_SQL["quarantine"], {"reason": "crashed", "max_attempts": MAX_ATTEMPTS}).rowcount


def has_claimable_chunks(connection: Connection) -> bool:
    """Whether a chunk could be claimed now, under any live model."""
    row = connection.execute(_SQL["waiting"], {"max_attempts": MAX_ATTEMPTS}).fetchone()
    return bool(row and row[0])
