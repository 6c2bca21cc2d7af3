"""The real search with the real model, which runs in the test's process instead of the query server's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from magicfs.db.pool import Database
from magicfs.domain.models import ModelSpec
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.search.service import SearchService

DEADLINE_SECONDS = 30.0


class InProcessQueryEmbedder:
    """A `magicfs.search.service.QuestionVectorSource` for one thread."""

    def __init__(self, embedder: FastembedEmbedder) -> None:
        self._embedder = embedder

    def embed(self, text: str, *, spec: ModelSpec, deadline_s: float) -> NDArray[np.float32]:
        del deadline_s
        assert spec == self._embedder.spec
        return self._embedder.embed_query(text)


def result_paths(database: Database, embedder: FastembedEmbedder, text: str, *, limit: int = 20) -> list[bytes]:
    """The paths of a search's results, relative to their roots, best first."""
    service = SearchService(database, InProcessQueryEmbedder(embedder), default_limit=limit)
    return [hit.path for hit in service.search(text, deadline_s=DEADLINE_SECONDS).hits]
