"""Statistics of the whole index, which every search shows: its coverage, and what is wrong with it.

Used by the search service. Counting takes time in proportion to the index, so coverage is cached for a multiple of that
time: it is always fresh in a small index, and a few seconds old in one of a million chunks. Safe in any thread.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from magicfs.db.search.search_facts import SearchFacts
from magicfs.domain.results import Coverage
from magicfs.domain.status import WordsProgress

LIFETIME_FACTOR = 50.0
"""The lifetime of a coverage as a multiple of the time that it took to read it: reading takes 2 % of the time."""
MAX_LIFETIME_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """Statistics of the whole index."""

    coverage: Coverage
    estimated_chunks: int = 0
    """How many chunks there are by Postgres's statistics, also those beyond the limit of embedded ones of a file."""
    words: WordsProgress | None = None
    """While chunks get the words of this version."""
    troubled_roots: tuple[str, ...] = ()
    """A line for each root with a problem: its files may be gone."""
    missing_roots: frozenset[str] = frozenset()
    """The names of roots that are not there."""

    @property
    def chunks(self) -> int:
        """How many chunks there are: at least those that coverage has, which are embedded or are to be."""
        return max(self.coverage.chunks, self.estimated_chunks)


class CoverageCache:
    """Keeps the coverage until it expires."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coverage = Coverage(files=0, indexed=0, chunks=0, embedded=0)
        self._expires_at = 0.0

    @property
    def has_expired(self) -> bool:
        """Whether the next search is to count."""
        with self._lock:
            return time.monotonic() >= self._expires_at

    def statistics(self, facts: SearchFacts, *, seconds: float) -> CorpusStatistics:
        """The statistics with what a search has read, in `seconds`."""
        with self._lock:
            if facts.coverage is not None:
                self._coverage = facts.coverage
                self._expires_at = time.monotonic() + min(MAX_LIFETIME_SECONDS, seconds * LIFETIME_FACTOR)
            coverage = self._coverage
        return CorpusStatistics(
            coverage, facts.estimated_chunks, facts.progress, facts.troubled_roots, facts.missing_roots
        )
