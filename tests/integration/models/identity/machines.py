"""Hosts of a cluster with model stores of their own, and what the index has of their models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from magicfs.cli import index_model, wiring
from magicfs.config import Settings
from magicfs.db.vectors.models import active_model
from magicfs.domain.models import IndexedModel, StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from tests.plugins.index import Index

DEADLINE_SECONDS = 30.0


@dataclass
class Machine:
    """A host with a state directory and a model store of its own, on the test's database."""

    settings: Settings
    like: Callable[[], Machine]
    """Makes another host of the cluster."""

    def pull(self, name: Path, *, precision: str = "auto") -> StoredModel:
        return index_model.model_store(self.settings).pull(str(name), precision=precision)

    def extract(self) -> None:
        """Start an extract worker's child and let it work until no file waits."""
        services = wiring.worker_services(self.settings, owner="extract-1@here")
        try:
            service = services.extract_service()
            service.recover()
            while service.run_batch():
                pass
        finally:
            services._database.close()

    def embed(self) -> None:
        """Start an embed worker's child and let it work until nothing waits."""
        services = wiring.worker_services(self.settings, owner="embed-1@here")
        try:
            service = services.embed_service()
            service.warm_up()
            while service.run_turn():
                pass
        finally:
            services._database.close()


def save(index: Index, text: str) -> None:
    (index.folder / f"{len(text)}.txt").write_text(text)
    index.scan()
    while index.extraction().run_batch():
        pass


def active(index: Index) -> IndexedModel:
    with index.database.transaction() as connection:
        model = active_model(connection)
    assert model is not None
    return model


def agreement(index: Index, model: StoredModel) -> float:
    """The lowest cosine between a stored vector and the one that `model` gives for its text."""
    rows = index.rows("SELECT text, vector::real[] FROM embeddings JOIN chunks ON id = chunk_id WHERE state = 'done'")
    stored = np.array([vector for _, vector in rows], np.float32)
    given = FastembedEmbedder.load(model.folder).embed_passages([text for text, _ in rows])
    return float(np.sum(stored * given, axis=1).min())
