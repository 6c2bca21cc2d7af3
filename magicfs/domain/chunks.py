"""Chunks: the pieces of text that are embedded and found, and what the retrievers say of them."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId, Lease


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, small enough for the model to read whole."""

    text: str
    tokens: int
    """By the tokenizer that cut it, special tokens not counted."""
    first_line: int
    """Counted from 1 in the document's text."""
    last_line: int
    page: int | None = None
    """Counted from 1, in formats that have pages."""
    context: str = ""
    """What the model reads before the text; see `magicfs.text.chunking`."""


@dataclass(frozen=True, slots=True)
class ClaimedChunk:
    """A chunk that this process may embed until the lease runs out."""

    id: ChunkId
    lease: Lease
    context: str
    """What the model reads before the text; may be empty."""
    text: str


def model_input(chunk: Chunk | ClaimedChunk) -> str:
    """The text that the model reads for a chunk: its context, if it has one, then its own text."""
    return f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text


@dataclass(frozen=True, slots=True)
class WordMatch:
    """How a chunk answers the words of a question."""

    chunk_id: ChunkId
    score: float
    """BM25."""
    lexemes: frozenset[str]
    """Those words that it has."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How a file's path answers the words of a question."""

    file_id: FileId
    in_path: frozenset[str]
    """Those words that the path has, the name included."""
    in_name: frozenset[str]
    """Those words that the file's own name has."""


@dataclass(frozen=True, slots=True)
class ChunkLocation:
    """Where a chunk stands: a file, and the lines in it."""

    chunk_id: ChunkId
    file_id: FileId
    host: str
    root: str
    root_path: bytes
    path: bytes
    stat: FileStat
    first_line: int
    last_line: int
    page: int | None
    indexed_at: float
