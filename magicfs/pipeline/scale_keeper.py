"""Has the scales of the models measured by embed workers when nothing waits and the corpus has grown.

A measurement takes a second or a few of the model's time, and lets files go first. A worker looks at the corpus when it
has embedded a part of it. What a worker has left that ended before stands in the database: the agent notifies the
workers of it, and one that has nothing else to do leases it. `score_scale` measures.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magicfs.db.pool import Database
from magicfs.db.vectors import models as models_db
from magicfs.db.vectors import score_scale as score_scale_db
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec
from magicfs.domain.scales import CorpusScale
from magicfs.embedding.embedder import Embedder
from magicfs.pipeline import score_scale

log = logging.getLogger(__name__)

CHECKED_SHARE = 0.02
"""A worker checks whether the corpus has grown after it has embedded this share of it."""
CHECK_SECONDS = 30.0
"""Pause between two checks of an idle worker whether another one has left a measurement."""
KEPT = 300
"""The number of sentences whose vectors a worker keeps for the next measurement."""
CHECK_AFTER_SENTENCES = 8
"""The number of sentences after which a worker checks whether a file waits: a few tenths of a second."""


class ScaleKeeper:
    """Keeps the scales of the models in line with the corpus. One for a worker, in its thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[ModelId, dict[str, NDArray[np.float32]]] = {}
        """What is embedded for measurements, by text: for the next ones, and for one that was broken off."""
        self._embedded: dict[ModelId, int] = {}
        self._checked: set[ModelId] = set()
        """The models whose vectors this worker has checked. An idle worker ends, so it may know of none."""
        self._next_check = float("-inf")

    def count(self, model: ModelId, embedded: int) -> None:
        """Count chunks that the worker has embedded under a model."""
        self._embedded[model] = self._embedded.get(model, 0) + embedded

    def refresh(self, model: ModelId, embedder: Embedder, *, is_awaited: Callable[[], bool]) -> None:
        """Measure a model under which this worker has embedded, as `measure_model` does, if the corpus has grown."""
        if model in self._checked and not self._embedded.get(model):
            return
        with self._database.transaction() as connection:
            indexed = next((one for one in models_db.live_models(connection) if one.id == model), None)
        if indexed is not None and self._is_due(indexed):
            self.measure_model(indexed, embedder, is_awaited=is_awaited)

    def left_by_others(self, models: Sequence[IndexedModel]) -> list[IndexedModel]:
        """The models, of those given, that a worker has left unmeasured because it ended before."""
        if time.monotonic() < self._next_check:
            return []
        self._next_check = time.monotonic() + CHECK_SECONDS
        with self._database.transaction() as connection:
            return [model for model in models if score_scale_db.waits(connection, model)]

    def measure_model(self, model: IndexedModel, embedder: Embedder, *, is_awaited: Callable[[], bool]) -> None:
        """Measure the scale of a model unless it is in line with the corpus, or another worker measures it.

        Takes a second or a few of the model's time. It breaks off where `is_awaited` says that something waits for the
        worker, and the next call goes on. Raises `DatabaseError` and `ModelError`, and the next call tries again.
        """
        with self._database.transaction() as connection:
            vectors = score_scale_db.count_vectors(connection, model.id)
            if not score_scale_db.is_outgrown(model, vectors):
                self._is_measured(model.id)
                return
            if not score_scale_db.lease(connection, model.id):
                return
            sample = score_scale_db.sample_chunks(connection, model.id, limit=score_scale.SAMPLE)
        patient = _PatientEmbedder(embedder, self._known.setdefault(model.id, {}), is_awaited)
        scale: CorpusScale | None = None
        try:
            own_texts = score_scale.embed_own_texts(patient)
            questions = score_scale.embed_questions(patient)
            scale = score_scale.measure(model.spec, patient, sample, questions, vectors=vectors, own_texts=own_texts)
        except _Awaited:
            pass
        finally:
            # The lease of a worker that is killed here ends by itself.
            with self._database.transaction() as connection:
                if scale is None:
                    score_scale_db.release(connection, model.id)
                else:
                    score_scale_db.record(connection, model.id, scale)
        if scale is not None:
            self._is_measured(model.id)
            log.info("the scores of %s are measured on %d vectors", model.spec.label, vectors)

    def _is_measured(self, model: ModelId) -> None:
        """The scale of a model is in line with the corpus."""
        self._embedded[model] = 0
        self._checked.add(model)
        known = self._known.get(model, {})
        if len(known) > KEPT:
            known.clear()

    def _is_due(self, model: IndexedModel) -> bool:
        if model.scale is None or model.id not in self._checked:
            return True
        return self._embedded.get(model.id, 0) >= CHECKED_SHARE * model.scale.vectors


class _Awaited(Exception):
    """Something waits for the worker."""


@dataclass(slots=True)
class _PatientEmbedder:
    """Embeds sentences, keeps their vectors, and raises `_Awaited` before one where something waits."""

    embedder: Embedder
    known: dict[str, NDArray[np.float32]]
    """By text."""
    is_awaited: Callable[[], bool]
    embedded: int = 0

    @property
    def spec(self) -> ModelSpec:
        return self.embedder.spec

    def reads(self, text: str) -> bool:
        return self.embedder.reads(text)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._embed(text, self.embedder.embed_query)

    def embed_passage(self, text: str) -> NDArray[np.float32]:
        """The vector of a text that searches look through."""
        return self._embed(text, lambda passage: self.embedder.embed_passages([passage])[0])

    def _embed(self, text: str, embed: Callable[[str], NDArray[np.float32]]) -> NDArray[np.float32]:
        if text not in self.known:
            if self.embedded and self.embedded % CHECK_AFTER_SENTENCES == 0 and self.is_awaited():
                raise _Awaited
            self.embedded += 1
            self.known[text] = embed(text)
        return self.known[text]
