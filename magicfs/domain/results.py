"""What a search gives back. The mount, the command line and `.results.json` all show these records."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the corpus a search could see."""

    files: int
    indexed: int
    chunks: int
    embedded: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One file that answers a query, by its best chunk."""

    rank: int
    """From 1."""
    score: float
    """In [0, 1]; never rises down the list; means the same for every model."""
    file_id: FileId
    host: str
    root: str
    """The root's display name."""
    root_path: bytes
    path: bytes
    """Relative to the root."""
    stat: FileStat
    """As the index has it: listing results costs no `stat` of the files."""
    first_line: int
    last_line: int
    page: int | None
    snippet: str
    vector: float | None
    """Similarity by meaning in [0, 1] on the calibrated scale; None when no vector took part."""
    lexical: float | None
    """Strength of the match by words in [0, 1]; None when the words do not occur."""
    indexed_at: float
    """Seconds since the epoch."""

    @property
    def absolute_path(self) -> bytes:
        """The file's path on its host."""
        return self.root_path + b"/" + self.path

    @property
    def name(self) -> bytes:
        """The file's own name."""
        return self.path.rpartition(b"/")[2]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A ranked answer, best first."""

    query: str
    took_ms: float
    coverage: Coverage
    hits: tuple[Hit, ...]
    notices: tuple[str, ...] = ()
    """What a person should know, such as that the search went by words alone."""
