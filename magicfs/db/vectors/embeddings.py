"""The queue of chunks to be embedded: claims, vectors, failures.

The embed workers use it. It runs no model, and compares no vectors. Leases work as those of files do, see
`magicfs.db.corpus.file_claims`. An orphan chunk is a chunk that no file has: it needs no vector. Runs in the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from magicfs.db.connection import accept_vectors
from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.chunks import ClaimedChunk
from magicfs.domain.files import SECOND_VECTOR_PRIORITY, SkipReason
from magicfs.domain.ids import ChunkId, Lease, ModelId
from magicfs.domain.models import ClaimableModel, ModelState

if TYPE_CHECKING:
    # The agent only asks whether chunks wait.
    import numpy as np
    from numpy.typing import NDArray

_SQL = load_queries("embeddings")

MAX_ATTEMPTS = 4
"""Claims of a chunk before it is quarantined: the first in a batch with others, the next three alone."""

LEASE_SECONDS = 300.0
"""Longer than a task may run, also on a machine with too much to do. A worker that has died releases its claims at its
next start, so only the leases of a host that never comes back run out."""

OVERDUE_SECONDS = 10.0
"""The time after which a worker that has claimed chunks is asked again: most batches take less than a second, and an
outage may have hidden the claim from it."""

SCAN_FACTORS = (1, 4, 16, 32)
"""How many rows a claim reads, in multiples of its limit. It reads more rows, by the next factor, only if all rows were
orphan chunks. All factors together take about half a second."""


def claim_chunks(
    connection: Connection,
    *,
    model: ModelId,
    owner: str,
    limit: int,
    max_tokens: int,
    seconds: float,
    min_priority: int = SECOND_VECTOR_PRIORITY,
) -> list[ClaimedChunk]:
    """Claim up to `limit` chunks with at most `max_tokens` in total; the first one may exceed `max_tokens`.

    Chunks of a lower priority than `min_priority` are left. The claim removes the orphan chunks that it reads from the
    queue. It may return none although chunks wait behind very many orphan chunks.

    The claim increments `attempts`. Commit it before the model reads the texts.
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
    for factor in SCAN_FACTORS:
        rows = connection.execute(_SQL["claim_chunks"], values | {"scan_limit": factor * limit}).fetchall()
        claims = [
            ClaimedChunk(ChunkId(chunk), Lease(lease), context, text)
            for chunk, lease, context, text in rows
            if lease is not None
        ]
        removed = _remove_orphans(connection, model, [chunk for chunk, lease, _, _ in rows if lease is None])
        if claims or not removed:
            break
    return claims


def _remove_orphans(connection: Connection, model: ModelId, chunks: Sequence[int]) -> int:
    """Delete the queue rows of those chunks that are still orphans. Returns their number. The rows must be locked."""
    if not chunks:
        return 0
    return connection.execute(_SQL["remove_orphans"], {"model_id": model, "ids": list(chunks)}).rowcount


def finish_chunks(
    connection: Connection,
    *,
    model: ModelId,
    claims: Sequence[ClaimedChunk],
    vectors: NDArray[np.float32],
    signs: Sequence[bytes] = (),
) -> int:
    """Store vectors of shape (len(claims), dimension), and the signs of tokens. Returns how many claims were valid.

    `signs` are those of `magicfs.domain.token_vectors`, for each claim; b"" is stored as null.
    """
    from pgvector import HalfVector

    accept_vectors(connection)
    return connection.execute(
        _SQL["finish_chunks"],
        {
            "model_id": model,
            "lease": claims[0].lease,
            "ids": [claim.id for claim in claims],
            "vectors": [HalfVector(vector) for vector in vectors],
            "signs": [each or None for each in signs] or [None] * len(claims),
        },
    ).rowcount


def return_chunks(connection: Connection, *, model: ModelId, claims: Sequence[ClaimedChunk], counted: bool) -> None:
    """Return claims before their chunks are embedded.

    With `counted`, the attempt stays counted, because the chunks may have caused the failure.
    """
    connection.execute(
        _SQL["return_chunks"],
        {
            "model_id": model,
            "lease": claims[0].lease,
            "ids": [claim.id for claim in claims],
            "refund": 0 if counted else 1,
        },
    )


def lock_claims(connection: Connection, *, model: ModelId, claims: Sequence[ClaimedChunk]) -> None:
    """Lock claimed chunks in the common order, before several statements change them."""
    values = {"model_id": model, "lease": claims[0].lease, "ids": [claim.id for claim in claims]}
    connection.execute(_SQL["lock_claims"], values)


def fail_chunk(connection: Connection, *, model: ModelId, claim: ClaimedChunk, reason: str) -> None:
    """Record that the model gives no usable vector for a chunk."""
    connection.execute(
        _SQL["fail_chunk"], {"model_id": model, "lease": claim.lease, "chunk_id": claim.id, "reason": reason}
    )


def suspect_chunk(connection: Connection, *, model: ModelId, claim: ClaimedChunk) -> None:
    """Record that a chunk is the reason if its worker is killed for want of memory before it has embedded it."""
    values = {
        "model_id": model,
        "chunk_id": claim.id,
        "lease": claim.lease,
        "reason": SkipReason.OUT_OF_MEMORY.value,
    }
    connection.execute(_SQL["suspect_chunk"], values)


def release_chunks(connection: Connection, *, owner: str, counted: bool, lacked_memory: bool = False) -> int:
    """Release all claims of the worker `owner`. Returns the number of chunks.

    With `counted`, the attempts stay counted, because the chunks may have killed the worker. If it `lacked_memory`, so
    do those of suspected chunks, and of others not; these are claimed alone from then on.
    """
    values = {"owner": owner, "refund": 0 if counted else 1, "lacked_memory": lacked_memory}
    return connection.execute(_SQL["release_chunks"], values).rowcount


def quarantine_chunks(connection: Connection) -> int:
    """Quarantine the chunks whose workers died `MAX_ATTEMPTS` times. Returns their number."""
    values = {"reason": SkipReason.CRASHED.value, "max_attempts": MAX_ATTEMPTS}
    return connection.execute(_SQL["quarantine_chunks"], values).rowcount


def claimable_models(
    connection: Connection, *, min_priority: int = SECOND_VECTOR_PRIORITY, owner: str = "", within_s: float = 0.0
) -> list[ClaimableModel]:
    """The models that have a chunk of at least `min_priority` to claim now: active, building, multilingual.

    Claims of `owner` do not count as those of another worker. With `within_s`, also the models of which a chunk can be
    claimed after so many seconds.
    """
    values = {"max_attempts": MAX_ATTEMPTS, "min_priority": min_priority, "owner": owner, "within": within_s}
    rows = connection.execute(_SQL["claimable_models"], values)
    return [
        ClaimableModel(ModelId(model), name, ModelState(state), priority=priority, is_claimed=is_claimed)
        for model, name, state, priority, is_claimed in rows
    ]
