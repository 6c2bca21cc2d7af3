"""Cuts chunks anew whose end the model would not read, because they were cut for a model with a longer input.

Used by `EmbedService`, just before it embeds a batch. Writes nothing, see `magicfs.db.recut`. Belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Callable

from magicfs.domain.chunks import Chunk, ClaimedChunk, model_input
from magicfs.domain.models import ModelSpec
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.text.chunking import TokenChunker


class ChunkCutter:
    """Finds chunks that are too long for a model, and cuts them with the model's own tokenizer."""

    def __init__(self, chunker_for: Callable[[ModelSpec], TokenChunker]) -> None:
        """`chunker_for` makes a chunker with the model's tokenizer and capacity. The first long chunk needs it."""
        self._chunker_for = chunker_for
        self._chunkers: dict[ModelSpec, TokenChunker] = {}

    def pieces(self, embedder: FastembedEmbedder, claim: ClaimedChunk) -> list[Chunk]:
        """The pieces of a chunk, two or more; none for one that the model reads to its end, or that cannot be cut."""
        if embedder.reads_whole(model_input(claim)):
            return []
        spec = embedder.spec
        if spec not in self._chunkers:
            self._chunkers[spec] = self._chunker_for(spec)
        pieces = self._chunkers[spec].pieces(claim.text, context=claim.context)
        return pieces if len(pieces) > 1 else []
