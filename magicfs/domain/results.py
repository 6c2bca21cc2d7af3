"""The results of a search, as the mount, the command line and `.results.json` show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId


@dataclass(frozen=True, slots=True)
class Coverage:
    """The part of the corpus that a search covers."""

    files: int
    indexed: int
    """Files that were read, with or without text."""
    chunks: int
    embedded: int
    pending_files: int = 0
    """Files that wait to be read, also those that searches find by their last version."""
    pending_chunks: int = 0
    """Chunks that wait for a vector."""
    pending_pages: int = 0
    """Pages of scanned files that are read later, when no file waits."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Another file with the same content as a result."""

    path: bytes
    """Absolute, on its host."""
    host: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a text, and where it has words of a question."""

    text: str
    """Lines of a chunk that show why it was found; empty for a file without text."""
    matched: tuple[tuple[int, int], ...] = ()
    """The starts and ends of these words, in characters."""


NO_SNIPPET = Snippet("")
"""The snippet of a file without text."""


class UncutSnippet:
    """A snippet that is cut when it is first read: a listing reads none. Any thread."""

    __slots__ = ("_cut", "_snippet")

    def __init__(self, cut: Callable[[], Snippet]) -> None:
        """`cut` returns the same snippet whenever it is called."""
        self._cut: Callable[[], Snippet] | None = cut
        self._snippet = NO_SNIPPET

    @property
    def text(self) -> str:
        """The text of the snippet."""
        return self._read().text

    @property
    def matched(self) -> tuple[tuple[int, int], ...]:
        """Where the snippet has what matched."""
        return self._read().matched

    def _read(self) -> Snippet:
        cut = self._cut
        if cut is not None:
            self._snippet = cut()
            # What it is cut from is needed no more. Another thread may have cut it too.
            self._cut = None
        return self._snippet


class Hit(NamedTuple):
    """A file that answers a query, with its best chunk if it has text. A tuple: a listing makes dozens."""

    rank: int
    """From 1."""
    score: float
    """In [0, 1], on one scale for every model; at most the score of the result before."""
    file_id: FileId
    host: str
    root: str
    """The root's display name."""
    root_path: bytes
    path: bytes
    """Relative to the root."""
    stat: FileStat
    """The metadata in the index: listing results needs no `stat` of the files."""
    first_line: int
    """From 1; 0 for a file without text, as `last_line`."""
    last_line: int
    page: int | None
    """From 1; None in a format without pages."""
    vector: float | None
    """Similarity by meaning in [0, 1], on the calibrated scale; None if the chunk or the question has no vector."""
    lexical: float | None
    """Strength of the match by words in [0, 1]; None if the chunk and the file's path have none of the words."""
    indexed_at: float
    """Seconds since the epoch; 0 for a file that was never read."""
    language: str | None = None
    """ISO 639-1 code of the language of its text; None where it is not known."""
    shown: Snippet | UncutSnippet = NO_SNIPPET
    """The part of the chunk that shows why it was found."""
    text: str = ""
    """The whole text of a passage; empty unless passages were asked for."""
    marked: Snippet | UncutSnippet = NO_SNIPPET
    """`text`, and where it has words of the question."""
    line_numbers: tuple[int, ...] = ()
    """The number of each line of `text` in the file."""
    tokens: int = 0
    """The tokens of `text`, as the model of the index counts them."""
    copies: tuple[Copy, ...] = ()
    """The other files in scope with the same content, the preferred ones first."""

    @property
    def snippet(self) -> str:
        """Lines of the chunk that show why it was found; empty for a file without text."""
        return self.shown.text

    @property
    def matched(self) -> tuple[tuple[int, int], ...]:
        """Where the snippet has words of the question: the start and the end of each, in characters."""
        return self.shown.matched

    @property
    def has_text(self) -> bool:
        """Whether a chunk of the file answers, and not its name alone."""
        return self.first_line > 0

    @property
    def absolute_path(self) -> bytes:
        """The file's path on its host."""
        return self.root_path + b"/" + self.path

    @property
    def name(self) -> bytes:
        """The last part of the path."""
        return self.path.rpartition(b"/")[2]


@dataclass(frozen=True, slots=True)
class AsOf:
    """Up to which moment the index holds everything that was saved."""

    moment: datetime | None = None
    """Everything that was saved before it is in the results. None while that is not known."""
    unscanned_roots: tuple[str, ...] = ()
    """The roots that no scan has seen as a whole yet, by name."""
    silent_hosts: tuple[str, ...] = ()
    """The hosts with roots whose agent does not answer: nobody sees what changes there."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What holds the moment back, a sentence each."""
        return (
            *(f"root {name} is not scanned yet" for name in self.unscanned_roots),
            *(f"nobody sees what changes on {host}: its agent does not run" for host in self.silent_hosts),
        )


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A ranked answer, best first."""

    query: str
    took_ms: float
    coverage: Coverage
    hits: tuple[Hit, ...]
    notices: tuple[str, ...] = ()
    """Sentences for the user, such as that the search used words alone."""
    as_of: AsOf = AsOf()
    change_marker: str = ""
    """Differs after each change that searches can see: that of the index before anything was looked for."""

    @property
    def to_come(self) -> tuple[str, ...]:
        """What is still to come, a sentence each: files and chunks that wait, roots that nobody looks at."""
        files, chunks = self.coverage.pending_files, self.coverage.pending_chunks
        return (
            *((_counted(files, "file waits", "files wait") + " to be read",) if files else ()),
            *(
                (_counted(chunks, "chunk has", "chunks have") + " no vector yet: found by words alone",)
                if chunks
                else ()
            ),
            *self.as_of.notices,
        )


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
