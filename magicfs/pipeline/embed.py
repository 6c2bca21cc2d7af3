"""Embeds waiting chunks: claim a batch, run the model once, write the vectors.

Used by the embed worker: one `EmbedService` belongs to one process and one thread, and has one model in memory, see
`model_memory`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from magicfs.db.corpus import rechunk as rechunk_db
from magicfs.db.corpus import words as words_db
from magicfs.db.pool import Connection, Database
from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.db.vectors import models as models_db
from magicfs.domain.chunks import Chunk, ClaimedChunk
from magicfs.domain.files import SAVED_PRIORITY, SECOND_VECTOR_PRIORITY, USUAL_PRIORITY
from magicfs.domain.models import IndexedModel
from magicfs.embedding.embedder import Embedder
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, ModelError
from magicfs.jobs import JobQueue
from magicfs.pipeline.batch import Batch, embed_claims, write_batch
from magicfs.pipeline.claims import return_early
from magicfs.pipeline.model_memory import ModelMemory
from magicfs.pipeline.rechunk import with_words
from magicfs.pipeline.scale_keeper import ScaleKeeper

log = logging.getLogger(__name__)

BATCH_TOKENS = 1500
"""About 0.2 s of work: a saved file waits for it only briefly, and the database queries cost little in comparison."""

TURN_SECONDS = 2.0
"""How long one task embeds batch after batch."""

BATCH_CHUNKS = 128

ORDINARY_WORD = "memory "
"""A text of nothing but this word is an ordinary one, as long as one likes."""


class EmbedService:
    """Embeds the waiting chunks of the cluster."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        memory: ModelMemory,
        *,
        cut: Callable[[Embedder, ClaimedChunk], list[Chunk]],
        owner: str,
        model: str | None,
        paused: Callable[[], bool],
    ) -> None:
        """`owner` is the worker's name, stable over its restarts.

        With `model`, a name, only chunks of that model are embedded.
        `cut` gives the pieces of a chunk that is too long for the model, and none for any other.
        While `paused` returns True, only the chunks of files that a person just saved are embedded.
        """
        self._database = database
        self._queue = queue
        self._owner = owner
        self._cut = cut
        self._paused = paused
        self._model = model
        self.memory = memory
        self._scales = ScaleKeeper(database)
        self._lacked_memory = False

    def recover(self, *, lacked_memory: bool = False) -> int:
        """Release the claims that this worker had when it last died, and quarantine chunks that keep killing it.

        If it `lacked_memory`, they are claimed alone from then on, which takes less, and count only if this service
        has suspected them, see `_suspect`. Returns the number of released claims.
        """
        self._lacked_memory = lacked_memory
        with self._database.transaction() as connection:
            released = embeddings_db.release_chunks(
                connection, owner=self._owner, counted=True, lacked_memory=lacked_memory
            )
            embeddings_db.quarantine_chunks(connection)
        return released

    def warm_up(self) -> None:
        """Load the first of the models whose vectors are made that this machine has, if there are any.

        Raises `ModelError` when it can load none of them.
        """
        with self._database.transaction() as connection:
            live = self._of_this_worker(models_db.live_models(connection))
        for model in self.memory.loadable(live):
            with suppress(ModelError):
                self.memory.embedder_for(model)
                return
        if live:
            raise self.memory.error_of(live[0])

    def run_turn(self) -> int:
        """Embed batch after batch for TURN_SECONDS. Returns how many chunks are done; notifies if more may wait.

        Each batch is a new claim, so that the next batch begins with the files that were just saved. One turn of many
        batches needs one message of the broker. Chunks of a model that cannot be loaded here wait for another worker.
        Raises `ModelError` when no model can be loaded.
        """
        deadline = time.monotonic() + TURN_SECONDS
        embedded = 0
        claims = True
        batch = self.claim_batch()
        if batch is not None:
            self._queue.notify_embed(batch.model.spec.name)
        while batch is not None:
            model, claims = batch.model.id, time.monotonic() < deadline
            count, batch = self.embed_batch(batch, claim_next=claims)
            embedded += count
            self._scales.count(model, count)
        if claims:
            self._measure_scores(is_idle=not embedded)
        return embedded

    def _measure_scores(self, *, is_idle: bool) -> None:
        """Measure what the cosines of the model in memory say, now that nothing waits, if the corpus has grown.

        A worker that `is_idle` measures what others have left, too. A failure costs nothing but this: searches have the
        scale of before.
        """
        try:
            loaded = self.memory.loaded
            if loaded is not None:
                self._scales.refresh(loaded.model, loaded.embedder, is_awaited=self._is_awaited)
            if is_idle and not self._paused():
                self._measure_left_scores()
        except (DatabaseError, ModelError) as error:
            log.warning("the scores are not measured: %s", error)

    def _measure_left_scores(self) -> None:
        with self._database.transaction() as connection:
            live = self._of_this_worker(models_db.live_models(connection))
        for model in self._scales.left_by_others(self.memory.loadable(live)):
            self._scales.measure_model(model, self.memory.embedder_for(model), is_awaited=self._is_awaited)

    def _is_awaited(self) -> bool:
        """Whether a chunk waits for its first vector by a model that this worker has."""
        min_priority = SAVED_PRIORITY if self._paused() else USUAL_PRIORITY
        with self._database.transaction() as connection:
            live = self._of_this_worker(models_db.live_models(connection))
            waiting = embeddings_db.claimable_models(connection, min_priority=min_priority, owner=self._owner)
        return not {model.id for model in self.memory.loadable(live)}.isdisjoint(model.id for model in waiting)

    def claim_batch(self) -> Batch | None:
        """Claim chunks for a worker that has none. Claims under its name are lost ones, and are released first."""
        with self._database.transaction() as connection:
            embeddings_db.release_chunks(connection, owner=self._owner, counted=False)
            return self._claim_batch(connection)

    def _claim_batch(self, connection: Connection) -> Batch | None:
        """Claim chunks of the model that is to run next, or of the one after it when others were quicker.

        Raises `ModelError` when this machine lacks all models.
        """
        all_live = models_db.live_models(connection)
        live = self._of_this_worker(all_live)
        self.memory.keep_one_of(live)
        models = {model.id: model for model in self.memory.loadable(live)}
        if live and not models:
            raise self.memory.error_of(live[0])
        min_priority = SAVED_PRIORITY if self._paused() else SECOND_VECTOR_PRIORITY
        if len(models) == 1 == len(live):
            return self._claim(connection, live[0], min_priority=min_priority, is_alone=len(all_live) == 1)
        claimable = embeddings_db.claimable_models(connection, min_priority=min_priority, owner=self._owner)
        waiting = [model for model in claimable if model.id in models]
        while (choice := self.memory.choose(waiting)) is not None:
            # A second vector waits until all other chunks are embedded.
            is_second = choice.priority == SECOND_VECTOR_PRIORITY
            least = min_priority if is_second else max(min_priority, USUAL_PRIORITY)
            batch = self._claim(connection, models[choice.id], min_priority=least, is_alone=False)
            if batch is not None:
                return batch
            waiting.remove(choice)
        return None

    def _of_this_worker(self, live: list[IndexedModel]) -> list[IndexedModel]:
        """The models, of those given, whose vectors this worker makes."""
        return [model for model in live if self._model is None or model.spec.is_named(self._model)]

    def _claim(self, connection: Connection, model: IndexedModel, *, min_priority: int, is_alone: bool) -> Batch | None:
        claims = embeddings_db.claim_chunks(
            connection,
            model=model.id,
            owner=self._owner,
            limit=BATCH_CHUNKS,
            max_tokens=BATCH_TOKENS,
            seconds=embeddings_db.LEASE_SECONDS,
            min_priority=min_priority,
        )
        return Batch(model, claims, is_alone) if claims else None

    def embed_batch(self, batch: Batch, *, claim_next: bool) -> tuple[int, Batch | None]:
        """Embed a batch and write its vectors; with `claim_next`, claim the next batch in the same transaction.

        Returns how many chunks are done, and the next batch. After an error the claims are returned.
        """
        try:
            embedder = self.memory.embedder_for(batch.model)
        except ModelError:
            self._return_claims(batch, counted=False)
            return 0, self.claim_batch() if claim_next else None
        try:
            if self._lacked_memory and len(batch.claims) == 1:
                self._suspect(embedder, batch)
            embedded = embed_claims(embedder, self._cut_anew(embedder, batch))

            def write(connection: Connection) -> tuple[int, Batch | None]:
                count = write_batch(connection, batch, embedded)
                return count, self._claim_batch(connection) if claim_next else None

            return self._database.run_in_transaction(write)
        except BaseException as error:
            fault_of_database = isinstance(error, DatabaseUnavailable | DatabaseConflict)
            self._return_claims(batch, counted=not fault_of_database)
            raise

    def _cut_anew(self, embedder: Embedder, batch: Batch) -> list[ClaimedChunk]:
        """Replace the chunks of a batch that are too long for its model by pieces, which wait for their turn.

        Returns the other chunks. They are what they were, so that their other vectors stay.
        """
        cuts = {claim.id: pieces for claim in batch.claims if (pieces := self._cut(embedder, claim))}
        if not cuts:
            return batch.claims
        # A chunk that was placed in another content meanwhile is claimed, and cut, once more.
        kept = [claim for claim in batch.claims if claim.id in cuts]

        def replace_chunks(connection: Connection) -> None:
            sources = words_db.read_sources(connection, list(cuts))
            rechunk_db.replace_chunks(connection, with_words(cuts, sources))
            embeddings_db.return_chunks(connection, model=batch.model.id, claims=kept, counted=False)

        self._database.run_in_transaction(replace_chunks)
        log.info("%d chunks were too long for %s and are cut anew", len(cuts), batch.model.spec.label)
        return [claim for claim in batch.claims if claim.id not in cuts]

    def _suspect(self, embedder: Embedder, batch: Batch) -> None:
        """Record that the one chunk of a batch is the reason if this process is killed for want of memory from now on.

        A text that is as long as the model reads has just been embedded: there is memory for any other chunk.
        """
        [claim] = batch.claims
        embedder.embed_passages([ORDINARY_WORD * embedder.spec.max_tokens])
        with self._database.transaction() as connection:
            embeddings_db.suspect_chunk(connection, model=batch.model.id, claim=claim)

    def _return_claims(self, batch: Batch, *, counted: bool) -> None:
        model, claims = batch.model.id, batch.claims
        return_early(
            self._database,
            lambda connection: embeddings_db.return_chunks(connection, model=model, claims=claims, counted=counted),
            what=f"{len(claims)} chunks",
        )
