"""The names under which files were looked up before: which of them the kernel is to look up again, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyfuse3
import pytest

from magicfs.domain.files import FileStat
from magicfs.fuse.invalidation import RESULT_NAME_SECONDS, EarlierNames
from magicfs.tree.file_nodes import FileNode
from tests.unit.tree.indexed_files import indexed_file

FIRST_QUERY, SECOND_QUERY = 10, 11
STAT = FileStat(size=1, mtime_ns=1, ctime_ns=1, ino=1, dev=1, mode=0o600, uid=0, gid=0)


class Mount:
    """Tells the kernel of one file, which each search has a record of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.names = EarlierNames(lambda: self.seconds)
        self.node: FileNode = indexed_file(Path("/root/a.txt"), STAT)
        self._invalidated: list[tuple[int, bytes]] = []
        monkeypatch.setattr(pyfuse3, "invalidate_entry_async", self._invalidate)

    def _invalidate(self, directory: int, name: bytes, **_: Any) -> None:
        self._invalidated.append((directory, name))

    def tells(self, directory: int, name: bytes) -> None:
        self.node.index_record = indexed_file(Path("/root/a.txt"), STAT).index_record
        self.names.note_lookup(self.node, directory, name)

    def invalidated(self) -> list[tuple[int, bytes]]:
        self.names.invalidate()
        found = self._invalidated[:]
        self._invalidated.clear()
        return found


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> Mount:
    return Mount(monkeypatch)


def test_the_name_in_another_search_is_looked_up_again_when_the_listing_is_closed(mount: Mount) -> None:
    mount.tells(FIRST_QUERY, b"01_0.90_a.txt")
    mount.tells(SECOND_QUERY, b"07_0.20_a.txt")
    assert mount.invalidated() == [(FIRST_QUERY, b"01_0.90_a.txt")]
    assert mount.invalidated() == []


def test_a_name_that_the_kernel_does_not_keep_any_more_is_left_alone(mount: Mount) -> None:
    mount.tells(FIRST_QUERY, b"01_0.90_a.txt")
    mount.seconds += RESULT_NAME_SECONDS
    mount.tells(SECOND_QUERY, b"07_0.20_a.txt")
    assert mount.invalidated() == []


def test_a_name_of_the_mirror_may_be_kept_for_long(mount: Mount) -> None:
    mount.node.index_record = None
    mount.names.note_lookup(mount.node, FIRST_QUERY, b"a.txt")
    mount.seconds += 10 * RESULT_NAME_SECONDS
    mount.tells(SECOND_QUERY, b"07_0.20_a.txt")
    assert mount.invalidated() == [(FIRST_QUERY, b"a.txt")]


def test_the_name_that_the_kernel_was_just_told_is_not_taken_back(mount: Mount) -> None:
    mount.tells(FIRST_QUERY, b"01_0.90_a.txt")
    mount.tells(FIRST_QUERY, b"01_0.90_a.txt")
    assert mount.invalidated() == []
