"""Give vectors to chunks that wait for them: claim, one go of the model, write down.

One `EmbedService` belongs to one worker process and is used by one thread: nobody shares a model.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magicfs.db import embeddings as embeddings_db
from magicfs.db import models as models_db
from magicfs.db.pool import Connection, Database, retry_on_conflict
from magicfs.domain.chunks import ClaimedChunk, model_input
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec
from magicfs.embedding.embedder import Embedder
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, ModelError
from magicfs.jobs import JobQueue

log = logging.getLogger(__name__)

BATCH_TOKENS = 1500
"""About 0.2 s of work: short enough for a saved file not to wait, long enough for the rest not to count."""

TURN_SECONDS = 2.0
"""How long a worker goes on by itself."""

BATCH_CHUNKS = 128
LEASE_SECONDS = 120.0
"""For hosts that never come back; a worker that dies frees its claims as soon as it is back."""

LOAD_PAUSE_SECONDS = 5.0
"""Until a model that is not on this machine is looked for again."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Claimed chunks and the model that is to embed them."""

    model: IndexedModel
    claims: list[ClaimedChunk]


class EmbedService:
    """Embeds the waiting chunks of the cluster."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        *,
        load: Callable[[ModelSpec], Embedder],
        owner: str,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """`load` makes a model ready to use; `owner` is the worker's name, stable over its restarts.

        While `paused` says so, only what a person has just saved is embedded.
        """
        self._database = database
        self._queue = queue
        self._load = load
        self._owner = owner
        self._paused = paused
        self._embedders: dict[ModelSpec, Embedder] = {}
        """The active model, and beside it the one that is being built: what is saved meanwhile needs both in turn."""

    def recover(self) -> int:
        """Free what this worker held when it last died, and set aside what keeps killing it."""
        with self._database.transaction() as connection:
            released = embeddings_db.release_chunks(connection, owner=self._owner)
            embeddings_db.quarantine_chunks(connection)
        return released

    def warm_up(self) -> None:
        """Load the active model before there is work for it."""
        with self._database.transaction() as connection:
            active = models_db.active_model(connection)
        if active is not None:
            self._embedder_for(active.spec)

    def run_turn(self) -> int:
        """Embed batch after batch for a while. Returns how many chunks got a vector; rings again if more may wait.

        Each batch is claimed anew, so what a person waits for comes next all the same; what is saved is the way
        through the broker. Raises `ModelError` when the model cannot be loaded; the chunks then wait for a worker
        that can.
        """
        until = time.monotonic() + TURN_SECONDS
        done = 0
        batch = self._first_batch()
        if batch is not None:
            self._queue.notify_embed()
        while batch is not None:
            count, batch = self._do(batch, go_on=time.monotonic() < until)
            done += count
        return done

    def run_batch(self) -> int:
        """Embed the next chunks. Returns how many got a vector. Raises as `run_turn` does."""
        batch = self._first_batch()
        return 0 if batch is None else self._do(batch, go_on=False)[0]

    def _first_batch(self) -> _Batch | None:
        with self._database.transaction() as connection:
            return self._claim(connection)

    def _claim(self, connection: Connection) -> _Batch | None:
        """The next batch: of the active model, or else of the one that is being built."""
        found = (models_db.active_model(connection), models_db.building_model(connection))
        models = [model for model in found if model is not None]
        self._let_go_of_others({model.spec for model in models})
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

    def _do(self, batch: _Batch, *, go_on: bool) -> tuple[int, _Batch | None]:
        """Embed a batch and write it down; with `go_on`, claim the next one in the same transaction."""
        try:
            embedder = self._embedder_for(batch.model.spec)
        except ModelError:
            self._return(batch, counted=False, pause_s=LOAD_PAUSE_SECONDS)
            raise
        try:
            good, vectors, bad = _vectors(embedder, batch.claims)

            def write() -> tuple[int, _Batch | None]:
                with self._database.transaction() as connection:
                    if bad:
                        embeddings_db.lock_chunks(connection, model=batch.model.id, claims=batch.claims)
                    done = self._finish(connection, batch.model.id, good, vectors)
                    for claim, reason in bad:
                        embeddings_db.fail_chunk(connection, model=batch.model.id, claim=claim, reason=reason)
                    return done, self._claim(connection) if go_on else None

            return retry_on_conflict(write)
        except BaseException as error:
            blameless = isinstance(error, DatabaseUnavailable | DatabaseConflict)
            self._return(batch, counted=not blameless, pause_s=0.0)
            raise

    def _finish(
        self, connection: Connection, model: ModelId, claims: list[ClaimedChunk], vectors: NDArray[np.float32]
    ) -> int:
        return embeddings_db.finish_chunks(connection, model=model, claims=claims, vectors=vectors) if claims else 0

    def _embedder_for(self, spec: ModelSpec) -> Embedder:
        if spec not in self._embedders:
            self._embedders[spec] = self._load(spec)
        return self._embedders[spec]

    def _let_go_of_others(self, live: set[ModelSpec]) -> None:
        """A model that is in use no more takes as much memory as one that is."""
        for spec in self._embedders.keys() - live:
            del self._embedders[spec]

    def _return(self, batch: _Batch, *, counted: bool, pause_s: float) -> None:
        """Free claims after an error; when even that fails, they run out by themselves."""

        def give_back() -> None:
            with self._database.transaction() as connection:
                embeddings_db.return_chunks(
                    connection, model=batch.model.id, claims=batch.claims, counted=counted, pause_s=pause_s
                )

        with suppress(DatabaseError):
            retry_on_conflict(give_back)


def _vectors(
    embedder: Embedder, claims: list[ClaimedChunk]
) -> tuple[list[ClaimedChunk], NDArray[np.float32], list[tuple[ClaimedChunk, str]]]:
    """The chunks that the model has usable vectors for, these vectors, and the other chunks with the reason."""
    try:
        return claims, embedder.embed_passages([model_input(claim) for claim in claims]), []
    except ModelError as error:
        if len(claims) == 1:
            log.warning("chunk %d has no vector: %s", claims[0].id, error)
            return [], np.empty((0, embedder.spec.dimension), np.float32), [(claims[0], str(error))]
    parts = [_vectors(embedder, [claim]) for claim in claims]
    return (
        [claim for good, _, _ in parts for claim in good],
        np.concatenate([vectors for _, vectors, _ in parts]),
        [refused for _, _, bad in parts for refused in bad],
    )
