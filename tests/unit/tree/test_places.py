"""Where a file was seen: all of its names, and none of them lost to a directory that is being renamed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from magicfs.linux.opening import open_below
from magicfs.tree.inodes import inodes
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.placed_nodes import ChildPlace
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.files import RealFile
from magicfs.tree.virtual import StaticDirectory
from tests.fuse.assertions import raises_errno
from tests.unit.tree.lookups import known


@pytest.fixture
def table() -> InodeTable:
    return InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))


@pytest.fixture
def root(table: InodeTable, tmp_path: Path) -> RealDirectory:
    node = known(table, RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"")))
    assert isinstance(node, RealDirectory)
    return node


def directory_in(table: InodeTable, parent: RealDirectory, name: bytes) -> RealDirectory:
    node = known(table, parent.lookup(name).node)
    assert isinstance(node, RealDirectory)
    return node


def file_in(table: InodeTable, parent: RealDirectory, name: bytes) -> RealFile:
    node = known(table, parent.lookup(name).node)
    assert isinstance(node, RealFile)
    return node


@pytest.mark.parametrize("saved", [True, False])
def test_a_directory_that_is_being_renamed_costs_no_place(
    table: InodeTable, root: RealDirectory, tmp_path: Path, *, saved: bool
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/tmp").touch()
    directory = directory_in(table, root, b"d")
    file = file_in(table, directory, b"tmp")
    if saved:
        for moved in directory.rename(b"tmp", directory, b"file", flags=0):
            table.update(moved)
    else:
        os.link(tmp_path / "d/tmp", tmp_path / "d/file")
        assert file_in(table, directory, b"file") is file
        (tmp_path / "d/tmp").unlink()
    # It is done on the disk, and the event loop does not know yet.
    renamed = root.rename(b"d", root, b"e", flags=0)
    for call in (file.attributes, file.status_nowait, lambda: file.access_nowait(os.R_OK), lambda: file.open(0)):
        with raises_errno(errno.ESTALE):
            call()
    for moved in renamed:
        table.update(moved)
    assert file.location.path == b"e/file"
    assert file.attributes().links == 1


def test_a_name_that_was_removed_does_not_hide_the_others(
    table: InodeTable, root: RealDirectory, tmp_path: Path
) -> None:
    (tmp_path / "a").touch()
    file = file_in(table, root, b"a")
    for number in range(6):
        # A program makes names, and uses the first one between them.
        name = f"b{number}"
        os.link(tmp_path / "a", tmp_path / name)
        assert file_in(table, root, os.fsencode(name)) is file
        assert file.location.path == os.fsencode(name)
        (tmp_path / name).unlink()
        assert file.access_nowait(os.R_OK) in {True, None}
        assert file.attributes().links == 1
        assert file.location.path == b"a"


def test_a_file_with_one_name_has_one_place(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    file = file_in(table, root, b"a")
    os.link(tmp_path / "a", tmp_path / "b")
    assert file_in(table, root, b"b") is file
    assert len(file.places) == 2
    (tmp_path / "a").unlink()
    assert file_in(table, root, b"b") is file
    assert [place.name for place in file.places if isinstance(place, ChildPlace)] == [b"b"]


def test_a_place_seen_meanwhile_stays_the_first(
    table: InodeTable, root: RealDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    file = file_in(table, root, b"a")
    os.link(tmp_path / "a", tmp_path / "b")
    file_in(table, root, b"b")
    (tmp_path / "b").unlink()
    os.link(tmp_path / "a", tmp_path / "c")

    def open_and_look_up(base: bytes, path: bytes, *, flags: int) -> int:
        descriptor = open_below(base, path, flags=flags)
        if path == b"a":
            # The event loop learns of another name while a thread has found the file by an earlier one.
            file_in(table, root, b"c")
        return descriptor

    monkeypatch.setattr("magicfs.tree.real.nodes.open_below", open_and_look_up)
    assert file.attributes().links == 2
    assert file.location.path == b"c"
    monkeypatch.undo()
    (tmp_path / "c").unlink()
    assert file.attributes().links == 1


def test_a_file_is_found_by_its_other_names_after_others_were_looked_up(
    table: InodeTable, root: RealDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inodes, "MAX_OBJECTS", 0)
    (tmp_path / "a").touch()
    os.link(tmp_path / "a", tmp_path / "b")
    number = file_in(table, root, b"a").ino
    assert file_in(table, root, b"b").ino == number
    look_up_others(table, root, tmp_path)
    (tmp_path / "b").unlink()
    node = table.find(number)
    assert isinstance(node, RealFile)
    assert node.attributes().links == 1
    node.open(os.O_RDONLY).close()


def test_a_file_that_was_saved_by_a_rename_is_packed(
    table: InodeTable, root: RealDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inodes, "MAX_OBJECTS", 0)
    (tmp_path / "tmp").touch()
    number = file_in(table, root, b"tmp").ino
    for moved in root.rename(b"tmp", root, b"file", flags=0):
        table.update(moved)
    look_up_others(table, root, tmp_path)
    assert table.is_packed_file(number)
    node = table.find(number)
    assert isinstance(node, RealFile)
    assert node.location.path == b"file"


def look_up_others(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    """Have the nodes packed that nobody uses."""
    for number in range(9):
        (tmp_path / f"other{number}").touch()
        file_in(table, root, b"other%d" % number)
