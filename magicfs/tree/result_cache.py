"""The cache of search results. Used by `search/`.

A result is valid until something that searches can see has changed; one cheap query checks that. So `ls -l` and the
`cat`s after it share one search, and a listing still shows a file that was indexed a moment ago. Programs that ask for
the same query at the same time share one search too. Safe in any thread.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from magicfs.domain.deadline import Deadline
from magicfs.domain.results import Hit, SearchResult
from magicfs.errors import DeadlineExceeded
from magicfs.search.passages import passages_text
from magicfs.search.render import result_json
from magicfs.tree.names import result_names

UNCHECKED_SECONDS = 0.1
"""A younger result is returned without a query of the change marker: programs list a directory several times."""
MAX_AGE_SECONDS = 3600.0
"""The age limit of a result of an unchanged index: Postgres may have other statistics, or a new index of vectors."""
MAX_AGE_WHILE_PENDING_SECONDS = 60.0
"""The age limit of a result whose coverage says that work is pending. In a large index, that may be ten seconds old."""
MAX_AGE_WITH_NOTICES_SECONDS = 1.0
"""The age limit of a result with notices, such as that the query embedder did not answer."""
MAX_QUERIES = 128
MAX_HITS = 10_000
"""Hits of all cached results together, about a kilobyte each."""
WAIT_GRACE_SECONDS = 0.25
"""Added to the search's own deadline for a caller that waits for a search of another thread."""


class Searcher(Protocol):
    """Answers searches. Safe in any thread. `magicfs.search.service.SearchService` implements it."""

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        """Search for what a person typed, within `deadline_s` seconds. Raises a `MagicFSError`."""


@dataclass(frozen=True)
class CachedResult:
    """A search result with the names that its files have in the mount."""

    result: SearchResult
    change_marker: str
    """The marker before the search began."""
    searched_at: float
    """By the clock of the cache."""

    @property
    def expires_at(self) -> float:
        """When the result is no longer valid, even if the index does not change."""
        if self.result.notices:
            return self.searched_at + MAX_AGE_WITH_NOTICES_SECONDS
        is_pending = self.result.coverage.pending_files or self.result.coverage.pending_chunks
        return self.searched_at + (MAX_AGE_WHILE_PENDING_SECONDS if is_pending else MAX_AGE_SECONDS)

    @cached_property
    def hits(self) -> Mapping[bytes, Hit]:
        """The hits by name, best first."""
        hits = self.result.hits
        return dict(zip(result_names((hit.score, hit.name) for hit in hits), hits, strict=True))

    @cached_property
    def json(self) -> bytes:
        """The content of `.results.json`."""
        return json.dumps(result_json(self.result), ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"

    @cached_property
    def passages(self) -> bytes:
        """The content of `.passages`."""
        return passages_text(self.result)


class ResultCache:
    """The results of the most recent queries."""

    def __init__(
        self,
        searcher: Searcher,
        change_marker: Callable[[Deadline], str],
        *,
        search_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Cache the results of `searcher`. `change_marker` is `IndexQueries.change_marker`; it may block."""
        self._searcher = searcher
        self._change_marker = change_marker
        self._search_seconds = search_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: OrderedDict[bytes, CachedResult] = OrderedDict()
        self._running: dict[bytes, Future[CachedResult]] = {}

    def get(self, query: bytes) -> CachedResult:
        """The cached result if it is valid, else that of a new search; `query` is what a person typed.

        Blocks up to the deadline of the search. Raises what the search raises, and `DeadlineExceeded`.
        """
        with self._lock:
            cached = self._cached.get(query)
            if cached is not None and self._clock() - cached.searched_at < UNCHECKED_SECONDS:
                return cached
            future = self._running.get(query)
            if is_first := future is None:
                future = self._running[query] = Future()
        if is_first:
            self._run(query, cached, future, Deadline(self._search_seconds))
        try:
            return future.result(timeout=self._search_seconds + WAIT_GRACE_SECONDS)
        except TimeoutError as error:
            raise DeadlineExceeded("the search took too long: try again, or ask with fewer words") from error

    def recent_queries(self) -> list[bytes]:
        """The cached queries, the latest first."""
        with self._lock:
            return list(reversed(self._cached))

    def clear(self) -> None:
        """Drop all results. A search that is running now returns its result, and does not cache it."""
        with self._lock:
            self._cached.clear()
            self._running.clear()

    def _run(self, query: bytes, cached: CachedResult | None, future: Future[CachedResult], deadline: Deadline) -> None:
        try:
            result = self._validate_or_search(query, cached, deadline)
        except BaseException as error:
            self._finish(query, future, None)
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._finish(query, future, result)
            future.set_result(result)

    def _validate_or_search(self, query: bytes, cached: CachedResult | None, deadline: Deadline) -> CachedResult:
        now = self._clock()
        marker = self._change_marker(deadline)
        if cached is not None and cached.change_marker == marker and now < cached.expires_at:
            return cached
        result = self._searcher.search(query.decode("utf-8", "surrogateescape"), deadline_s=deadline.seconds_left())
        return CachedResult(result=result, change_marker=marker, searched_at=now)

    def _finish(self, query: bytes, future: Future[CachedResult], result: CachedResult | None) -> None:
        with self._lock:
            if self._running.get(query) is not future:
                return
            del self._running[query]
            if result is not None:
                self._cached[query] = result
                self._cached.move_to_end(query)
                while len(self._cached) > 1 and self._is_over_limit():
                    self._cached.popitem(last=False)

    def _is_over_limit(self) -> bool:
        hits = sum(len(cached.result.hits) for cached in self._cached.values())
        return len(self._cached) > MAX_QUERIES or hits > MAX_HITS
