"""Listings that were read before Python opens a directory: when they are used."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
from pyfuse3 import InodeT, RequestContext

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.library_interface import LISTED_FILE, PREPARED
from magicfs.fuse.operations import TreeOperations
from magicfs.fuse.watches import _EVENTS_LOST
from magicfs.linux.inotify import Event, Inotify, InotifyMask
from magicfs.tree.real.directories import RealDirectory, RealDirectoryListing
from magicfs.tree.tree import Tree
from tests.unit.fuse.lookups import find


@pytest.fixture
def handlers(tree: Tree, tmp_path: Path) -> Iterator[TreeOperations]:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/on disk").touch()
    handlers = TreeOperations(tree, search_seconds=1)
    inotify = handlers._watches._inotify = Inotify()
    yield handlers
    inotify.close()


def prepared(handlers: TreeOperations, monkeypatch: pytest.MonkeyPatch, path: Path, *, age: float = 0.0) -> None:
    """Prepare a listing with one name, which is not on the disk."""
    assert handlers._watches._inotify is not None
    number = handlers._watches._inotify.add(os.fsencode(path))
    read_ns = time.monotonic_ns() - int(age * 1e9)
    head = PREPARED.pack(read_ns, 1, 1, number, 1, 1, len(b"prepared\0"))
    waiting = [head + bytes(LISTED_FILE.size) + b"prepared\0"]
    monkeypatch.setattr(FAST_PATH, "take_prepared", lambda: waiting.pop() if waiting else b"")


def listed(handlers: TreeOperations, directory: RealDirectory) -> list[bytes]:
    async def main() -> list[bytes]:
        number = await handlers.opendir(InodeT(directory.ino), RequestContext())
        listing = handlers._handles.directory(number).listing
        assert isinstance(listing, RealDirectoryListing)
        return list(listing.names)

    return trio.run(main)


@pytest.fixture
def directory(tree: Tree, handlers: TreeOperations) -> RealDirectory:
    del handlers
    directory = find(tree, b"d")
    assert isinstance(directory, RealDirectory)
    return directory


def test_it_is_used_if_nothing_has_happened(
    handlers: TreeOperations, directory: RealDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(handlers, monkeypatch, tmp_path / "d")
    assert listed(handlers, directory) == [b"prepared"]
    assert handlers._watches.has(directory)


def change_a_name(handlers: TreeOperations) -> None:
    handlers._changed_at = time.monotonic()


def mount_something(handlers: TreeOperations) -> None:
    handlers._watches._handle_mounts([])


def lose_reports(handlers: TreeOperations) -> None:
    handlers._watches._handle([_EVENTS_LOST])


def report(handlers: TreeOperations) -> None:
    handlers._watches._handle([Event(1, InotifyMask.CREATE, b"new")])


@pytest.mark.parametrize("happens", [change_a_name, mount_something, lose_reports, report])
def test_it_is_not_used_if_something_has_happened_since(
    handlers: TreeOperations,
    directory: RealDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[TreeOperations], None],
) -> None:
    prepared(handlers, monkeypatch, tmp_path / "d")
    happens(handlers)
    assert listed(handlers, directory) == [b"on disk"]


def test_it_is_not_used_if_it_is_old(
    handlers: TreeOperations, directory: RealDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(handlers, monkeypatch, tmp_path / "d", age=1.5)
    assert listed(handlers, directory) == [b"on disk"]


def test_a_watch_that_is_one_too_many_ends(
    handlers: TreeOperations, directory: RealDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.fuse.watches.MAX_WATCHES", 0)
    prepared(handlers, monkeypatch, tmp_path / "d")
    assert listed(handlers, directory) == [b"on disk"]
    assert not handlers._watches.has(directory)
    assert handlers._watches._inotify is not None
    events = list(handlers._watches._inotify.read(timeout_s=1))
    assert any(event.mask & InotifyMask.IGNORED for event in events)
