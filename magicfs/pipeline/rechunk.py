"""Cuts chunks anew whose end the model would not read, because they were cut for a model with a longer input.

Used by `EmbedService`, just before it embeds a batch. Writes nothing, see `magicfs.db.corpus.rechunk`. Belongs to one
thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from magicfs.domain.chunks import Chunk, ChunkSource, ClaimedChunk, model_input
from magicfs.domain.ids import ChunkId
from magicfs.domain.models import ModelSpec
from magicfs.embedding.embedder import Embedder
from magicfs.text.analysis import ANALYSIS_VERSION
from magicfs.text.chunk_words import words_of_source
from magicfs.text.chunking import TokenChunker


class ChunkCutter:
    """Finds chunks that are too long for a model, and cuts them with the model's own tokenizer."""

    def __init__(self, chunker_for: Callable[[ModelSpec], TokenChunker]) -> None:
        """`chunker_for` makes a chunker with the model's tokenizer and capacity. The first long chunk needs it."""
        self._chunker_for = chunker_for
        self._chunkers: dict[ModelSpec, TokenChunker] = {}

    def pieces(self, embedder: Embedder, claim: ClaimedChunk) -> list[Chunk]:
        """The pieces of a chunk, two or more; none for one that the model reads to its end, or that cannot be cut."""
        if embedder.reads_whole(model_input(claim)):
            return []
        spec = embedder.spec
        if spec not in self._chunkers:
            self._chunkers[spec] = self._chunker_for(spec)
        pieces = self._chunkers[spec].pieces(claim.text, context=claim.context)
        return pieces if len(pieces) > 1 else []


def with_words(
    cuts: Mapping[ChunkId, Sequence[Chunk]], sources: Mapping[ChunkId, ChunkSource]
) -> dict[ChunkId, list[Chunk]]:
    """The pieces of chunks with the words that they have in their documents. Chunks without a source are left out."""
    return {
        chunk: [_with_words(piece, sources[chunk], is_first=number == 0) for number, piece in enumerate(pieces)]
        for chunk, pieces in cuts.items()
        if chunk in sources
    }


def _with_words(piece: Chunk, source: ChunkSource, *, is_first: bool) -> Chunk:
    source = replace(source, text=piece.text, metadata=source.metadata if is_first else ())
    return replace(piece, headings=source.headings, words=words_of_source(source), analysis=ANALYSIS_VERSION)
