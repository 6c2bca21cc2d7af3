"""The result cache, with the clock passed in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from magicfs.domain.deadline import Deadline
from magicfs.domain.results import Coverage, SearchResult
from magicfs.errors import DatabaseUnavailable
from magicfs.runtime.processes import wait_until
from magicfs.tree.results.result_cache import (
    MAX_AGE_SECONDS,
    MAX_AGE_WHILE_PENDING_SECONDS,
    MAX_AGE_WITH_NOTICES_SECONDS,
    MAX_QUERIES,
    ResultCache,
)


@dataclass
class FakeIndex:
    """A change marker, a clock, and a search that records its queries."""

    marker: str = "1"
    now: float = 0.0
    searches: list[str] = field(default_factory=list)
    checks: int = 0
    notices: tuple[str, ...] = ()
    pending: int = 0
    error: Exception | None = None
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        del limit, deadline_s
        marker = self.marker
        self.searches.append(text)
        assert self.may_answer.wait(60)
        if self.error is not None:
            raise self.error
        result = SearchResult(text, 1.0, Coverage(0, 0, 0, 0, self.pending), (), change_marker=marker)
        return replace(result, notices=self.notices)

    passages = search

    def check(self, deadline: Deadline) -> str:
        del deadline
        self.checks += 1
        return self.marker

    def cache(self) -> ResultCache:
        return ResultCache(self, self.check, search_seconds=60, clock=lambda: self.now)


def change_during_search(index: FakeIndex, cache: ResultCache, change: Callable[[], None]) -> None:
    """Search for `a`, and make a change after the search has begun and before it ends."""
    index.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(cache.get, b"a")
        wait_until(lambda: bool(index.searches), seconds=60, failed="no search begins", pause=0.001)
        change()
        index.may_answer.set()
        future.result()


def test_a_result_is_cached_until_the_index_changes() -> None:
    index = FakeIndex()
    cache = index.cache()
    first = cache.get(b"a")
    index.now += MAX_AGE_SECONDS - 1
    assert cache.get(b"a") is first
    index.marker = "2"
    assert cache.get(b"a") is not first
    assert index.searches == ["a", "a"]


def test_a_change_while_a_search_runs_makes_its_result_outdated() -> None:
    index = FakeIndex()
    cache = index.cache()
    change_during_search(index, cache, lambda: setattr(index, "marker", "2"))
    cache.get(b"a")
    assert index.searches == ["a", "a"]


def test_only_a_result_that_may_be_valid_is_checked() -> None:
    index = FakeIndex()
    cache = index.cache()
    cache.get(b"a")
    assert index.checks == 0
    cache.get(b"a")
    assert index.checks == 1
    index.now += MAX_AGE_SECONDS
    cache.get(b"a")
    assert (index.checks, index.searches) == (1, ["a", "a"])


def test_a_result_is_not_cached_long_while_work_is_pending() -> None:
    index = FakeIndex(pending=1)
    cache = index.cache()
    cache.get(b"a")
    index.now += MAX_AGE_WHILE_PENDING_SECONDS + 1
    cache.get(b"a")
    assert index.searches == ["a", "a"]


def test_a_change_of_a_moment_ago_is_in_the_result() -> None:
    index = FakeIndex()
    cache = index.cache()
    cache.get(b"a")
    index.marker = "2"
    cache.get(b"a")
    assert index.searches == ["a", "a"]


@pytest.mark.parametrize(("notices", "seconds"), [((), MAX_AGE_SECONDS), (("by words",), MAX_AGE_WITH_NOTICES_SECONDS)])
def test_a_result_has_an_age_limit(notices: tuple[str, ...], seconds: float) -> None:
    index = FakeIndex(notices=notices)
    cache = index.cache()
    cache.get(b"a")
    index.now += seconds
    cache.get(b"a")
    assert index.searches == ["a", "a"]


def test_an_error_is_raised_and_not_cached() -> None:
    index = FakeIndex(error=DatabaseUnavailable("away"))
    cache = index.cache()
    with pytest.raises(DatabaseUnavailable):
        cache.get(b"a")
    index.error = None
    assert cache.get(b"a").result.query == "a"
    assert cache.recent_queries() == [b"a"]


def test_concurrent_requests_for_a_query_share_a_search() -> None:
    index = FakeIndex()
    index.may_answer.clear()
    cache = index.cache()
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(cache.get, b"a") for _ in range(8)]
        index.may_answer.set()
        assert len({id(future.result()) for future in futures}) == 1
    assert index.searches == ["a"]


def test_the_result_of_a_search_that_started_before_a_refresh_is_not_cached() -> None:
    index = FakeIndex()
    cache = index.cache()
    change_during_search(index, cache, cache.clear)
    cache.get(b"a")
    assert index.searches == ["a", "a"]


def test_the_number_of_cached_queries_is_limited() -> None:
    index = FakeIndex()
    cache = index.cache()
    for number in range(MAX_QUERIES + 5):
        cache.get(b"%d" % number)
    cache.get(b"11")
    queries = cache.recent_queries()
    assert len(queries) == MAX_QUERIES
    assert queries[:2] == [b"11", b"%d" % (MAX_QUERIES + 4)]


def test_queries_that_are_not_utf8() -> None:
    index = FakeIndex()
    index.cache().get(b"caf\xe9")
    assert index.searches == ["caf\udce9"]
