"""Handlers without a mount: what becomes of an open file when opening it goes wrong, and how a listing is read."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from pyfuse3 import FlagT, FUSEError, InodeT, ReaddirToken, RequestContext

from magicfs.errors import DeadlineExceeded
from magicfs.fuse import file_operations, thread_pools
from magicfs.fuse.operations import TreeOperations
from magicfs.tree.directories import DirectoryListing, Entry
from magicfs.tree.nodes import Handle
from magicfs.tree.real.files import RealFile
from magicfs.tree.tree import Tree
from tests.plugins.waiting import eventually
from tests.unit.fuse.lookups import find

CLOSE_SECONDS = 60.0
ENTRIES_IN_A_REPLY = 20


def open_paths() -> list[str]:
    paths = []
    for number in os.listdir("/proc/self/fd"):
        try:
            paths.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue
    return paths


def wait_until_closed(path: Path) -> None:
    eventually(lambda: str(path) not in open_paths(), "the end of the open file", seconds=CLOSE_SECONDS)


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR])
def test_a_file_is_closed_when_its_attributes_cannot_be_invalidated(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("roses")
    node = find(tree, b"a.txt")
    assert isinstance(node, RealFile)
    node.set_kernel_attributes(node.attributes())
    path.write_text("roses and tulips")

    def fail(_: InodeT) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(file_operations, "expire_attributes", fail)

    async def main() -> None:
        handlers = TreeOperations(tree, search_seconds=1)
        with pytest.raises(FUSEError) as error:
            await handlers.open(InodeT(node.ino), FlagT(flags), RequestContext())
        assert error.value.errno == errno.EIO

    trio.run(main)
    wait_until_closed(path)


class CountingListing:
    """Counts the entries that are read from a listing."""

    number = 0
    may_block = True

    def __init__(self, listing: DirectoryListing) -> None:
        self._listing = listing
        self.count = 0

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        batch = self._listing.batch(start, count)
        self.count += len(batch)
        return batch


def test_the_attributes_of_an_entry_are_read_once_however_small_the_replies_are(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}").touch()
    names: list[bytes] = []
    last_position = 0
    room = 0

    def reply(_: ReaddirToken, name: bytes, __: object, position: int) -> bool:
        nonlocal last_position, room
        if room == 0:
            return False
        names.append(name)
        last_position, room = position, room - 1
        return True

    monkeypatch.setattr("pyfuse3.readdir_reply", reply)

    async def main() -> int:
        nonlocal room
        handlers = TreeOperations(tree, search_seconds=1)
        fh = await handlers.opendir(InodeT(find(tree).ino), RequestContext())
        opened = handlers._handles.directory(fh)
        assert opened.listing is not None
        listing = opened.listing = CountingListing(opened.listing)
        while room == 0:
            room = ENTRIES_IN_A_REPLY
            await handlers.readdir(fh, last_position, ReaddirToken())
        return listing.count

    assert trio.run(main) == 1000
    assert names == [b".", b"..", *(b"%04d" % number for number in range(1000))]


def test_a_call_that_hangs_keeps_the_open_file_that_it_changes(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its descriptor must not become that of another file before the call goes on."""
    monkeypatch.setattr(thread_pools, "FILES_SECONDS", 0.2)
    path = tmp_path / "a.txt"
    path.write_text("roses")
    node = find(tree, b"a.txt")
    assert isinstance(node, RealFile)
    ino, goes_on, has_ended = path.stat().st_ino, threading.Event(), threading.Event()
    changed: list[int] = []

    def change(handle: Handle | None) -> None:
        if handle is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        goes_on.wait(CLOSE_SECONDS)
        try:
            changed.append(os.fstat(handle.descriptor).st_ino)
        finally:
            has_ended.set()

    async def main() -> None:
        handlers = TreeOperations(tree, search_seconds=1)
        handle = node.open(os.O_RDWR)
        handlers._handles.add_file(node, handle)
        with pytest.raises(DeadlineExceeded):
            await handlers._on_file(node, change)
        await trio.sleep(0.2)
        goes_on.set()
        assert await trio.to_thread.run_sync(has_ended.wait, CLOSE_SECONDS)
        handle.close()

    trio.run(main)
    assert changed == [ino]
    wait_until_closed(path)
