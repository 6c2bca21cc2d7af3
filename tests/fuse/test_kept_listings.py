"""Listings that the kernel keeps, and those of large directories, which have names alone at their end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from magicfs.fuse.large_listings import LOOKUPS_OF_NAMES, NAMES_WITH_ATTRIBUTES
from magicfs.fuse.watched_directory import LISTED_SECONDS, QUIET_SECONDS
from magicfs.tree.real.listings import LARGE_DIRECTORY
from tests.fuse.assertions import python_cpu_seconds
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import inode_count, known
from tests.plugins.kernel_caches import kept_caches
from tests.plugins.waiting import eventually

FILES = 2000
MORE = 3500
REPLY = 1500
"""Entries of one reply at most, with room: it is begun with attributes or with names alone."""


@pytest.fixture
def mirror(mount: MountProcess, root: IndexedRoot) -> Path:
    """A directory of the mirror in which nothing has happened for a while."""
    for number in range(FILES):
        (root.path / f"{number}.txt").write_text("roses")
    (root.path / "sub").mkdir()
    mirror = mount.path / "mirror/documents"
    eventually(mirror.exists)
    time.sleep(QUIET_SECONDS + 0.1)
    return mirror


def cost_of_listing(mount: MountProcess, directory: Path) -> float:
    before = python_cpu_seconds(mount)
    assert len(os.listdir(directory)) == FILES + 1
    return python_cpu_seconds(mount) - before


def keep(directory: Path) -> None:
    """Have the kernel keep the listing: the directory is watched after it was looked at."""
    for _ in range(3):
        os.listdir(directory)
        (directory / "missing").exists()


def test_the_kernel_keeps_a_listing(mount: MountProcess, mirror: Path) -> None:
    first = cost_of_listing(mount, mirror)

    def is_kept() -> bool:
        keep(mirror)
        return cost_of_listing(mount, mirror) < first / 5

    # On a busy machine the time that it is kept for may pass.
    eventually(is_kept)


def test_a_kept_listing_shows_what_has_changed_on_the_disk_at_once(mirror: Path, root: IndexedRoot) -> None:
    for number in range(3):
        keep(mirror)
        (root.path / f"new{number}").write_text("x")
        assert f"new{number}" in os.listdir(mirror)
        (root.path / f"{number}.txt").rename(root.path / f"renamed{number}")
        names = os.listdir(mirror)
        assert f"renamed{number}" in names
        assert f"{number}.txt" not in names
        (root.path / f"renamed{number}").unlink()
        assert f"renamed{number}" not in os.listdir(mirror)
        time.sleep(QUIET_SECONDS + 0.1)


def test_a_kept_listing_shows_what_has_changed_in_the_mount(mirror: Path) -> None:
    keep(mirror)
    (mirror / "new").mkdir()
    assert "new" in os.listdir(mirror)
    (mirror / "new").rmdir()
    assert "new" not in os.listdir(mirror)


def test_entries_are_looked_at_anew_after_a_while(mirror: Path, root: IndexedRoot) -> None:
    keep(mirror)
    time.sleep(LISTED_SECONDS + 0.5)
    assert sorted(os.listdir(mirror)) == sorted(os.listdir(root.path))


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("pause_s", [0.0, QUIET_SECONDS + 0.5])
def test_a_program_that_removes_names_while_another_one_lists_them_gets_all(
    mount: MountProcess, root: IndexedRoot, *, is_kept: bool, pause_s: float
) -> None:
    """The other one has the kernel drop the listing that it has kept, or replace it by that of fewer names."""
    removed = 300
    directory, mirror = root.path / "long", mount.path / "mirror/documents/long"
    directory.mkdir()
    # Names too long to be read at once.
    for number in range(FILES):
        (directory / f"{number:0200}").touch()
    eventually(mirror.exists)
    time.sleep(QUIET_SECONDS + 0.1)
    if is_kept:
        keep(mirror)
    with os.scandir(mirror) as found:
        names = [next(found).name for _ in range(removed)]
        for name in names:
            (mirror / name).unlink()
        time.sleep(pause_s)
        keep(mirror)
        names += [entry.name for entry in found]
    assert len(names) == len(set(names)) == FILES


def test_the_end_of_a_large_directory_is_listed_by_name(mount: MountProcess, root: IndexedRoot) -> None:
    directory = root.path / "large"
    directory.mkdir()
    for number in range(LARGE_DIRECTORY + MORE):
        (directory / f"{number:05}.txt").write_text("")
    (directory / "zdirectory").mkdir()
    links = [f"zlink{number}" for number in range(LOOKUPS_OF_NAMES + 100)]
    for link in links:
        (directory / link).symlink_to("zdirectory")
    mirrored = mount.path / "mirror/documents/large"
    eventually(mirrored.exists)
    with kept_caches():
        with os.scandir(mirrored) as found:
            entries = {entry.name: entry for entry in found}
        assert sorted(entries) == sorted(os.listdir(directory))
        assert inode_count(mount) < NAMES_WITH_ATTRIBUTES + REPLY
        kinds = {name: (entry.is_file(follow_symlinks=False), entry.is_symlink()) for name, entry in entries.items()}
        assert kinds.pop("zdirectory") == (False, False)
        assert {kinds.pop(link) for link in links} == {(False, True)}
        assert set(kinds.values()) == {(True, False)}
        last = f"{LARGE_DIRECTORY + MORE - 1:05}.txt"
        assert entries[last].stat().st_ino == (mirrored / last).stat().st_ino
        # Looking plain files up takes no longer than to list them with their attributes.
        first = NAMES_WITH_ATTRIBUTES + REPLY
        for number in range(first, first + LOOKUPS_OF_NAMES + 100):
            (mirrored / f"{number:05}.txt").stat()
        assert len(os.listdir(mirrored)) == len(entries)
        assert inode_count(mount) < NAMES_WITH_ATTRIBUTES + REPLY + LOOKUPS_OF_NAMES + 200
        # A program that looks at each of the others wants their attributes.
        for link in links:
            (mirrored / link).lstat()
        assert len(os.listdir(mirrored)) == len(entries)
        known(mount, LARGE_DIRECTORY + MORE, lambda: os.listdir(mirrored))
