"""The cache of results: pure policy, with the clock passed in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from magicfs.domain.results import Coverage, SearchResult
from magicfs.errors import DatabaseUnavailable
from magicfs.tree.results import (
    MOMENT_SECONDS,
    MOST_KEPT,
    OLDEST_MAKESHIFT_SECONDS,
    OLDEST_SECONDS,
    Results,
)


@dataclass
class World:
    """An index with a version, a clock, and a search that counts."""

    version: str = "1"
    now: float = 0.0
    asked: list[str] = field(default_factory=list)
    notices: tuple[str, ...] = ()
    error: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        del limit, deadline_s
        self.asked.append(text)
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return replace(SearchResult(text, 1.0, Coverage(0, 0, 0, 0), ()), notices=self.notices)

    def results(self) -> Results:
        return Results(self, lambda: self.version, search_seconds=5, clock=lambda: self.now)


def test_kept_while_the_index_is_the_same() -> None:
    world = World()
    results = world.results()
    first = results.answer(b"a")
    world.now += OLDEST_SECONDS - 1
    assert results.answer(b"a") is first
    world.version = "2"
    assert results.answer(b"a") is not first
    assert world.asked == ["a", "a"]


def test_a_moment_counts_as_now() -> None:
    world = World()
    results = world.results()
    results.answer(b"a")
    world.version = "2"
    world.now += MOMENT_SECONDS / 2
    results.answer(b"a")
    assert world.asked == ["a"]


@pytest.mark.parametrize(("notices", "seconds"), [((), OLDEST_SECONDS), (("by words",), OLDEST_MAKESHIFT_SECONDS)])
def test_nothing_is_kept_for_ever(notices: tuple[str, ...], seconds: float) -> None:
    world = World(notices=notices)
    results = world.results()
    results.answer(b"a")
    world.now += seconds
    results.answer(b"a")
    assert world.asked == ["a", "a"]


def test_an_error_is_told_and_not_kept() -> None:
    world = World(error=DatabaseUnavailable("away"))
    results = world.results()
    with pytest.raises(DatabaseUnavailable):
        results.answer(b"a")
    world.error = None
    assert results.answer(b"a").result.query == "a"
    assert results.recent() == [b"a"]


def test_all_who_ask_at_once_share_a_search() -> None:
    world = World()
    world.gate.clear()
    results = world.results()
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(results.answer, b"a") for _ in range(8)]
        world.gate.set()
        assert len({id(future.result()) for future in futures}) == 1
    assert world.asked == ["a"]


def test_a_search_that_began_before_a_refresh_is_not_kept() -> None:
    world = World()
    world.gate.clear()
    results = world.results()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(results.answer, b"a")
        while not world.asked:
            pass
        results.clear()
        world.gate.set()
        future.result()
    results.answer(b"a")
    assert world.asked == ["a", "a"]


def test_the_last_queries_are_kept() -> None:
    world = World()
    results = world.results()
    for number in range(MOST_KEPT + 5):
        results.answer(b"%d" % number)
    results.answer(b"10")
    world.now += 1
    results.answer(b"11")
    recent = results.recent()
    assert len(recent) == MOST_KEPT
    assert recent[:2] == [b"11", b"%d" % (MOST_KEPT + 4)]


def test_queries_that_are_no_text() -> None:
    world = World()
    world.results().answer(b"caf\xe9")
    assert world.asked == ["caf\udce9"]
