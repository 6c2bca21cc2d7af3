"""`search/` without FUSE: which calls run a search and which do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from magicfs.domain.results import Coverage, Hit, SearchResult
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.remote.files import NoRemoteFiles
from magicfs.tree.remote.nodes import RemoteSource
from magicfs.tree.results.file_views import FileView
from magicfs.tree.results.given_names import ResultNameCache
from magicfs.tree.results.result_cache import MAX_HITS, ResultCache
from magicfs.tree.results.searches import QueryDirectory, SearchDirectory
from tests.fakes.hits import make_hit


@dataclass
class FakeSearcher:
    """Returns the same hits for every query, and counts the searches."""

    root: Path
    hits: list[tuple[float, str]] = field(default_factory=list)
    searches: int = 0
    marker: int = 0

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        del limit, deadline_s
        self.searches += 1
        hits = tuple(self.hit(rank, score, name) for rank, (score, name) in enumerate(self.hits, 1))
        return SearchResult(text, 1.0, Coverage(0, 0, 0, 0), hits)

    passages = search

    def hit(self, rank: int, score: float, name: str) -> Hit:
        return make_hit(rank=rank, score=score, root_path=bytes(self.root), path=name.encode())


@pytest.fixture
def searcher(tmp_path: Path) -> FakeSearcher:
    (tmp_path / "a.txt").write_text("content")
    return FakeSearcher(tmp_path, hits=[(0.9, "a.txt"), (0.5, "deleted.txt")])


@pytest.fixture
def search(searcher: FakeSearcher) -> SearchDirectory:
    clock = iter(range(1000))
    cache = ResultCache(
        searcher, lambda deadline: str(searcher.marker), search_seconds=1, clock=lambda: float(next(clock))
    )
    view = FileView(host="here", gone_files=GoneFileLog(), source=RemoteSource(NoRemoteFiles()))
    return SearchDirectory(cache, ResultNameCache(), view, mounted_at_ns=5)


def query(search: SearchDirectory, name: bytes) -> QueryDirectory:
    node = search.lookup_cached(name).node
    assert isinstance(node, QueryDirectory)
    return node


def test_a_query_is_looked_up_without_a_search(search: SearchDirectory, searcher: FakeSearcher) -> None:
    results = query(search, b"roses")
    assert results.lookup_cached(b".results.json") is not None
    for name in (b".hidden", b"desktop.ini", b"x", b"0.90_a.txt", b"01_0.90_"):
        with pytest.raises(FileNotFoundError):
            results.lookup_cached(name)
    with pytest.raises(FileNotFoundError):
        search.lookup_cached(b".Trash-1000")
    assert searcher.searches == 0


def test_a_listing_reads_no_file(search: SearchDirectory) -> None:
    assert sizes(query(search, b"roses")) == [(b"01_0.90_a.txt", 7), (b"02_0.50_deleted.txt", 7)]


def test_looking_up_a_result_reads_the_attributes_of_its_file(search: SearchDirectory) -> None:
    results = query(search, b"roses")
    assert results.lookup(b"01_0.90_a.txt").node.attributes().size == len("content")
    with pytest.raises(FileNotFoundError):
        results.lookup(b"02_0.50_deleted.txt").node.attributes()
    with pytest.raises(FileNotFoundError):
        results.lookup(b"01_0.10_other.txt")


def test_a_name_of_an_earlier_result_still_exists(search: SearchDirectory, searcher: FakeSearcher) -> None:
    query(search, b"roses").list()
    searcher.hits = [(0.8, "a.txt")]
    searcher.marker += 1
    results = query(search, b"roses")
    assert len(results.list().batch(0, 10)) == 1
    assert results.lookup(b"01_0.90_a.txt").node.key == results.lookup(b"01_0.80_a.txt").node.key


def test_a_name_never_comes_to_mean_another_file(
    search: SearchDirectory, searcher: FakeSearcher, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "readme.md").write_text(folder)
    searcher.hits = [(0.9, "a/readme.md"), (0.9, "b/readme.md")]
    results = query(search, b"roses")
    assert [name for name, _ in sizes(results)] == [b"01_0.90_readme.md", b"02_0.90_readme.md"]
    first = results.lookup(b"01_0.90_readme.md").node.key
    searcher.hits.reverse()
    searcher.marker += 1
    assert [name for name, _ in sizes(results)] == [b"01_0.90_readme (2).md", b"02_0.90_readme (2).md"]
    assert results.lookup(b"01_0.90_readme.md").node.key == first
    assert results.lookup(b"02_0.90_readme (2).md").node.key == first


def sizes(results: QueryDirectory) -> list[tuple[bytes, int]]:
    entries = [entry for _, entry in results.list().batch(0, 10)]
    return [(entry.name, entry.attributes.size) for entry in entries if entry.attributes is not None]


def test_both_caches_have_a_limit(searcher: FakeSearcher) -> None:
    names = ResultNameCache(max_names=3)
    for number in range(5):
        names.add(b"q", {b"%d" % number: searcher.hit(1, 1.0, "a.txt")})
    assert [names.get(b"q", b"%d" % number) is not None for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]

    searcher.hits = [(0.5, f"{number}.txt") for number in range(MAX_HITS // 4)]
    cache = ResultCache(searcher, lambda deadline: "", search_seconds=1)
    for number in range(6):
        cache.get(b"%d" % number)
    assert cache.recent_queries() == [b"5", b"4", b"3", b"2"]
