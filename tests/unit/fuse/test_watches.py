"""Which directories are watched."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magicfs.fuse import watches
from magicfs.fuse.watched_directory import WATCHED_SECONDS
from magicfs.fuse.watches import NOT_IN_MEMORY_SECONDS, RETRY_SECONDS, DirectoryWatches
from magicfs.linux.inotify import Inotify
from magicfs.linux.opening import is_on_local_file_system, open_below
from magicfs.tree.tree import Tree
from tests.plugins.kernel_caches import kept_caches
from tests.unit.fuse.lookups import find


class Later:
    """A clock that is put forward by the test alone."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._now = time.monotonic()

    def __call__(self) -> float:
        return self._now + self.seconds


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    later = Later()
    monkeypatch.setattr(time, "monotonic", later)
    return later


@pytest.fixture
def directories(tree: Tree, tmp_path: Path, later: Later) -> Iterator[DirectoryWatches]:
    """Watches of the directories of a tree, whose root is in the kernel's memory."""
    del later
    descriptor = os.open(tmp_path, os.O_PATH)
    is_local = is_on_local_file_system(descriptor)
    os.close(descriptor)
    if not is_local:
        pytest.skip("the temporary directory is on no file system of this machine")
    directories = DirectoryWatches(tree.inodes)
    directories.start(lambda _: None)
    with kept_caches():
        os.stat(tmp_path)
        yield directories
    directories.stop()


@pytest.fixture
def watched(tree: Tree, directories: DirectoryWatches) -> Callable[[], bool]:
    """Whether the root is watched when it is asked for."""
    root = find(tree)
    return lambda: directories.find(root) is not None


def test_a_directory_that_was_not_in_memory_is_watched_soon(
    watched: Callable[[], bool], later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(watches, "open_below_cached", lambda *_, **__: None)
        assert not watched()
    assert not watched(), "on another file system each look-up would try"
    later.seconds += NOT_IN_MEMORY_SECONDS
    assert watched()


def test_a_directory_that_cannot_be_watched_is_tried_again_after_a_while(
    watched: Callable[[], bool], later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Inotify, "add", refuse)
        assert not watched()
    later.seconds += RETRY_SECONDS / 2
    assert not watched()
    later.seconds += RETRY_SECONDS / 2
    assert watched()


def test_a_listing_that_pauses_while_others_take_its_watch_keeps_nothing_more(
    tree: Tree, tmp_path: Path, directories: DirectoryWatches, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "MAX_WATCHES", 1)
    monkeypatch.setattr(watches, "open_below_cached", open_below)
    (tmp_path / "other").mkdir()
    listed = directories.entry_of(find(tree), b"")
    assert listed is not None
    assert listed.holds()
    later.seconds += 3 * WATCHED_SECONDS
    directories.find(find(tree, b"other"))
    assert not directories.has(find(tree))
    assert not listed.holds()
