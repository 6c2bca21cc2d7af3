"""Facts about the whole index that every search needs and none should count anew.

Counting costs time in proportion to the index, so a count is kept for a multiple of the time that it took: on a
small index it is always fresh, on one of a million chunks it is a few seconds old. Safe in any thread.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.search import usual_tokens
from magicfs.db.status import read_coverage
from magicfs.domain.models import IndexedModel
from magicfs.domain.results import Coverage

KEPT_FOR = 50.0
"""Times the duration of counting, so that it takes at most a fiftieth of a busy mount's time."""
OLDEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """What a search needs to know of the whole index."""

    coverage: Coverage
    usual_tokens: float
    """The usual number of tokens in a chunk."""


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: CorpusFacts
    model: IndexedModel | None
    until: float


class Corpus:
    """Reads the facts, or remembers them for a moment."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: _Kept | None = None

    def facts(self, connection: Connection, model: IndexedModel | None) -> CorpusFacts:
        """The facts for searches with `model`."""
        started = time.monotonic()
        with self._guard:
            kept = self._kept
        if kept is not None and kept.model == model and started < kept.until:
            return kept.facts
        facts = CorpusFacts(read_coverage(connection, model), usual_tokens(connection))
        now = time.monotonic()
        kept = _Kept(facts, model, until=now + min(OLDEST_SECONDS, (now - started) * KEPT_FOR))
        with self._guard:
            self._kept = kept
        return facts
