"""A root that is a mount of a directory of the same device, or has one: none is taken for emptied when it is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.db.cluster.roots import request_scan
from magicfs.domain.roots import RootState
from magicfs.ingest.walk import Listing, Walk
from tests.integration.ingest.trees import changed, many, watcher
from tests.plugins.index import Index


class BindMount:
    """A directory beside the root that is mounted over it or in it, or not."""

    def __init__(self, place: Path, folder: Path) -> None:
        self.shown = folder
        self._place = place

    def mount(self) -> None:
        if subprocess.run(["mount", "--bind", self.shown, self._place], check=False, capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")

    def umount(self) -> None:
        subprocess.run(["umount", self._place], check=True)


@pytest.fixture
def mounted(index: Index, tmp_path: Path) -> Iterator[BindMount]:
    """A mount over the root, whose three files are indexed."""
    place = BindMount(index.folder, tmp_path / "shown")
    place.shown.mkdir()
    place.mount()
    many(index, 3)
    index.settle()
    assert len(index.states()) == 3
    yield place
    while not subprocess.run(["umount", index.folder], check=False, capture_output=True).returncode:
        pass


def state(index: Index) -> RootState:
    return index.registered().state


def test_files_of_a_root_that_is_unmounted_stay_until_it_is_back(index: Index, mounted: BindMount) -> None:
    mounted.umount()
    assert not any(index.folder.iterdir())
    assert index.scan().deleted == 0
    assert len(index.states()) == 3
    assert state(index) is RootState.MISSING
    mounted.mount()
    (index.folder / "0.txt").unlink()
    assert index.scan().deleted == 1
    assert state(index) is RootState.PRESENT


def test_events_delete_nothing_in_a_root_that_is_unmounted(index: Index, mounted: BindMount) -> None:
    root = index.registered().root
    mounted.umount()
    events, rescans = watcher(index)
    events.process(root, changed(index, b"0.txt", b"1.txt"))
    assert len(index.states()) == 3
    assert rescans == [root], "a scan decides"


def test_a_root_that_is_found_in_another_mount_is_the_same_one(index: Index, mounted: BindMount) -> None:
    """As in a container, or after its files were moved to where they were shown."""
    mounted.umount()
    shutil.copytree(mounted.shown, index.folder, dirs_exist_ok=True)
    assert index.scan().deleted == 0
    assert state(index) is RootState.PRESENT
    assert index.registered().root.mount_point != os.fsencode(index.folder)


def test_a_directory_that_is_made_anew_is_the_root(index: Index) -> None:
    many(index, 3)
    index.settle()
    shutil.rmtree(index.folder)
    index.folder.mkdir()
    assert index.scan().deleted == 3
    assert state(index) is RootState.PRESENT


def test_the_mount_of_a_root_of_an_earlier_version_is_taken_as_it_is(index: Index) -> None:
    known = index.registered().root.mount_point
    assert known is not None
    index.rows("UPDATE roots SET mount_point = NULL RETURNING id")
    index.scan()
    assert index.registered().root.mount_point == known


@pytest.fixture
def inner(index: Index, tmp_path: Path) -> Iterator[BindMount]:
    """A mount in the root, whose three files are indexed beside one of the root's own."""
    place = BindMount(index.folder / "sub/inner", tmp_path / "shown")
    place.shown.mkdir()
    (index.folder / "sub/inner").mkdir(parents=True)
    place.mount()
    (index.folder / "own.txt").write_text("words of its own")
    for number in range(3):
        (place.shown / f"{number}.txt").write_text(f"words of {number}")
    index.settle()
    assert len(index.states()) == 4
    yield place
    while not subprocess.run(["umount", index.folder / "sub/inner"], check=False, capture_output=True).returncode:
        pass


@pytest.mark.parametrize("top", [b"", b"sub", b"sub/inner"])
def test_files_of_a_mount_in_a_root_stay_until_it_is_back(index: Index, inner: BindMount, top: bytes) -> None:
    before = index.registered().root
    inner.umount()
    assert index.scan().deleted == 0
    index.restart_agent()
    assert index.scan().deleted == 0, "as after a reboot"
    index.scanner.scan_directory(replace(before, inner_mounts=()), top)
    assert len(index.states()) == 4
    assert state(index) is RootState.PRESENT
    inner.mount()
    (inner.shown / "0.txt").unlink()
    assert index.scan().deleted == 1
    assert index.registered().root.inner_mounts == (os.fsencode(index.folder / "sub/inner"),)


def test_events_of_what_a_mount_showed_delete_nothing_while_it_is_gone(index: Index, inner: BindMount) -> None:
    root = replace(index.registered().root, inner_mounts=())
    inner.umount()
    events, _ = watcher(index)
    events.process(root, changed(index, b"sub/inner/0.txt", b"sub/inner/1.txt"))
    assert len(index.states()) == 4
    (index.folder / "sub/inner/other.txt").write_text("other words")
    events.process(root, changed(index, b"sub/inner/0.txt"))
    assert len(index.states()) == 3
    shutil.rmtree(index.folder / "sub/inner")
    events.process(root, changed(index, b"sub/inner"))
    assert set(index.states()) == {"own.txt"}


def test_another_disk_that_was_in_a_root_is_not_missed(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    """No file of it was indexed."""
    place = index.folder / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "disk", place], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (place / "file.txt").touch()
        assert index.scan().complete
    finally:
        subprocess.run(["umount", place], check=True)
    assert index.states() == {}
    assert index.scan().complete
    assert caplog.text == ""


def test_a_mount_that_goes_during_a_scan_keeps_its_files(
    index: Index, inner: BindMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = Walk.listings

    def unmounting(self: Walk) -> Iterator[Listing]:
        for number, listing in enumerate(listings(self)):
            if number == 0:
                inner.umount()
            yield listing

    monkeypatch.setattr(Walk, "listings", unmounting)
    assert index.scan().deleted == 0
    monkeypatch.undo()
    assert index.scan().deleted == 0
    assert state(index) is RootState.PRESENT
    assert len(index.states()) == 4


def test_a_directory_that_was_a_mount_and_is_removed_or_used_otherwise_has_lost_its_files(
    index: Index, inner: BindMount
) -> None:
    inner.umount()
    assert index.scan().deleted == 0
    (index.folder / "sub/inner/other.txt").write_text("other words")
    assert index.scan().deleted == 3
    assert index.registered().root.inner_mounts == ()
    inner.mount()
    index.settle()
    assert len(index.states()) == 5 - 1
    inner.umount()
    shutil.rmtree(index.folder / "sub")
    assert index.scan().deleted == 3
    assert set(index.states()) == {"own.txt"}


def test_deletions_of_a_mount_in_a_root_that_are_confirmed_are_final(index: Index, inner: BindMount) -> None:
    inner.umount()
    with index.database.transaction() as connection:
        request_scan(connection, name=index.root.name, may_delete=True)
    assert index.scan().deleted == 3
    assert index.registered().root.inner_mounts == ()
    assert index.scan().complete
