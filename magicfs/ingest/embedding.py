"""Give vectors to chunks that wait for them: claim, one go of the model, write down.

One `Embedding` belongs to one worker process and is used by one thread: nobody shares a model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from magicfs.db import embeddings as embeddings_db
from magicfs.db import models as models_db
from magicfs.db.embeddings import ClaimedChunk
from magicfs.db.pool import Database
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec
from magicfs.embed.protocol import Embedder
from magicfs.errors import DatabaseError, ModelError
from magicfs.jobs import JobQueue

log = logging.getLogger(__name__)

BATCH_TOKENS = 1500
"""About 0.2 s of work: short enough for a saved file not to wait, long enough for the rest not to count."""

BATCH_CHUNKS = 128
LEASE_SECONDS = 120.0
"""For hosts that never come back; a worker that dies frees its claims as soon as it is back."""

LOAD_PAUSE_SECONDS = 5.0
"""Until a model that is not on this machine is looked for again."""


class Embedding:
    """Embeds the waiting chunks of the cluster."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        *,
        load: Callable[[ModelSpec], Embedder],
        owner: str,
        resting: Callable[[], bool] = lambda: False,
    ) -> None:
        """`load` makes a model ready to use; `owner` is the worker's name, stable over its restarts.

        While `resting` says so, only what a person has just saved is embedded.
        """
        self._database = database
        self._queue = queue
        self._load = load
        self._owner = owner
        self._resting = resting
        self._embedder: Embedder | None = None

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

    def run_batch(self) -> int:
        """Claim and embed the next chunks. Returns how many got a vector; rings again while more may wait.

        Raises `ModelError` when the model cannot be loaded; the chunks then wait for a worker that can.
        """
        batch = self._claim()
        if batch is None:
            return 0
        model, claims = batch
        try:
            embedder = self._embedder_for(model.spec)
        except ModelError:
            self._return(model.id, claims, counted=False, pause_s=LOAD_PAUSE_SECONDS)
            raise
        try:
            done = self._embed(embedder, model.id, claims)
        except BaseException as error:
            self._return(model.id, claims, counted=not isinstance(error, DatabaseError), pause_s=0.0)
            raise
        self._queue.ring_embed()
        return done

    def _claim(self) -> tuple[IndexedModel, list[ClaimedChunk]] | None:
        """The next batch: of the active model, or else of the one that is being built."""
        with self._database.transaction() as connection:
            for model in (models_db.active_model(connection), models_db.building_model(connection)):
                if model is None:
                    continue
                claims = embeddings_db.claim_chunks(
                    connection,
                    model=model.id,
                    owner=self._owner,
                    limit=BATCH_CHUNKS,
                    max_tokens=BATCH_TOKENS,
                    seconds=LEASE_SECONDS,
                    least_priority=1 if self._resting() else 0,
                )
                if claims:
                    return model, claims
        return None

    def _embed(self, embedder: Embedder, model: ModelId, claims: list[ClaimedChunk]) -> int:
        """Embed a batch; when the model has no usable vector for some of it, find out for which."""
        try:
            vectors = embedder.embed_passages([claim.text for claim in claims])
        except ModelError as error:
            if len(claims) > 1:
                return sum(self._embed(embedder, model, [claim]) for claim in claims)
            log.warning("chunk %d has no vector: %s", claims[0].id, error)
            with self._database.transaction() as connection:
                embeddings_db.refuse_chunk(connection, model=model, claim=claims[0], reason=str(error))
            return 0
        with self._database.transaction() as connection:
            return embeddings_db.finish_chunks(connection, model=model, claims=claims, vectors=vectors)

    def _embedder_for(self, spec: ModelSpec) -> Embedder:
        if self._embedder is None or self._embedder.spec != spec:
            self._embedder = None
            self._embedder = self._load(spec)
        return self._embedder

    def _return(self, model: ModelId, claims: list[ClaimedChunk], *, counted: bool, pause_s: float) -> None:
        """Free claims after an error; when even that fails, they run out by themselves."""
        with suppress(DatabaseError), self._database.transaction() as connection:
            embeddings_db.return_chunks(connection, model=model, claims=claims, counted=counted, pause_s=pause_s)
