"""Why one path is in the index, or is not, and where it stands in a search: what `magicfs doctor` shows."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.file_facts import FileFacts
from magicfs.domain.files import FileState
from magicfs.domain.roots import RegisteredRoot


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one path is in the index, or is not."""

    root: RegisteredRoot
    """The root that the path lies in."""
    absolute: bytes
    """The path, with links among its parents resolved."""
    facts: FileFacts | None = None
    """What the index holds about the file; None when it holds nothing."""
    why_not: str = ""
    """Without facts: why, and a hint where there is one."""
    is_directory: bool = False
    """Whether the path is a directory that scans look into. Then `why_not` says how many files of it are indexed."""

    @property
    def indexed(self) -> bool:
        """Whether a search can find the file."""
        return self.facts is not None and self.facts.state in {FileState.INDEXED, FileState.NAMED}


@dataclass(frozen=True, slots=True)
class FoundWord:
    """A word of a query, and how the best passage of a file and its path have it."""

    word: str
    weight: float
    """Its share of the query's weight, in [0, 1]: rare words weigh more."""
    in_text: tuple[str, ...]
    """The forms that the passage has, stems with a `^`; empty for none."""
    in_path: bool
    in_name: bool


@dataclass(frozen=True, slots=True)
class Measures:
    """What the retrievers measure for a file by its best passage; None where one finds nothing."""

    words: tuple[FoundWord, ...]
    relative_words: float | None
    """BM25 and the share of the query, divided by the best of the query."""
    lexical: float | None
    vector: float | None
    """Similarity in meaning, in [0, 1]."""
    no_vector: str
    """Why there is no `vector`; empty if there is one."""
    by_model: tuple[tuple[str, float | None, str], ...]
    """With several models, each one's label, its similarity in [0, 1], and why there is none."""
    name_share: float
    is_phrase_match: bool
    fused: float
    """What decides the order."""
    relevance: float
    """The score, before neighbours get the mean of theirs."""
    lines: tuple[int, int]
    """The first and last line of the best passage; zeros without one."""
    page: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a file stands in the results of a query, and why not higher."""

    results: int
    """How many results the search shows."""
    limit: int
    rank: int | None = None
    """From 1; None if no result shows it."""
    score: float | None = None
    reasons: tuple[str, ...] = ()
    """Why it is not shown, or not under its own path."""
    measures: Measures | None = None
    """None for filters alone, and for a file that they leave out."""
    before: tuple[str, ...] = ()
    """The path of the result before it, and in what that is better."""
    notices: tuple[str, ...] = ()
