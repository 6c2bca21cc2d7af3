"""Listings of files that need no node of their own (`file_listings`): what is shown, and what the kernel counts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fuse.all_kinds import attributes, checked_numbers, make_all_kinds
from tests.fuse.conftest import MountProcess
from tests.fuse.directory_stream import DirectoryStream
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import forget, inode_count, known, resident_bytes
from tests.plugins.kernel_caches import kept_caches, needs_root
from tests.plugins.waiting import eventually

FILES = 500
MANY = 100_000
MAX_BYTES_A_NAME = 300
"""While the kernel knows all names of a directory of that many."""


@pytest.fixture
def real(root: IndexedRoot) -> Path:
    directory = root.path / "d"
    directory.mkdir()
    return directory


@pytest.fixture
def shown(mirror: Path, real: Path) -> Path:
    eventually((mirror / real.name).exists)
    return mirror / real.name


def test_each_kind_has_the_attributes_of_the_disk(mount: MountProcess, shown: Path, real: Path) -> None:
    before = inode_count(mount)
    make_all_kinds(real)
    eventually(lambda: sorted(os.listdir(shown)) == sorted(os.listdir(real)))
    numbers = checked_numbers(shown, real)
    if os.geteuid() == 0:
        # A look-up gives each the same number.
        forget(mount, before + 2)
        assert {name: (shown / name).lstat().st_ino for name in numbers} == numbers


def changes(real: Path, shown: Path) -> Iterator[Callable[[], object]]:
    """Changes on the disk and in the mount of what was listed."""
    for directory in (real, shown):
        yield from changes_in(directory)
        yield lambda: fill(real)


def changes_in(directory: Path) -> Iterator[Callable[[], object]]:
    """Changes of one file each, and then the removal of all."""
    yield lambda: (directory / "replacement").write_text("new text")
    yield lambda: (directory / "replacement").replace(directory / "0")
    yield lambda: (directory / "1").rename(directory / "renamed")
    yield lambda: os.link(directory / "2", directory / "second name")
    yield (directory / "3").unlink
    yield lambda: (directory / "4").write_text("other text")
    yield lambda: (directory / "5").chmod(0o600)
    yield lambda: ((directory / "6").unlink(), (directory / "6").mkdir())
    yield lambda: ((directory / "7").unlink(), (directory / "7").symlink_to("8"))
    yield lambda: [path.unlink() for path in directory.iterdir() if not path.is_dir()]
    yield (directory / "6").rmdir


def has_content_of(entry: Path, path: Path) -> bool:
    return entry.read_bytes() == path.read_bytes()


def fill(directory: Path) -> None:
    for number in range(20):
        (directory / str(number)).write_text("text")


def test_what_changes_between_listings_is_shown_as_it_is(mount: MountProcess, shown: Path, real: Path) -> None:
    fill(real)
    for change in changes(real, shown):
        for _ in range(3):
            os.listdir(shown)
        change()

        def is_shown() -> bool:
            with contextlib.suppress(FileNotFoundError):
                return {name: attributes(shown / name) for name in os.listdir(shown)} == {
                    name: attributes(real / name) for name in os.listdir(real)
                }
            return False

        eventually(is_shown)
        for path in real.iterdir():
            if path.is_file() and not path.is_symlink():
                eventually(partial(has_content_of, shown / path.name, path))
    assert "more often" not in mount.log


def test_a_number_stays_that_of_a_renamed_file(shown: Path, real: Path) -> None:
    fill(real)
    eventually(lambda: len(os.listdir(shown)) == 20)
    before = (shown / "0").stat().st_ino
    (real / "0").rename(real / "renamed")
    eventually(lambda: "renamed" in os.listdir(shown))
    assert (shown / "renamed").stat().st_ino == before


def test_each_name_comes_once_while_others_are_removed_and_made(shown: Path, real: Path) -> None:
    for number in range(FILES):
        (real / f"{number:0200}").touch()
    eventually(lambda: len(os.listdir(shown)) == FILES)
    stream = DirectoryStream(shown)
    with os.scandir(shown) as found:
        names = [next(found).name for _ in range(FILES // 10)]
        for number in range(FILES // 2, FILES):
            os.replace(real / f"{number:0200}", real / f"renamed {number}")
        names += [entry.name for entry in found]
    assert len(names) == len(set(names))
    assert {f"{number:0200}" for number in range(FILES // 2)} <= set(names)

    def reads_all() -> bool:
        stream.rewind()
        return len(stream.read()) == FILES + 2

    eventually(reads_all)
    stream.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_what_is_mounted_over_a_file_is_shown(shown: Path, real: Path) -> None:
    (real / "below").write_text("below")
    (real.parent / "above").write_text("what lies above")
    eventually(lambda: os.listdir(shown) == ["below"])
    subprocess.run(["mount", "--bind", str(real.parent / "above"), str(real / "below")], check=True)
    try:
        eventually(lambda: os.listdir(shown) == ["below"] and (shown / "below").read_text() == "what lies above")
    finally:
        # The kernel tells the mount after `close` has returned that a file is closed: it is in use for a moment more.
        eventually(lambda: subprocess.run(["umount", str(real / "below")], check=False).returncode == 0)
    eventually(lambda: os.listdir(shown) == ["below"] and (shown / "below").read_text() == "below")


@needs_root
def test_the_kernel_forgets_as_often_as_it_was_told(mount: MountProcess, shown: Path, real: Path) -> None:
    make_all_kinds(real)
    for number in range(FILES):
        (real / f"{number:0100}").touch()
    before = inode_count(mount)

    def list_all() -> None:
        for entry in os.scandir(shown):
            entry.stat(follow_symlinks=False)

    for _ in range(5):
        with kept_caches():
            for _ in range(3):
                list_all()
            with contextlib.suppress(OSError):
                os.rename(shown / f"{0:0100}", shown / "renamed")
            (shown / f"{1:0100}").read_bytes()
            known(mount, before + FILES, list_all)
        forget(mount, before + 2)
    assert len(os.listdir(shown)) == len(os.listdir(real))
    assert "more often" not in mount.log
    assert "Traceback" not in mount.log


def test_a_mount_ends_while_it_is_listed(mount: MountProcess, shown: Path, real: Path) -> None:
    for number in range(FILES):
        (real / f"{number:0100}").touch()
    ended = threading.Event()

    def list_on() -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                os.listdir(shown)

    threads = [threading.Thread(target=list_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert mount.stop() == 0, mount.log
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert "Traceback" not in mount.log


@pytest.mark.slow
@needs_root
def test_a_large_listing_asks_for_nothing_and_takes_little_memory(mount: MountProcess, shown: Path, real: Path) -> None:
    for number in range(MANY):
        (real / f"file {number:06}.txt").touch()
    before = inode_count(mount) + 10
    known, left = [], []
    for _ in range(3):
        with kept_caches():
            with os.scandir(shown) as found:
                assert sum(1 for entry in found if entry.stat().st_size == 0) == MANY
            assert inode_count(mount) >= MANY
            known.append(resident_bytes(mount))
        forget(mount, before)
        left.append(resident_bytes(mount))
    # A record that is not forgotten takes a hundred bytes each time. How memory is laid out changes at first.
    assert left[-1] - left[-2] < MANY * 60, (known, left)
    names = [known_bytes - left_bytes for known_bytes, left_bytes in zip(known, left, strict=True)]
    assert max(names) < MANY * MAX_BYTES_A_NAME, (known, left)
    assert "more often" not in mount.log
