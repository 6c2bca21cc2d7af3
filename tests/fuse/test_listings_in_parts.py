"""Listings that are read in parts: from any position, by several programs, and while the directory changes or goes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.fuse.watched_directory import QUIET_SECONDS
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import forget, inode_count
from tests.plugins.kernel_caches import needs_root
from tests.plugins.waiting import eventually

FILES = 700
"""More than are read together, and more than there is room for in one reply."""
PART_BYTES = 32_768
SMALLEST_PART_BYTES = 280
"""One name of the longest ones."""
_ENTRY = struct.Struct("=QqHB")


class OpenListing:
    """An open directory that is read by the system call, which knows no buffer of a library."""

    def __init__(self, path: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def part(self, size: int = PART_BYTES) -> list[tuple[str, int]]:
        """The next names, each with the position that follows it; none at the end."""
        buffer = ctypes.create_string_buffer(size)
        end = self._libc.getdents64(self.descriptor, buffer, size)
        if end < 0:
            raise OSError(ctypes.get_errno(), "getdents64")
        entries, first = [], 0
        while first < end:
            _, position, length, _ = _ENTRY.unpack_from(buffer, first)
            name = buffer.raw[first + _ENTRY.size : first + length].split(b"\0")[0]
            entries.append((os.fsdecode(name), position))
            first += length
        return entries

    def rest(self, size: int = PART_BYTES) -> Iterator[tuple[str, int]]:
        while entries := self.part(size):
            yield from entries

    def names(self, size: int = PART_BYTES) -> list[str]:
        """The rest of the names, but for those of the directory and the one above."""
        return [name for name, _ in self.rest(size) if name not in {".", ".."}]

    def seek(self, position: int) -> None:
        os.lseek(self.descriptor, position, os.SEEK_SET)

    def close(self) -> None:
        os.close(self.descriptor)


@pytest.fixture
def real(root: IndexedRoot) -> Path:
    directory = root.path / "d"
    directory.mkdir()
    for number in range(FILES):
        (directory / f"{number:0200}").touch()
    for number in range(0, FILES, 50):
        (directory / f"{number:0200} directory").mkdir()
    return directory


@pytest.fixture
def shown(mirror: Path, real: Path) -> Path:
    eventually((mirror / real.name).exists)
    return mirror / real.name


@pytest.fixture
def listing(shown: Path) -> Iterator[OpenListing]:
    listing = OpenListing(shown)
    yield listing
    listing.close()


def remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()


def test_it_goes_on_from_each_position(listing: OpenListing) -> None:
    entries = list(listing.rest())
    for index in (0, 1, 2, 3, 17, 255, 256, 257, 258, 259, 400, len(entries) - 2, len(entries) - 1, 100):
        listing.seek(entries[index][1])
        assert list(listing.rest()) == entries[index + 1 :]
    listing.seek(entries[300][1])
    time.sleep(REAL_FILE_TIMEOUT_SECONDS + 0.1)
    assert list(listing.rest()) == entries[301:]


@pytest.mark.parametrize("size", [SMALLEST_PART_BYTES, 1000])
def test_it_comes_in_parts_of_any_size(listing: OpenListing, real: Path, size: int) -> None:
    assert sorted(listing.names(size)) == sorted(os.listdir(real))


@pytest.mark.parametrize("count", [5, 300])
@pytest.mark.parametrize("is_read_whole", [True, False])
def test_a_rewound_listing_has_nothing_of_the_one_before(
    shown: Path, real: Path, count: int, *, is_read_whole: bool
) -> None:
    """Names that are new, and sorted first, move the others to later positions."""
    for path in sorted(real.iterdir())[count:]:
        remove(path)
    listing = OpenListing(shown)
    for number in range(5):
        if is_read_whole:
            listing.names()
        else:
            listing.part(1000)
        (real / f"!{99 - number:0199}").touch()
        if number + 1 < count - 1:
            (real / f"{number + 1:0200}").rename(real / f"~{number}")
        listing.seek(0)
        assert sorted(listing.names()) == sorted(os.listdir(real))
        listing.seek(0)
    listing.close()


def test_two_programs_read_it_by_turns(listing: OpenListing, shown: Path, real: Path) -> None:
    other = OpenListing(shown)
    names: dict[OpenListing, list[str]] = {listing: [], other: []}
    sizes = {listing: 700, other: 5000}
    waiting = [listing, other]
    while waiting:
        for one in tuple(waiting):
            part = one.part(sizes[one])
            names[one] += [name for name, _ in part if name not in {".", ".."}]
            if not part:
                waiting.remove(one)
    other.close()
    assert sorted(names[listing]) == sorted(names[other]) == sorted(os.listdir(real))


def test_two_threads_read_one_together(listing: OpenListing, real: Path) -> None:
    found: list[list[str]] = [[], [], []]
    threads = [threading.Thread(target=lambda names=names: names.extend(listing.names(2000))) for names in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for names in found for name in names) == sorted(os.listdir(real))


@needs_root
def test_names_that_vanish_meanwhile_are_left_out_and_counted_by_nobody(
    mount: MountProcess, shown: Path, real: Path
) -> None:
    before = inode_count(mount)
    for first in range(0, 500, 100):
        listing = OpenListing(shown)
        names = [name for name, _ in listing.part(1000)]
        gone = [f"{number:0200}" for number in range(first + 10, first + 100)]
        for name in gone[::2]:
            (real / name).unlink()
        for name in gone[1::2]:
            (shown / name).unlink()
        names += listing.names()
        listing.close()
        assert len(names) == len(set(names))
        assert set(os.listdir(real)) <= set(names)
        eventually(lambda: sorted(os.listdir(shown)) == sorted(os.listdir(real)))
    forget(mount, before + 2)
    assert "more often" not in mount.log
    assert "Traceback" not in mount.log


@needs_root
@pytest.mark.parametrize("size", [1000, PART_BYTES])
def test_a_directory_that_goes_while_it_is_listed_loses_no_name_of_a_reply(
    mount: MountProcess, shown: Path, real: Path, size: int
) -> None:
    """An error amid a reply comes with the next one: the kernel must get what it was told of."""
    before = inode_count(mount)
    for _ in range(3):
        # The kernel keeps no listing of what has changed just now.
        os.utime(real)
        listing = OpenListing(shown)
        names = [name for name, _ in listing.part(size)]
        real.rename(real.parent / "away")
        try:
            with pytest.raises(OSError):
                while part := listing.part(size):
                    names += [name for name, _ in part]
        finally:
            (real.parent / "away").rename(real)
        assert len(names) == len(set(names))
        assert set(names) <= {".", "..", *os.listdir(real)}
        eventually(lambda: shown.exists() and len(os.listdir(shown)) == len(os.listdir(real)))
        names += listing.names()
        assert sorted({*names} - {".", ".."}) == sorted(os.listdir(real))
        assert len(names) == len(set(names))
        listing.close()
    forget(mount, before + 2)
    assert "more often" not in mount.log
    assert "Traceback" not in mount.log


def test_a_directory_that_was_removed_ends_or_fails(mount: MountProcess, shown: Path, real: Path) -> None:
    listing = OpenListing(shown)
    names = [name for name, _ in listing.part(1000)]
    for path in real.iterdir():
        remove(path)
    real.rmdir()
    with contextlib.suppress(OSError):
        names += listing.names()
    assert len(names) == len(set(names))
    listing.close()
    eventually(lambda: not shown.exists())
    assert "Traceback" not in mount.log


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_file_system_that_is_mounted_meanwhile_is_shown(shown: Path, real: Path) -> None:
    below = real / f"{600:0200} directory"
    listing = OpenListing(shown)
    names = [name for name, _ in listing.part(1000)]
    subprocess.run(["mount", "-t", "tmpfs", "none", str(below)], check=True)
    try:
        (below / "on tmpfs").touch()
        names += listing.names()
        assert sorted({*names} - {".", ".."}) == sorted(os.listdir(real))
        eventually(lambda: os.listdir(shown / below.name) == ["on tmpfs"])
        assert (shown / below.name / "on tmpfs").stat().st_size == 0
        assert sorted(os.listdir(shown)) == sorted(os.listdir(real))
    finally:
        # The kernel tells the mount after `close` has returned that a directory is closed.
        eventually(lambda: subprocess.run(["umount", str(below)], check=False).returncode == 0)
    listing.close()
    eventually(lambda: os.listdir(shown / below.name) == [])


def test_what_programs_have_open_is_shown_as_it_is(listing: OpenListing, shown: Path, real: Path) -> None:
    names = [f"{number:0200}" for number in range(0, FILES, 7)]
    files = [(shown / name).open("r+b", buffering=0) for name in names]
    try:
        for length in (1, 10_000, 5):
            for name, file in zip(names, files, strict=True):
                file.seek(0)
                file.truncate(0)
                file.write(b"x" * length)
                assert (shown / name).stat().st_size == length
            listing.seek(0)
            assert sorted(listing.names()) == sorted(os.listdir(real))
            for name, file in zip(names, files, strict=True):
                assert os.stat(shown / name).st_size == os.fstat(file.fileno()).st_size == length
                assert (shown / name).read_bytes() == b"x" * length
    finally:
        for file in files:
            file.close()


@pytest.fixture
def small(shown: Path, real: Path) -> Path:
    """A small directory in the mount, in which nothing has happened for a while."""
    (real.parent / "small").mkdir()
    (real.parent / "small/a").write_text("roses")
    eventually((shown.parent / "small").exists)
    time.sleep(QUIET_SECONDS + 0.1)
    return shown.parent / "small"


def test_a_change_on_the_disk_after_a_directory_was_opened_is_seen_as_soon_as_ever(small: Path, real: Path) -> None:
    listing = OpenListing(small)
    (real.parent / "small/a").write_text("roses and lilies")
    assert listing.names() == ["a"]
    listing.close()
    time.sleep(REAL_FILE_TIMEOUT_SECONDS + 0.1)
    assert (small / "a").stat().st_size == len("roses and lilies")


def test_a_change_in_the_mount_after_a_directory_was_opened_is_seen_at_once(small: Path) -> None:
    listing = OpenListing(small)
    (small / "a").write_text("roses and lilies")
    (small / "a").chmod(0o600)
    (small / "b").touch()
    assert listing.names() == ["a", "b"]
    listing.close()
    found = (small / "a").stat()
    assert (found.st_size, found.st_mode & 0o777) == (len("roses and lilies"), 0o600)
