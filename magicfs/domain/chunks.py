"""Chunks: the pieces of text that are embedded and searched, and the matches that retrievers find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId, Lease


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, short enough for the model to read it whole."""

    text: str
    tokens: int
    """Counted by the model's tokenizer, without special tokens."""
    first_line: int
    """Counted from 1 in the document's text."""
    last_line: int
    page: int | None = None
    """Counted from 1, in formats that have pages."""
    context: str = ""
    """What the model reads before the text; see `magicfs.text.chunking`."""
    headings: str = ""
    """What else the chunk is found by: a line each for headings above and in it, and the head of its table."""
    words: str = ""
    """The words by which it is found, as Postgres reads a `tsvector`."""
    analysis: int = 0
    """The `ANALYSIS_VERSION` of the words; 0 for words that maintenance is to compute."""


@dataclass(frozen=True, slots=True)
class ClaimedChunk:
    """A chunk that this process may embed until the lease runs out."""

    id: ChunkId
    lease: Lease
    context: str
    """What the model reads before the text; may be empty."""
    text: str


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """What the words of a stored chunk depend on."""

    text: str
    language: str | None
    """The language of the document, an ISO 639-1 code."""
    metadata: tuple[str | None, ...]
    """Title, author and keywords of a document that begins with the chunk; empty for another one."""
    headings: str = ""
    """See `Chunk.headings`."""


def model_input(chunk: Chunk | ClaimedChunk) -> str:
    """The text that the model reads for a chunk: its context, if it has one, then its own text."""
    return f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk stands in a document."""

    chunk_id: ChunkId
    ordinal: int
    """Counted from 0 in the document; neighbours differ by 1."""
    first_line: int
    last_line: int
    page: int | None


Documents = tuple[tuple[str | None, str], ...]
"""Language and MIME type of each document that has a chunk; None for a language that is not known."""

Cosines = tuple[float | None, ...]
"""The cosines of a chunk to the vectors of a question, in their order; None under a model
without a vector of the chunk."""


class NameMatch(NamedTuple):
    """A file whose path has words of a question. A tuple, as what follows: a search makes hundreds."""

    file_id: FileId
    in_path: frozenset[str]
    """The words of the question that the path has, including the name."""
    in_name: frozenset[str]
    """The words of the question that the name has."""


class FoundFile(NamedTuple):
    """A file that a search has found, and the place of a chunk in it."""

    copy_key: bytes
    """Equal for the copies of one content, and for no others."""
    file_id: FileId
    host: str
    root: str
    """The root's display name."""
    root_path: bytes
    path: bytes
    """Relative to `root_path`."""
    stat: FileStat
    indexed_at: float
    """Seconds since the epoch; 0 for a file that was never read."""
    language: str | None
    """ISO 639-1; None where it is not known."""
    mime_type: str | None = None
    """That of its content; None for a file that was never read."""
    chunk_id: ChunkId | None = None
    """None for a file without text."""
    first_line: int = 0
    last_line: int = 0
    page: int | None = None

    @property
    def absolute_path(self) -> bytes:
        """The file's path on its host."""
        return self.root_path + b"/" + self.path


@dataclass(frozen=True, slots=True)
class CopyRules:
    """Which file stands for the copies of one content in the results of a search."""

    host: str = ""
    """Files of this host are preferred."""
    each_copy: bool = False
    """Whether each copy is a result of its own."""
    missing_roots: frozenset[str] = frozenset()
    """The names of roots whose files cannot be opened now: any other one is preferred."""
