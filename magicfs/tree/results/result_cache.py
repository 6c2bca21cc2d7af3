"""The cache of search results. Used by `search/` and `links/`.

A result is valid until something that searches can see has changed; one cheap query checks that. So `ls -l` and the
`cat`s after it share one search, and a listing still shows a file that was indexed a moment ago. A search says itself
what of the index it has seen: one of a new question waits for no such query. Programs that ask for
the same query at the same time share one search too. The files that answer a query and the passages are results of
their own. Safe in any thread.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from magicfs.domain.deadline import Deadline
from magicfs.domain.results import AsOf, Hit, SearchResult
from magicfs.errors import DeadlineExceeded
from magicfs.search.context import context_text, passages_text
from magicfs.search.render import result_json
from magicfs.tree.names import result_names

MAX_AGE_SECONDS = 3600.0
"""The age limit of a result of an unchanged index: Postgres may have other statistics, or a new index of vectors."""
MAX_AGE_WHILE_PENDING_SECONDS = 60.0
"""The age limit of a result whose coverage says that work is pending. In a large index, that may be ten seconds old."""
MAX_AGE_WITH_NOTICES_SECONDS = 1.0
"""The age limit of a result with notices, such as that the query embedder did not answer."""
MAX_QUERIES = 128
MAX_HITS = 10_000
"""Hits of all cached results together, about a kilobyte each."""
PASSAGE_WEIGHT = 3
"""The number of files that take as much room as a passage, which has its whole text."""
WAIT_GRACE_SECONDS = 0.25
"""Added to the search's own deadline for a caller that waits for a search of another thread."""


class Searcher(Protocol):
    """Answers searches. Safe in any thread. `magicfs.search.service.SearchService` implements it."""

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        """Search for what a person typed, within `deadline_s` seconds. Raises a `MagicFSError`."""

    def passages(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        """The passages that answer it, as `search` returns files."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A query, and how its results are wanted."""

    query: bytes
    """What a person typed."""
    passages: bool = False
    limit: int | None = None
    """The number of hits; None for that of the query."""


@dataclass(frozen=True)
class CachedResult:
    """A search result with the names that its files have in the mount."""

    result: SearchResult
    searched_at: float
    """By the clock of the cache."""

    @property
    def change_marker(self) -> str:
        """The change marker of the index before anything was looked for."""
        return self.result.change_marker

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
        """The content of `.passages`, of a result with passages."""
        return passages_text(self.result)

    def context(self, *, tokens: int) -> bytes:
        """The content of `.context`, of a result with passages."""
        return context_text(self.result, tokens=tokens)


class ResultCache:
    """The results of the most recent queries."""

    def __init__(
        self,
        searcher: Searcher,
        change_marker: Callable[[Deadline], str],
        as_of: Callable[[Deadline], AsOf] = lambda _: AsOf(),
        *,
        search_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Cache the results of `searcher`. `change_marker` and `as_of` are those of `IndexQueries`; they may block."""
        self._searcher = searcher
        self._as_of = as_of
        self._change_marker = change_marker
        self._search_seconds = search_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: OrderedDict[_Request, CachedResult] = OrderedDict()
        self._running: dict[_Request, Future[CachedResult]] = {}
        self._weight = 0
        """The room that all cached results take, in hits."""

    def get(self, query: bytes) -> CachedResult:
        """The cached result if it is valid, else that of a new search; `query` is what a person typed.

        Blocks up to the deadline of the search. Raises what the search raises, and `DeadlineExceeded`.
        """
        return self._checked(_Request(query))[0]

    def get_as_of_now(self, query: bytes) -> CachedResult:
        """The result that `get` returns, with what holds now: up to which moment it has everything that was saved."""
        as_of = self._as_of(Deadline(self._search_seconds))
        cached, is_checked = self._checked(_Request(query))
        # What another caller has searched or checked may be older than `as_of`, and has a moment of its own.
        return replace(cached, result=replace(cached.result, as_of=as_of)) if is_checked else cached

    def get_passages(self, query: bytes, *, limit: int | None = None) -> CachedResult:
        """The passages that answer a query, as `get` returns the files."""
        return self._checked(_Request(query, passages=True, limit=limit))[0]

    def _checked(self, request: _Request) -> tuple[CachedResult, bool]:
        """A result that was searched or checked now, and whether this call has begun to, and not another one."""
        with self._lock:
            cached, future = self._cached.get(request), self._running.get(request)
            if is_first := future is None:
                future = self._running[request] = Future()
        if is_first:
            self._run(request, cached, future, Deadline(self._search_seconds))
        try:
            return future.result(timeout=self._search_seconds + WAIT_GRACE_SECONDS), is_first
        except TimeoutError as error:
            raise DeadlineExceeded("the search took too long: try again, or ask with fewer words") from error

    def recent_queries(self) -> list[bytes]:
        """The cached queries, the latest first."""
        with self._lock:
            return [request.query for request in reversed(self._cached) if not request.passages]

    def clear(self) -> None:
        """Drop all results. A search that is running now returns its result, and does not cache it."""
        with self._lock:
            self._cached.clear()
            self._weight = 0
            self._running.clear()

    def _run(
        self, request: _Request, cached: CachedResult | None, future: Future[CachedResult], deadline: Deadline
    ) -> None:
        try:
            result = self._validate_or_search(request, cached, deadline)
        except BaseException as error:
            self._finish(request, future, None)
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._finish(request, future, result)
            future.set_result(result)

    def _validate_or_search(self, request: _Request, cached: CachedResult | None, deadline: Deadline) -> CachedResult:
        now = self._clock()
        if cached is not None and now < cached.expires_at and self._change_marker(deadline) == cached.change_marker:
            return cached
        search = self._searcher.passages if request.passages else self._searcher.search
        text = request.query.decode("utf-8", "surrogateescape")
        result = search(text, limit=request.limit, deadline_s=deadline.seconds_left())
        return CachedResult(result=result, searched_at=now)

    def _finish(self, request: _Request, future: Future[CachedResult], result: CachedResult | None) -> None:
        with self._lock:
            if self._running.get(request) is not future:
                return
            del self._running[request]
            if result is not None:
                self._drop(request)
                self._cached[request] = result
                self._weight += _weight(request, result)
                while len(self._cached) > 1 and (len(self._cached) > MAX_QUERIES or self._weight > MAX_HITS):
                    self._drop(next(iter(self._cached)))

    def _drop(self, request: _Request) -> None:
        dropped = self._cached.pop(request, None)
        if dropped is not None:
            self._weight -= _weight(request, dropped)


def _weight(request: _Request, cached: CachedResult) -> int:
    """The room that a result takes, in hits."""
    return len(cached.result.hits) * (PASSAGE_WEIGHT if request.passages else 1)
