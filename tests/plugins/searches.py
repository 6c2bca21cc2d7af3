"""The real search with the real model, which runs in the test's process instead of the query server's."""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.db.pool import Database
from magicfs.domain.models import ModelSpec
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.errors import MagicFSError, ModelError, ModelMissing
from magicfs.search.service import SearchService

DEADLINE_SECONDS = 30.0


class InProcessQueryEmbedder:
    """A `magicfs.search.service.QuestionVectorSource` for one thread."""

    def __init__(self, *embedders: FastembedEmbedder) -> None:
        self._embedders = {embedder.spec: embedder for embedder in embedders}

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion | MagicFSError]:
        del kept, deadline_s
        outcomes: list[EmbeddedQuestion | MagicFSError] = []
        for spec in specs:
            try:
                outcomes.append(self._embedder(spec).embed_question(text))
            except ModelError as error:
                outcomes.append(error)
        return outcomes

    def _embedder(self, spec: ModelSpec) -> FastembedEmbedder:
        if spec not in self._embedders:
            raise ModelMissing(f"{spec.label} is not on this machine")
        return self._embedders[spec]


def result_paths(database: Database, embedder: FastembedEmbedder, text: str, *, limit: int = 20) -> list[bytes]:
    """The paths of a search's results, relative to their roots, best first."""
    service = SearchService(database, InProcessQueryEmbedder(embedder), default_limit=limit)
    return [hit.path for hit in service.search(text, deadline_s=DEADLINE_SECONDS).hits]
