"""`search/` without FUSE: what costs a search and what does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId
from magicfs.domain.results import Coverage, Hit, SearchResult
from magicfs.tree.results import MOST_HITS_KEPT, Results
from magicfs.tree.searches import Remembered, SearchDirectory


@dataclass
class Finder:
    """Finds the files of one root, whatever is asked."""

    folder: Path
    hits: list[tuple[float, str]] = field(default_factory=list)
    asked: int = 0
    version: int = 0

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        del limit, deadline_s
        self.asked += 1
        hits = tuple(self.hit(rank, score, name) for rank, (score, name) in enumerate(self.hits, 1))
        return SearchResult(text, 1.0, Coverage(0, 0, 0, 0), hits)

    def hit(self, rank: int, score: float, name: str) -> Hit:
        return Hit(
            rank=rank,
            score=score,
            file_id=FileId(rank),
            host="here",
            root="root",
            root_path=bytes(self.folder),
            path=name.encode(),
            stat=FileStat(size=7, mtime_ns=1, ctime_ns=1, ino=1, dev=1, mode=0o644, uid=1, gid=1),
            first_line=1,
            last_line=1,
            page=None,
            snippet="",
            vector=None,
            lexical=1.0,
            indexed_at=0.0,
        )


@pytest.fixture
def finder(tmp_path: Path) -> Finder:
    (tmp_path / "a.txt").write_text("content")
    return Finder(tmp_path, hits=[(0.9, "a.txt"), (0.5, "gone.txt")])


@pytest.fixture
def search(finder: Finder) -> SearchDirectory:
    clock = iter(range(1000))
    results = Results(finder, lambda: str(finder.version), search_seconds=1, clock=lambda: float(next(clock)))
    return SearchDirectory(results, host="here", born_ns=5)


def query(search: SearchDirectory, name: bytes):
    return search.peek(name).node


def test_a_lookup_costs_nothing(search: SearchDirectory, finder: Finder) -> None:
    folder = query(search, b"roses")
    assert folder.peek(b".results.json") is not None
    for name in (b".hidden", b"desktop.ini", b"x", b"0.90_"):
        with pytest.raises(FileNotFoundError):
            folder.peek(name)
    with pytest.raises(FileNotFoundError):
        search.peek(b"noise.zip")
    assert finder.asked == 0


def test_a_listing_touches_no_file(search: SearchDirectory) -> None:
    entries = [entry for _, entry in query(search, b"roses").list().batch(0, 10)]
    assert [(entry.name, entry.attributes.size) for entry in entries] == [(b"0.90_a.txt", 7), (b"0.50_gone.txt", 7)]


def test_a_lookup_of_a_result_looks_at_the_file(search: SearchDirectory) -> None:
    folder = query(search, b"roses")
    assert folder.lookup(b"0.90_a.txt").attributes.size == len("content")
    for name in (b"0.50_gone.txt", b"0.10_other.txt"):
        with pytest.raises(FileNotFoundError):
            folder.lookup(name)


def test_a_name_of_before_is_known(search: SearchDirectory, finder: Finder) -> None:
    query(search, b"roses").list()
    finder.hits = [(0.8, "a.txt")]
    finder.version += 1
    folder = query(search, b"roses")
    assert len(folder.list().batch(0, 10)) == 1
    assert folder.lookup(b"0.90_a.txt").node.key == folder.lookup(b"0.80_a.txt").node.key


def test_memory_is_bounded(finder: Finder) -> None:
    remembered = Remembered(most=3)
    for number in range(5):
        remembered.add(b"q", {b"%d" % number: finder.hit(1, 1.0, "a.txt")})
    assert [remembered.find(b"q", b"%d" % number) is not None for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]

    finder.hits = [(0.5, f"{number}.txt") for number in range(MOST_HITS_KEPT // 4)]
    results = Results(finder, lambda: "", search_seconds=1)
    for number in range(6):
        results.answer(b"%d" % number)
    assert results.recent() == [b"5", b"4", b"3", b"2"]
