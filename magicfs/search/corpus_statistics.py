"""Statistics of the whole index, which every search needs: its coverage, and the average length of a chunk.

Used by the search service. Counting takes time in proportion to the index, so statistics are cached for a multiple of
that time: they are always fresh in a small index, and a few seconds old in one of a million chunks. Safe in any thread.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.roots import troubled_roots
from magicfs.db.search import average_tokens
from magicfs.db.status import read_coverage
from magicfs.db.words import read_progress
from magicfs.domain.models import IndexedModel
from magicfs.domain.results import Coverage
from magicfs.domain.status import WordsProgress

LIFETIME_FACTOR = 50.0
"""The lifetime of statistics as a multiple of the time that it took to read them: reading takes 2 % of the time."""
MAX_LIFETIME_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """Statistics of the whole index."""

    coverage: Coverage
    average_tokens: float
    """The average number of tokens of a chunk."""
    words: WordsProgress | None = None
    """While chunks get the words of this version."""
    troubled_roots: tuple[str, ...] = ()
    """What is wrong with roots, a line each: their files may be gone."""


@dataclass(frozen=True, slots=True)
class _CachedStatistics:
    statistics: CorpusStatistics
    model: IndexedModel | None
    expires_at: float


class StatisticsCache:
    """Reads the statistics, and keeps them until they expire."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached: _CachedStatistics | None = None

    def read(self, connection: Connection, model: IndexedModel | None) -> CorpusStatistics:
        """The statistics for searches with `model`."""
        started = time.monotonic()
        with self._lock:
            cached = self._cached
        if cached is not None and cached.model == model and started < cached.expires_at:
            return cached.statistics
        statistics = CorpusStatistics(
            read_coverage(connection, model),
            average_tokens(connection),
            read_progress(connection),
            tuple(f"root {name} is {state}: {detail}" for name, state, detail in troubled_roots(connection)),
        )
        ended = time.monotonic()
        lifetime = min(MAX_LIFETIME_SECONDS, (ended - started) * LIFETIME_FACTOR)
        with self._lock:
            self._cached = _CachedStatistics(statistics, model, expires_at=ended + lifetime)
        return statistics
