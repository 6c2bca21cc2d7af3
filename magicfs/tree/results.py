"""Results of searches, kept while they are true, and searched once however many ask at the same time.

A result is true as long as nothing was committed to the database since: that is one cheap question to it. So
`ls -l` and the `cat` after it share one search, and yet a listing shows what was saved a moment ago. Safe in any
thread.
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

from magicfs.domain.results import Hit, SearchResult
from magicfs.errors import DeadlineExceeded
from magicfs.search.render import passages_text, result_json
from magicfs.tree.names import result_names

MOMENT_SECONDS = 0.1
"""So long a result counts as new without a question: programs look at a directory several times in a row."""
OLDEST_SECONDS = 60.0
"""Even an index that does not change may be asked again, in case what the search needs has changed."""
OLDEST_MAKESHIFT_SECONDS = 1.0
"""The same for a result that says that something was missing, such as the query embedder."""
MOST_KEPT = 128
"""Answers."""
MOST_HITS_KEPT = 10_000
"""Of all answers together, about a kilobyte each."""
GRACE_SECONDS = 0.25
"""Who waits for another's search gives it this much longer than the search itself has."""


class Searcher(Protocol):
    """What answers searches; `magicfs.search.service.SearchService` is one. Safe in any thread."""

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        """Search for what somebody typed, within `deadline_s` seconds. Raises a `MagicFSError`."""


@dataclass(frozen=True)
class Answer:
    """A result with the names that its files have in the mount."""

    result: SearchResult
    version: str
    """Of the index, before the search began."""
    asked_at: float
    """By the clock of the cache."""

    @cached_property
    def hits(self) -> Mapping[bytes, Hit]:
        """The hits by name, best first."""
        hits = self.result.hits
        return dict(zip(result_names((hit.score, hit.name) for hit in hits), hits, strict=True))

    @cached_property
    def json(self) -> bytes:
        """What `.results.json` holds."""
        return json.dumps(result_json(self.result), ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"

    @cached_property
    def passages(self) -> bytes:
        """What `.passages` holds."""
        return passages_text(self.result)


class Results:
    """Answers by query, the most recent ones kept."""

    def __init__(
        self,
        searcher: Searcher,
        index_version: Callable[[], str],
        *,
        search_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`index_version` gives a text that is another after each change of the index."""
        self._searcher = searcher
        self._index_version = index_version
        self._seconds = search_seconds
        self._clock = clock
        self._guard = threading.Lock()
        self._kept: OrderedDict[bytes, Answer] = OrderedDict()
        self._asked: dict[bytes, Future[Answer]] = {}

    def answer(self, query: bytes) -> Answer:
        """The answer to a query as it was typed, new or still true.

        Blocks for the search's time at most. Raises what the search raises, and `DeadlineExceeded`.
        """
        with self._guard:
            kept = self._kept.get(query)
            if kept is not None and self._clock() - kept.asked_at < MOMENT_SECONDS:
                return kept
            future = self._asked.get(query)
            if asks := future is None:
                future = self._asked[query] = Future()
        if asks:
            self._ask(query, kept, future)
        try:
            return future.result(timeout=self._seconds + GRACE_SECONDS)
        except TimeoutError as error:
            raise DeadlineExceeded("the search took too long: try again, or ask with fewer words") from error

    def recent(self) -> list[bytes]:
        """The queries that were answered, last one first."""
        with self._guard:
            return list(reversed(self._kept))

    def clear(self) -> None:
        """Forget all answers; searches that are under way are not kept either."""
        with self._guard:
            self._kept.clear()
            self._asked.clear()

    def _ask(self, query: bytes, kept: Answer | None, future: Future[Answer]) -> None:
        try:
            answer = self._renewed(query, kept)
        except BaseException as error:
            self._finish(query, future, None)
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._finish(query, future, answer)
            future.set_result(answer)

    def _renewed(self, query: bytes, kept: Answer | None) -> Answer:
        now = self._clock()
        version = self._index_version()
        if kept is not None and kept.version == version:
            oldest = OLDEST_MAKESHIFT_SECONDS if kept.result.notices else OLDEST_SECONDS
            if now - kept.asked_at < oldest:
                return kept
        result = self._searcher.search(query.decode("utf-8", "surrogateescape"), deadline_s=self._seconds)
        return Answer(result=result, version=version, asked_at=now)

    def _finish(self, query: bytes, future: Future[Answer], answer: Answer | None) -> None:
        with self._guard:
            if self._asked.get(query) is not future:
                return
            del self._asked[query]
            if answer is not None:
                self._kept[query] = answer
                self._kept.move_to_end(query)
                while len(self._kept) > 1 and self._too_many():
                    self._kept.popitem(last=False)

    def _too_many(self) -> bool:
        hits = sum(len(answer.result.hits) for answer in self._kept.values())
        return len(self._kept) > MOST_KEPT or hits > MOST_HITS_KEPT
