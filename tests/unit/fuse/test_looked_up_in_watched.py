"""Files that were looked up without Python in a watched directory, when the kernel reports what happens there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyfuse3
import pytest
import trio
from pyfuse3 import FileNameT, InodeT, RequestContext

from magicfs.fuse import watched_directory, watches
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.operations import TreeOperations
from magicfs.linux.inotify import Event, InotifyMask
from magicfs.linux.opening import open_below
from magicfs.tree.tree import Tree
from tests.plugins.waiting import eventually
from tests.unit.fuse.lookups import Kernel, find

WATCH = 1
"""The kernel's number of the watch of each directory."""


class Reports:
    """In the place of the thread that passes on the kernel's reports, and of inotify: each test makes its reports."""

    def __call__(
        self,
        inotify: object,
        run_on_loop: object,
        *,
        handle_events: Callable[[Iterable[Event]], bool],
        handle_mounts: object,
        give_up: Callable[[], None],
    ) -> Reports:
        del inotify, run_on_loop, handle_mounts
        self.handle, self.give_up = handle_events, give_up
        return self

    def start(self) -> None:
        pass


class FakeInotify:
    def add(self, path: bytes) -> int:
        assert os.path.isdir(path)
        return WATCH

    def remove(self, number: int) -> None:
        assert number == WATCH


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    reports = Reports()
    monkeypatch.setattr(watches, "ReportThread", reports)
    monkeypatch.setattr(watches, "Inotify", FakeInotify)
    # Whatever the kernel has in memory, and however lately the files were made.
    monkeypatch.setattr(watches, "open_below_cached", open_below)
    monkeypatch.setattr(watched_directory, "QUIET_SECONDS", 0.0)
    return reports


@pytest.fixture
def expired(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inodes whose attributes the kernel was told to ask for again."""
    expired: list[int] = []

    def invalidate(ino: InodeT, *, attr_only: bool) -> None:
        assert attr_only
        expired.append(ino)

    monkeypatch.setattr(pyfuse3, "invalidate_inode", invalidate)
    return expired


@pytest.fixture
def taken_back(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bytes]]:
    """The names that the kernel was told to look up anew, each with its directory."""
    taken_back: list[tuple[int, bytes]] = []

    def invalidate(directory: InodeT, name: FileNameT, *, ignore_enoent: bool) -> None:
        assert ignore_enoent
        taken_back.append((directory, name))

    monkeypatch.setattr(pyfuse3, "invalidate_entry_async", invalidate)
    return taken_back


@pytest.fixture
def look_up(tree: Tree, reports: Reports, expired: list[int]) -> Iterator[Callable[[bytes], int]]:
    """Look up a name in the root, which is watched from then on. Returns the inode number; 0 for a missing name."""
    del reports, expired
    operations, root = TreeOperations(tree, search_seconds=1), find(tree)

    async def begin() -> None:
        operations.init()

    async def look_up(name: bytes) -> int:
        return int((await operations.lookup(InodeT(root.ino), FileNameT(name), RequestContext())).st_ino)

    trio.run(begin)
    yield lambda name: trio.run(look_up, name)
    operations.stop()


def test_a_change_of_what_was_looked_up_is_told(
    tree: Tree, tmp_path: Path, kernel: Kernel, reports: Reports, look_up: Callable[[bytes], int], expired: list[int]
) -> None:
    assert not look_up(b"missing")
    (tmp_path / "a").write_text("text")
    number = kernel.is_told_of(tmp_path / "a", find(tree))
    assert reports.handle([Event(WATCH, InotifyMask.MODIFY, b"a")])
    eventually(lambda: expired == [number], "the end of its attributes")


def test_files_that_nobody_uses_stay_packed_when_all_is_taken_back(
    tree: Tree,
    tmp_path: Path,
    kernel: Kernel,
    reports: Reports,
    look_up: Callable[[bytes], int],
    taken_back: list[tuple[int, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thousands of objects would take seconds, and the library could not look those files up any more."""
    root, opened = find(tree), set[int]()
    monkeypatch.setattr(FAST_PATH, "opened", lambda ino: 1 if ino in opened else None)
    (tmp_path / "sub").mkdir()
    directory = look_up(b"sub")
    numbers = {}
    for name in ("unused", "open"):
        (tmp_path / name).write_text("text")
        numbers[name] = kernel.is_told_of(tmp_path / name, root)
    opened.add(numbers["open"])
    assert reports.handle([Event(-1, InotifyMask.Q_OVERFLOW, b"")])
    assert taken_back == [(root.ino, b"unused")]
    assert tree.inodes.is_packed_file(numbers["unused"])
    assert not tree.inodes.is_packed_file(directory)


@pytest.mark.parametrize("gives_up", [False, True])
def test_the_library_looks_nothing_up_where_a_watch_has_ended(
    tree: Tree, reports: Reports, look_up: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch, *, gives_up: bool
) -> None:
    forgotten: list[int] = []
    monkeypatch.setattr(FAST_PATH, "forget", forgotten.append)
    assert not look_up(b"missing")
    if gives_up:
        reports.give_up()
    else:
        reports.handle([Event(WATCH, InotifyMask.IGNORED, b"")])
    assert forgotten == [find(tree).ino]
