"""Listings of small directories that are read before Python opens them: they show what is there, and what changes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from magicfs.fuse.watched_directory import QUIET_SECONDS
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.kernel_caches import kept_caches, needs_root
from tests.plugins.waiting import eventually

DIRECTORIES = 40
VOUCHED_SECONDS = 60.0
SEEN_SECONDS = 20.0
"""What is seen later was kept although nobody watched it."""


@pytest.fixture(autouse=True)
def _vouch_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_VOUCHED_SECONDS", str(VOUCHED_SECONDS))


@pytest.fixture
def real(root: IndexedRoot) -> Path:
    """Directories in which nothing has happened for a while."""
    for number in range(DIRECTORIES):
        (root.path / f"d/{number}/sub").mkdir(parents=True)
        (root.path / f"d/{number}/file").write_text("roses")
    time.sleep(QUIET_SECONDS + 0.1)
    return root.path / "d"


@pytest.fixture
def shown(real: Path, mirror: Path) -> Path:
    """The directories in the mount, which have been listed as a whole, but none of them."""
    eventually(lambda: len(os.listdir(mirror / real.name)) == DIRECTORIES)
    return mirror / real.name


def sizes(directory: Path) -> dict[str, int]:
    with os.scandir(directory) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}


@contextmanager
def seen_in_time() -> Iterator[None]:
    before = time.monotonic()
    yield
    assert time.monotonic() - before < SEEN_SECONDS


def test_what_changes_on_the_disk_after_the_first_listing_is_seen(shown: Path, real: Path) -> None:
    for number in range(DIRECTORIES):
        assert sizes(shown / str(number)) == {"file": 5}
    with seen_in_time():
        for number in range(DIRECTORIES):
            (real / str(number) / "file").write_text("violets")
        for number in range(DIRECTORIES):
            eventually(lambda number=number: (shown / str(number) / "file").stat().st_size == 7)
            (real / str(number) / "file").unlink()
            (real / str(number) / "new").write_text("")
            assert os.listdir(shown / str(number)) in (["new", "sub"], ["sub", "new"])
            eventually(lambda number=number: not (shown / str(number) / "file").exists())


def test_each_listing_has_what_was_made_before(shown: Path, real: Path) -> None:
    for number in range(DIRECTORIES):
        maker = (real, shown)[number % 2]
        (maker / str(number) / "before").write_text("text")
        (maker / str(number) / "file").unlink()
        assert sizes(shown / str(number)) == {"before": 4}
        (maker / str(number) / "before").rename(maker / str(number) / "after")
        assert sizes(shown / str(number)) == {"after": 4}


def test_a_directory_in_the_place_of_another_one_is_shown(shown: Path, real: Path) -> None:
    for number in range(0, DIRECTORIES, 2):
        (real / str(number)).rename(real / "old")
        (real / str(number + 1)).rename(real / str(number))
        (real / str(number) / "file").write_text("violets")
        eventually(lambda number=number: sizes(shown / str(number)) == {"file": 7})
        (real / "old").rename(real / str(number + 1))
        eventually(lambda number=number: sizes(shown / str(number + 1)) == {"file": 5})


@needs_root
def test_what_is_mounted_in_it_or_over_it_is_shown(shown: Path, real: Path) -> None:
    for place in (real / "1/sub", real / "2"):
        subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
    try:
        (real / "2/other").write_text("text")
        (real / "1/sub/other").write_text("text")
        eventually(lambda: sizes(shown / "2") == {"other": 4})
        with os.scandir(shown / "1") as entries:
            found = {entry.name: entry.stat().st_mtime_ns for entry in entries}
        assert found == {name: (real / "1" / name).stat().st_mtime_ns for name in ("file", "sub")}
    finally:
        for place in (real / "1/sub", real / "2"):
            subprocess.run(["umount", "-l", str(place)], check=True)
    eventually(lambda: sizes(shown / "2") == {"file": 5})


def test_the_mount_watches_each_directory_once(mount: MountProcess, shown: Path) -> None:
    def watches() -> int:
        for _ in range(3):
            for number in range(DIRECTORIES):
                os.listdir(shown / str(number))
        assert mount.process is not None
        folder = Path(f"/proc/{mount.process.pid}/fdinfo")
        lines = [line for file in folder.iterdir() for line in file.read_text().splitlines()]
        return sum(line.startswith("inotify") for line in lines)

    # One that the kernel forgets meanwhile, as it does when memory is short, is not watched until it is listed again.
    with kept_caches():
        eventually(lambda: watches() > DIRECTORIES)
        assert watches() <= DIRECTORIES + 3
    assert "Traceback" not in mount.log
