"""Many names of one file, as snapshots by `rsync --link-dest` have them: what a scan of them costs, and finds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from magicfs.db.corpus import moved_files
from magicfs.db.corpus.moved_files import KnownFile
from magicfs.db.pool import Connection
from magicfs.domain.ids import RootId
from magicfs.ingest import row_writer
from tests.integration.ingest.trees import found, on_disk, process
from tests.plugins.index import Index

FILES, SNAPSHOTS = 10, 12


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each search for former paths has read. Each snapshot is recorded in a transaction of its own."""
    counts: list[int] = []
    files_of_inodes = moved_files.files_of_inodes

    def counted(connection: Connection, root: RootId, inodes: Collection[int]) -> list[KnownFile]:
        known = files_of_inodes(connection, root, inodes)
        counts.append(len(known))
        return known

    monkeypatch.setattr(moved_files, "files_of_inodes", counted)
    monkeypatch.setattr(row_writer, "BATCH_FILES", FILES)
    return counts


@pytest.fixture
def snapshots(index: Index) -> list[Path]:
    first = index.folder / "0"
    first.mkdir()
    for number in range(FILES):
        (first / f"{number}.txt").write_text(f"number {number}")
    later = [index.folder / str(number) for number in range(1, SNAPSHOTS)]
    for folder in later:
        shutil.copytree(first, folder, copy_function=os.link)
    return [first, *later]


def test_names_that_a_scan_has_just_recorded_are_not_looked_at_again(
    index: Index, snapshots: list[Path], rows_read: list[int]
) -> None:
    index.scan()
    assert sum(rows_read) == 0, "of the other snapshots, one after the other"
    assert len(index.states()) == FILES * SNAPSHOTS


def test_a_further_snapshot_costs_one_look_at_each_name(
    index: Index, snapshots: list[Path], rows_read: list[int]
) -> None:
    index.settle()
    rows_read.clear()
    shutil.copytree(snapshots[0], index.folder / "further", copy_function=os.link)
    index.settle()
    assert sum(rows_read) == FILES * SNAPSHOTS, "all names have a new ctime"
    assert found(index) == on_disk(index)


def test_snapshots_that_are_renamed_in_turn_stay_found(index: Index, snapshots: list[Path]) -> None:
    index.settle()
    index.reader.calls.clear()
    shutil.rmtree(snapshots[-1])
    for former, later in zip(snapshots[-2::-1], snapshots[:0:-1], strict=True):
        former.rename(later)
    shutil.copytree(snapshots[1], snapshots[0], copy_function=os.link)
    (snapshots[0] / "3.txt").unlink()
    (snapshots[0] / "3.txt").write_text("another text")
    index.settle()
    assert found(index) == on_disk(index)
    assert index.reader.calls == [b"3.txt"]


def test_a_name_is_followed_when_others_of_its_file_stay(index: Index, snapshots: list[Path]) -> None:
    index.settle()
    (snapshots[4] / "5.txt").rename(index.folder / "moved.txt")
    process(index, "4/5.txt", "moved.txt")
    assert found(index) == on_disk(index)
    assert index.rows("SELECT count(*) FROM files") == [(FILES * SNAPSHOTS,)]
