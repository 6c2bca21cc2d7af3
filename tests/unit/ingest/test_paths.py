"""Which paths lie in which directories, and what the cache of snapshots drops for them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.ids import RootId
from magicfs.ingest.index_snapshot import SnapshotCache
from magicfs.ingest.paths import SortedPaths, outermost, parent_directories

ROOT = RootId(1)
DIRECTORIES = st.sets(st.lists(st.sampled_from([b"a", b"ab", b"b", b"b!"]), max_size=4).map(b"/".join), max_size=12)


def all_paths(depth: int) -> set[bytes]:
    """All paths of at most so many names."""
    return {b"/".join(path) for length in range(depth + 1) for path in product([b"a", b"a!", b"b"], repeat=length)}


@pytest.mark.parametrize(
    ("path", "parents"), [(b"", []), (b"a", [b""]), (b"a/b", [b"a", b""]), (b"a/b/c", [b"a/b", b"a", b""])]
)
def test_parent_directories_of_a_path(path: bytes, parents: list[bytes]) -> None:
    assert list(parent_directories(path)) == parents


def lies_in(directory: bytes, other: bytes) -> bool:
    return directory == other or not other or directory.startswith(other + b"/")


@given(DIRECTORIES)
def test_the_outermost_contain_all_others_and_not_each_other(directories: set[bytes]) -> None:
    assert outermost(directories) == sorted(
        one for one in directories if not any(lies_in(one, other) for other in directories - {one})
    )


@given(DIRECTORIES, DIRECTORIES)
def test_deleted_paths_their_parents_and_all_below_them_are_stale(cached: set[bytes], deleted: set[bytes]) -> None:
    cache = SnapshotCache()
    cache.store(ROOT, dict.fromkeys(cached, b"packed"))
    cache.mark_stale_below(ROOT, deleted)
    snapshot = cache.begin_scan(ROOT, deletions=0)
    assert snapshot is not None
    parents = {path.rpartition(b"/")[0] for path in deleted}
    below = {directory for directory in cached if any(lies_in(directory, path) for path in deleted)}
    assert snapshot.stale == deleted | parents | below
    assert snapshot.listings.keys() == cached - snapshot.stale


def test_no_path_makes_nothing_stale() -> None:
    cache = SnapshotCache()
    cache.store(ROOT, {b"": b"packed", b"a": b"packed"})
    cache.mark_stale_below(ROOT, [])
    snapshot = cache.begin_scan(ROOT, deletions=0)
    assert snapshot is not None
    assert snapshot.stale == set()
    assert snapshot.listings.keys() == {b"", b"a"}


def test_directories_that_become_stale_during_a_scan_are_not_stored() -> None:
    cache = SnapshotCache()
    cache.store(ROOT, {b"a": b"packed", b"b": b"packed"})
    cache.mark_stale(ROOT, [b"a"])
    first = cache.begin_scan(ROOT, deletions=0)
    assert first is not None
    assert (first.listings.keys(), first.stale) == ({b"b"}, {b"a"})
    cache.mark_stale(ROOT, [b"b"])
    cache.store(ROOT, {b"a": b"packed", b"b": b"packed"})
    second = cache.begin_scan(ROOT, deletions=0)
    assert second is not None
    assert (second.listings.keys(), second.stale) == ({b"a"}, {b"b"})


@pytest.mark.parametrize("is_first", [True, False])
def test_directories_below_one_that_is_deleted_during_a_scan_are_not_stored(*, is_first: bool) -> None:
    """The scan has seen them, and may be the first one that has: the cache does not know them yet."""
    cache = SnapshotCache()
    if not is_first:
        cache.store(ROOT, {b"": b"packed"})
    cache.begin_scan(ROOT, deletions=0)
    cache.mark_stale_below(ROOT, [b"a"])
    cache.store(ROOT, dict.fromkeys([b"", b"a", b"a/b", b"a/b/c", b"ab"], b"packed"))
    second = cache.begin_scan(ROOT, deletions=0)
    assert second is not None
    assert second.listings.keys() == {b"ab"}
    assert second.stale == {b"", b"a", b"a/b", b"a/b/c"}
    cache.store(ROOT, dict.fromkeys([b"", b"a/b"], b"packed"))
    third = cache.begin_scan(ROOT, deletions=0)
    assert third is not None
    assert third.listings.keys() == {b"", b"a/b"}, "what was deleted before that scan does not count"


def test_a_dropped_root_is_loaded_anew() -> None:
    cache = SnapshotCache()
    cache.store(ROOT, {b"": b"packed"})
    cache.drop(ROOT)
    assert cache.begin_scan(ROOT, deletions=0) is None


@pytest.mark.parametrize(("own", "foreign", "kept"), [(0, 0, True), (2, 0, True), (0, 1, False), (1, 1, False)])
def test_deletions_of_others_void_what_is_cached(own: int, foreign: int, kept: bool) -> None:
    cache = SnapshotCache()
    cache.begin_scan(ROOT, deletions=7)
    cache.store(ROOT, {b"": b"packed"})
    for _ in range(own):
        cache.count_own_deletion(ROOT)
    assert (cache.begin_scan(ROOT, deletions=7 + own + foreign) is not None) is kept


@pytest.mark.parametrize("is_scanned", [True, False])
def test_nothing_is_kept_for_roots_that_were_removed(*, is_scanned: bool) -> None:
    """An event may come before the first scan."""
    cache = SnapshotCache()
    for root in (ROOT, RootId(2)):
        if is_scanned:
            cache.begin_scan(root, deletions=0)
            cache.store(root, {b"": b"packed"})
        cache.mark_stale_below(root, [b"a"])
        cache.count_own_deletion(root)
    cache.retain([RootId(2)])
    assert all(list(kept) == [RootId(2)] for kept in vars(cache).values() if isinstance(kept, dict) and kept)
    assert cache.begin_scan(RootId(2), deletions=0) is None or is_scanned


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(all_paths(3))))), st.sampled_from(sorted(all_paths(2))))
def test_sorted_paths_below_a_directory_are_those_of_the_mapping(changes: list[tuple[bool, bytes]], top: bytes) -> None:
    mapping: dict[bytes, None] = dict.fromkeys([b"a", b"a/b", b"b"])
    paths = SortedPaths(mapping)
    for added, path in changes:
        if not added:
            mapping.pop(path, None)
        elif path not in mapping:
            mapping[path] = None
            paths.add(path)
        assert sorted(paths.below(top)) == sorted(path for path in mapping if lies_in(path, top) and path != top)


class CountedPath(bytes):
    """A path that counts how often it is looked at."""

    looks = 0

    def __lt__(self, other: bytes) -> bool:
        CountedPath.looks += 1
        return bytes(self) < other

    def startswith(self, *arguments: Any) -> bool:
        CountedPath.looks += 1
        return bytes(self).startswith(*arguments)


def test_paths_below_a_directory_are_found_without_a_look_at_all_others() -> None:
    mapping: dict[bytes, None] = {CountedPath(b"%d/%d" % (number, number)): None for number in range(20_000)}
    paths = SortedPaths(mapping)
    assert paths.below(b"7") == [b"7/7"]
    CountedPath.looks = 0
    for number in range(100):
        new = CountedPath(b"new/%d" % number)
        mapping[new] = None
        paths.add(new)
        assert paths.below(b"%d" % number) == [b"%d/%d" % (number, number)]
    assert CountedPath.looks < 100 * (100 + 40), "a search of the sorted ones, and the new ones one by one"
