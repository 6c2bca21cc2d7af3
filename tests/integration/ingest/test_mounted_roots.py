"""A root that is a mount of a directory of the same device: a scan must not take it for emptied when it is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.domain.roots import RootState
from tests.integration.ingest.trees import changed, many, watcher
from tests.plugins.index import Index


class BindMount:
    """A directory beside the root that is mounted over it, or not."""

    def __init__(self, index: Index, folder: Path) -> None:
        self.shown = folder
        self._place = index.folder

    def mount(self) -> None:
        if subprocess.run(["mount", "--bind", self.shown, self._place], check=False, capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")

    def umount(self) -> None:
        subprocess.run(["umount", self._place], check=True)


@pytest.fixture
def mounted(index: Index, tmp_path: Path) -> Iterator[BindMount]:
    """A mount over the root, whose three files are indexed."""
    place = BindMount(index, tmp_path / "shown")
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
