"""The model that an embed worker has in memory. One at a time: each takes hundreds of megabytes.

Used by `EmbedService`, in its thread. `model_choice` says which model is next. It reads no files itself: the
composition root passes functions that do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from magicfs.db.pool import Database
from magicfs.db.vectors import models as models_db
from magicfs.db.vectors.model_digests import record_digest
from magicfs.domain.ids import ModelId
from magicfs.domain.models import ClaimableModel, IndexedModel, ModelSpec
from magicfs.embedding.embedder import Embedder
from magicfs.embedding.manifest import remake_advice
from magicfs.errors import ModelError, ModelMismatch
from magicfs.linux.process import return_free_memory
from magicfs.pipeline.model_choice import choose_model

log = logging.getLogger(__name__)

LACKING_SECONDS = 60.0
"""How long a model is left out that this machine could not load. Its chunks wait for a host that has it."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """The model in memory."""

    model: ModelId
    embedder: Embedder
    since: float
    """When it was loaded, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class _LackingModel:
    """A model that this machine could not load."""

    error: ModelError
    since: float
    """When it was last tried, on the monotonic clock."""


class ModelMemory:
    """Loads models of the index, each in the place of the one before, and knows those that cannot be loaded here."""

    def __init__(
        self, database: Database, *, find: Callable[[ModelSpec], object], load: Callable[[ModelSpec], Embedder]
    ) -> None:
        """`load` loads a model and raises `ModelError`.

        `find` raises `ModelError` for a model that this machine does not have, for which none leaves the memory.
        """
        self._database = database
        self._find = find
        self._load = load
        self._lacking: dict[ModelId, _LackingModel] = {}
        self.loaded: LoadedModel | None = None

    def embedder_for(self, model: IndexedModel) -> Embedder:
        """The embedder of a model of the index, which takes the place of the one in memory.

        Raises `ModelError`, and leaves the model out for a while; `ModelMismatch` when this machine has another one.
        """
        if self.loaded is not None and self.loaded.model == model.id:
            return self.loaded.embedder
        try:
            self._find(model.spec)
            self._unload()
            embedder = self._load_model(model)
        except ModelError as error:
            if model.id not in self._lacking:
                log.warning("%s is left to other machines: %s", model.spec.label, error)
            self._lacking[model.id] = _LackingModel(error, since=time.monotonic())
            raise
        self._lacking.pop(model.id, None)
        self.loaded = LoadedModel(model.id, embedder, since=time.monotonic())
        return embedder

    def lacks(self, model: IndexedModel) -> bool:
        """Whether this machine could not load a model a moment ago."""
        lacking = self._lacking.get(model.id)
        return lacking is not None and time.monotonic() < lacking.since + LACKING_SECONDS

    def loadable(self, models: Sequence[IndexedModel]) -> list[IndexedModel]:
        """The models, of those given, that this machine does not lack."""
        return [model for model in models if not self.lacks(model)]

    def error_of(self, model: IndexedModel) -> ModelError:
        """Why this machine lacks a model."""
        return self._lacking[model.id].error

    def keep_one_of(self, models: Sequence[IndexedModel]) -> None:
        """Free the memory of the model unless it is one of these."""
        if self.loaded is not None and self.loaded.model not in {model.id for model in models}:
            self._unload()

    def choose(self, waiting: Sequence[ClaimableModel]) -> ClaimableModel | None:
        """The one of the models with waiting chunks that is to run next; None to wait. See `choose_model`."""
        if self.loaded is None:
            return choose_model(waiting, loaded=None, loaded_for_s=0.0)
        loaded_for_s = time.monotonic() - self.loaded.since
        return choose_model(waiting, loaded=self.loaded.model, loaded_for_s=loaded_for_s)

    def _load_model(self, model: IndexedModel) -> Embedder:
        spec = model.spec
        embedder = self._load(spec)
        if not spec.digest and embedder.spec.digest:
            spec = self._record_digest(model, embedder.spec)
        if not embedder.spec.is_model(spec):
            raise ModelMismatch(
                f"the index uses {spec.full_label} and this machine has {embedder.spec.full_label}: "
                f"copy the model's folder from a host that has it, or {remake_advice(spec.name)}"
            )
        return embedder

    def _record_digest(self, model: IndexedModel, loaded: ModelSpec) -> ModelSpec:
        """The spec of a model of an older version with its digest, which is that of `loaded` if no host was first."""
        with self._database.transaction() as connection:
            record_digest(connection, model, loaded)
            return models_db.spec_of(connection, model.id) or model.spec

    def _unload(self) -> None:
        """Free the memory of the model."""
        if self.loaded is not None:
            self.loaded = None
            return_free_memory()
