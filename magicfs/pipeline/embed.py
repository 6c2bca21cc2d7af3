"""Embeds waiting chunks: claim a batch, run the model once, write the vectors.

Used by the embed worker: one `EmbedService` with its own model belongs to one process and one thread. It loads no
model itself; the composition root passes a function that does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from magicfs.db import embeddings as embeddings_db
from magicfs.db import models as models_db
from magicfs.db import recut as recut_db
from magicfs.db import unread as unread_db
from magicfs.db import words as words_db
from magicfs.db.pool import Connection, Database, retry_on_conflict
from magicfs.domain.chunks import Chunk, ClaimedChunk, model_input
from magicfs.domain.models import IndexedModel, ModelSpec
from magicfs.embedding.embedder import Embedder
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, ModelError, ModelMismatch
from magicfs.jobs import JobQueue
from magicfs.pipeline.recut import with_words

log = logging.getLogger(__name__)

BATCH_TOKENS = 1500
"""About 0.2 s of work: a saved file waits for it only briefly, and the database queries cost little in comparison."""

TURN_SECONDS = 2.0
"""How long one task embeds batch after batch."""

BATCH_CHUNKS = 128
LEASE_SECONDS = 120.0
"""A worker that has died releases its claims at its next start, so only the leases of a host that never comes back run
out."""

LOAD_PAUSE_SECONDS = 5.0
"""Pause before chunks are claimed again whose model is not on this machine."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Claimed chunks and the model that is to embed them."""

    model: IndexedModel
    claims: list[ClaimedChunk]


@dataclass(frozen=True, slots=True)
class _EmbeddedBatch:
    """The result of the model for a batch."""

    claims: list[ClaimedChunk]
    """The chunks with a usable vector."""
    vectors: NDArray[np.float32]
    """Shape (len(claims), dimension)."""
    failed: list[tuple[ClaimedChunk, str]]
    """Chunks for which the model failed, each with its error."""
    unread: list[ClaimedChunk]
    """Chunks in a language that the model does not read: they get no vector."""


class EmbedService:
    """Embeds the waiting chunks of the cluster."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        *,
        load: Callable[[ModelSpec], Embedder],
        owner: str,
        cut: Callable[[Embedder, ClaimedChunk], list[Chunk]] = lambda _embedder, _claim: [],
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """`load` loads a model and raises `ModelError`; `owner` is the worker's name, stable over its restarts.

        `cut` gives the pieces of a chunk that is too long for the model, and none for any other.
        While `paused` returns True, only the chunks of files that a person just saved are embedded.
        """
        self._database = database
        self._queue = queue
        self._load = load
        self._owner = owner
        self._cut = cut
        self._paused = paused
        self._unreturned: list[tuple[_Batch, bool]] = []
        """Claims that could not be returned, and whether their attempts count."""
        self._embedders: dict[ModelSpec, Embedder] = {}
        """The active model and the one that is being built. Both stay loaded, because a saved file needs both."""

    def recover(self) -> int:
        """Release the claims that this worker had when it last died, and quarantine chunks that keep killing it.

        Returns the number of released claims.
        """
        with self._database.transaction() as connection:
            released = embeddings_db.release_chunks(connection, owner=self._owner)
            embeddings_db.quarantine_chunks(connection)
        return released

    def warm_up(self) -> None:
        """Load the active model, if the index has one. Raises `ModelError`."""
        with self._database.transaction() as connection:
            active = models_db.active_model(connection)
        if active is not None:
            self._embedder_for(active)

    def run_turn(self) -> int:
        """Embed batch after batch for TURN_SECONDS. Returns how many chunks are done; notifies if more may wait.

        Each batch is a new claim, so that the next batch begins with the files that were just saved. One turn of many
        batches needs one message of the broker.
        Raises `ModelError` when the model cannot be loaded: the chunks then wait for a worker that can.
        """
        self._return_late()
        deadline = time.monotonic() + TURN_SECONDS
        embedded = 0
        batch = self._claim_first_batch()
        if batch is not None:
            self._queue.notify_embed()
        while batch is not None:
            count, batch = self._embed_batch(batch, claim_next=time.monotonic() < deadline)
            embedded += count
        return embedded

    def _claim_first_batch(self) -> _Batch | None:
        with self._database.transaction() as connection:
            return self._claim_batch(connection)

    def _claim_batch(self, connection: Connection) -> _Batch | None:
        """Claim chunks that lack a vector of the active model or, if there are none, of the one that is being built."""
        live = (models_db.active_model(connection), models_db.building_model(connection))
        models = [model for model in live if model is not None]
        self._unload_models_except({model.spec for model in models})
        for model in models:
            claims = embeddings_db.claim_chunks(
                connection,
                model=model.id,
                owner=self._owner,
                limit=BATCH_CHUNKS,
                max_tokens=BATCH_TOKENS,
                seconds=LEASE_SECONDS,
                min_priority=1 if self._paused() else 0,
            )
            if claims:
                return _Batch(model, claims)
        return None

    def _embed_batch(self, batch: _Batch, *, claim_next: bool) -> tuple[int, _Batch | None]:
        """Embed a batch and write its vectors; with `claim_next`, claim the next batch in the same transaction.

        Returns how many chunks are done, and the next batch. After an error the claims are returned.
        """
        try:
            embedder = self._embedder_for(batch.model)
        except ModelError:
            self._return_claims(batch, counted=False, pause_s=LOAD_PAUSE_SECONDS)
            raise
        try:
            embedded = _embed_read(embedder, self._cut_anew(embedder, batch))

            def write() -> tuple[int, _Batch | None]:
                with self._database.transaction() as connection:
                    count = _write(connection, batch, embedded)
                    return count, self._claim_batch(connection) if claim_next else None

            return retry_on_conflict(write)
        except BaseException as error:
            fault_of_database = isinstance(error, DatabaseUnavailable | DatabaseConflict)
            self._return_claims(batch, counted=not fault_of_database, pause_s=0.0)
            raise

    def _cut_anew(self, embedder: Embedder, batch: _Batch) -> list[ClaimedChunk]:
        """Replace the chunks of a batch that are too long for its model by pieces, which wait for their turn.

        Returns the other chunks. They are what they were, so that their other vectors stay.
        """
        cuts = {claim.id: pieces for claim in batch.claims if (pieces := self._cut(embedder, claim))}
        if not cuts:
            return batch.claims
        # A chunk that was placed in another content meanwhile is claimed, and cut, once more.
        kept = [claim for claim in batch.claims if claim.id in cuts]

        def replace_chunks() -> None:
            with self._database.transaction() as connection:
                sources = words_db.read_sources(connection, list(cuts))
                recut_db.replace_chunks(connection, with_words(cuts, sources))
                embeddings_db.return_chunks(connection, model=batch.model.id, claims=kept, counted=False, pause_s=0.0)

        retry_on_conflict(replace_chunks)
        log.info("%d chunks were too long for %s and are cut anew", len(cuts), batch.model.spec.label)
        return [claim for claim in batch.claims if claim.id not in cuts]

    def _embedder_for(self, model: IndexedModel) -> Embedder:
        """The embedder of a model of the index. Raises `ModelMismatch` when this machine has another one."""
        spec = model.spec
        if spec not in self._embedders:
            embedder = self._load(spec)
            if not spec.digest and embedder.spec.digest:
                spec = self._record_digest(model, embedder.spec)
            if not embedder.spec.is_model(spec):
                raise ModelMismatch(
                    f"the index uses {spec.full_label} and this machine has {embedder.spec.full_label}: "
                    f"run 'magicfs model use {spec.name}' to make all vectors anew"
                )
            self._embedders[spec] = self._embedders[model.spec] = embedder
        return self._embedders[model.spec]

    def _record_digest(self, model: IndexedModel, loaded: ModelSpec) -> ModelSpec:
        """The spec of a model of an older version with its digest, which is that of `loaded` if no host was first."""
        with self._database.transaction() as connection:
            models_db.record_digest(connection, model, loaded)
            return models_db.spec_of(connection, model.id) or model.spec

    def _unload_models_except(self, live: set[ModelSpec]) -> None:
        """Free the memory of models that the index does not use any more."""
        for spec in self._embedders.keys() - live:
            del self._embedders[spec]

    def _return_claims(self, batch: _Batch, *, counted: bool, pause_s: float) -> None:
        """Return claims before their leases end. When the database refuses even that, the next turn begins with it."""

        def return_chunks() -> None:
            with self._database.transaction() as connection:
                embeddings_db.return_chunks(
                    connection, model=batch.model.id, claims=batch.claims, counted=counted, pause_s=pause_s
                )

        try:
            retry_on_conflict(return_chunks)
        except DatabaseError:
            self._unreturned.append((batch, counted))

    def _return_late(self) -> None:
        """Return the claims that could not be returned. Without this, their chunks would wait for the leases to end."""
        unreturned, self._unreturned = self._unreturned, []
        for batch, counted in unreturned:
            self._return_claims(batch, counted=counted, pause_s=0.0)


def _embed_read(embedder: Embedder, claims: list[ClaimedChunk]) -> _EmbeddedBatch:
    """Run the model on those chunks whose language it reads."""
    read: list[ClaimedChunk] = []
    unread: list[ClaimedChunk] = []
    for claim in claims:
        (read if embedder.reads(claim.text) else unread).append(claim)
    return replace(_embed(embedder, read), unread=unread)


def _embed(embedder: Embedder, claims: list[ClaimedChunk]) -> _EmbeddedBatch:
    """Run the model on chunks: on all together and, if it fails, on each alone."""
    try:
        vectors = embedder.embed_passages([model_input(claim) for claim in claims])
    except ModelError as error:
        if len(claims) == 1:
            log.warning("chunk %d has no vector: %s", claims[0].id, error)
            return _EmbeddedBatch([], np.empty((0, embedder.spec.dimension), np.float32), [(claims[0], str(error))], [])
        parts = [_embed(embedder, [claim]) for claim in claims]
        return _EmbeddedBatch(
            [claim for part in parts for claim in part.claims],
            np.concatenate([part.vectors for part in parts]),
            [failure for part in parts for failure in part.failed],
            [],
        )
    return _EmbeddedBatch(claims, vectors, [], [])


def _write(connection: Connection, batch: _Batch, embedded: _EmbeddedBatch) -> int:
    """Write the vectors of a batch and quarantine its failed chunks. Returns how many chunks are done."""
    model = batch.model.id
    if embedded.failed or embedded.unread:
        # Several statements change rows of the batch, so all its rows are locked first, in the common order.
        embeddings_db.lock_chunks(connection, model=model, claims=batch.claims)
    count = 0
    if embedded.claims:
        count = embeddings_db.finish_chunks(connection, model=model, claims=embedded.claims, vectors=embedded.vectors)
    if embedded.unread:
        count += unread_db.finish_unread(connection, model=model, claims=embedded.unread)
    for claim, reason in embedded.failed:
        embeddings_db.fail_chunk(connection, model=model, claim=claim, reason=reason)
    return count
