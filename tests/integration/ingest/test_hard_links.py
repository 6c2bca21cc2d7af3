"""Many names of one file, as snapshots by `rsync --link-dest` have them: what a scan of them costs, and finds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from magicfs.db.corpus import linked_files, moved_files
from magicfs.db.corpus.moved_files import KnownFile
from magicfs.db.pool import Connection
from magicfs.domain.files import ClaimedFile, FileStat
from magicfs.domain.ids import FileId, RootId
from magicfs.ingest import row_writer
from magicfs.pipeline import claim_groups, reading
from magicfs.pipeline.large_files import read_range
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


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The descriptors from which a file was read."""
    descriptors: list[int] = []

    def noted(descriptor: int, *positions: int) -> bytes:
        descriptors.append(descriptor)
        return read_range(descriptor, *positions)

    monkeypatch.setattr(reading, "read_range", noted)
    return descriptors


def test_a_file_is_read_by_one_of_its_names(
    index: Index, snapshots: list[Path], read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Names that are read together are all read: so no two names of a file are in one group.
    monkeypatch.setattr(claim_groups, "GROUP_FILES", FILES)
    index.settle()
    assert len(read) == FILES
    assert found(index) == on_disk(index)
    read.clear()
    shutil.copytree(snapshots[0], index.folder / "further", copy_function=os.link)
    index.settle()
    assert len(read) == FILES, "all names have a new ctime"
    assert found(index) == on_disk(index)


def test_a_file_that_was_changed_by_one_of_its_names_is_read_again(index: Index, read: list[int]) -> None:
    first, second = index.folder / "a/notes.txt", index.folder / "b/notes.txt"
    first.parent.mkdir()
    second.parent.mkdir()
    first.write_text("alpha words")
    os.link(first, second)
    index.settle()
    before = first.stat()
    with first.open("r+") as file:
        file.write("gamma")
    os.utime(first, ns=(before.st_atime_ns, before.st_mtime_ns))
    index.settle()
    assert found(index) == {"a/notes.txt": "gamma words", "b/notes.txt": "gamma words"}


def test_a_name_that_makes_another_kind_of_file_is_read_itself(index: Index, read: list[int]) -> None:
    file = index.folder / "notes.txt"
    file.write_text("alpha words")
    index.settle()
    os.link(file, index.folder / "notes.md")
    index.settle()
    assert [kind for (kind,) in index.rows("SELECT kind FROM contents ORDER BY kind")] == ["md", "txt"]


def test_a_name_whose_content_is_outdated_meanwhile_is_read(
    index: Index, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = index.folder / "a/notes.txt"
    file.parent.mkdir()
    file.write_text("alpha words")
    index.settle()
    (index.folder / "b").mkdir()
    os.link(file, index.folder / "b/notes.txt")
    contents_of_links = linked_files.contents_of_links

    def outdated(connection: Connection, files: Mapping[FileId, tuple[ClaimedFile, FileStat]]) -> object:
        links = contents_of_links(connection, files)
        connection.execute("UPDATE contents SET extractor = 0")
        return links

    with monkeypatch.context() as patched:
        patched.setattr(linked_files, "contents_of_links", outdated)
        index.read_all()
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    index.read_all()
    assert found(index) == {"a/notes.txt": "alpha words", "b/notes.txt": "alpha words"}
