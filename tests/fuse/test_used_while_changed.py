"""What programs use in the mirror while it is renamed, replaced or removed: as on the disk, it stays what it was."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.plugins.waiting import eventually

SECONDS = 2.0
"""Long enough for thousands of renames."""


@pytest.fixture
def small_disk(mount: MountProcess, database: Database, tmp_path: Path) -> Iterator[Path]:
    """A root on a file system with a megabyte."""
    path = tmp_path / "small"
    path.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], check=False).returncode:
        pytest.skip("only root can mount a small file system")
    try:
        IndexedRoot(database, path, host=HOST, name="small")
        eventually((mount.path / "mirror/small").exists)
        yield mount.path / "mirror/small"
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def errors_while(changes: Callable[[], object], *uses: Callable[[], object]) -> Counter[str]:
    """The errors that uses raise, each in a thread, while changes happen all the time."""
    ends_at = time.monotonic() + SECONDS
    errors: Counter[str] = Counter()

    def repeat(action: Callable[[], object]) -> None:
        while time.monotonic() < ends_at:
            try:
                action()
            except OSError as error:
                errors[errno.errorcode[error.errno or 0]] += 1

    threads = [threading.Thread(target=repeat, args=(action,)) for action in (changes, *uses)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_a_file_that_is_replaced_all_the_time_can_be_read_all_the_time(mirror: Path) -> None:
    path = mirror / "state"
    path.write_bytes(b"x" * 100)

    def replace() -> None:
        (mirror / "new").write_bytes(b"y" * 100)
        (mirror / "new").replace(path)

    def read() -> None:
        assert len(path.read_bytes()) == 100

    assert not errors_while(replace, read, path.stat, lambda: os.access(path, os.R_OK))


def test_a_directory_that_is_moved_all_the_time_can_be_worked_in(mirror: Path) -> None:
    (mirror / "a/x/y").mkdir(parents=True)
    directory = os.open(mirror / "a/x/y", os.O_RDONLY)

    def move() -> None:
        (mirror / "a/x").rename(mirror / "b")
        (mirror / "b").rename(mirror / "a/x")

    def work() -> None:
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=directory))
        assert os.listdir(directory) == ["file"]
        os.rename("file", "other", src_dir_fd=directory, dst_dir_fd=directory)
        os.stat("other", dir_fd=directory)
        os.unlink("other", dir_fd=directory)
        os.mkdir("child", dir_fd=directory)
        os.rmdir("child", dir_fd=directory)

    try:
        assert not errors_while(move, work)
    finally:
        os.close(directory)


def test_an_open_file_that_was_deleted_can_be_opened_again(mirror: Path) -> None:
    for size in (5, 2_000_000):
        (mirror / "a").write_bytes(b"hello".ljust(size, b"-"))
        with (mirror / "a").open("r+b", buffering=0) as file:
            (mirror / "a").unlink()
            again = f"/proc/self/fd/{file.fileno()}"
            with open(again, "r+b", buffering=0) as other:
                other.write(b"HE")
                assert os.pread(file.fileno(), 5, 0) == b"HEllo"
            os.truncate(again, 3)
            os.chmod(again, 0o600)
            assert (os.stat(again).st_size, os.fstat(file.fileno()).st_mode & 0o777) == (3, 0o600)
            with open(again, "wb"):
                assert os.fstat(file.fileno()).st_size == 0


def test_a_file_that_was_found_stays_that_file(mount: MountProcess, mirror: Path) -> None:
    def has_at_most(files: int) -> bool:
        return len(mount.open_files) <= files

    for change in ((mirror / "a").unlink, lambda: (mirror / "b").replace(mirror / "a")):
        (mirror / "b").write_bytes(b"new")
        (mirror / "a").write_bytes(b"old")
        found = os.open(mirror / "a", os.O_PATH)
        before = len(mount.open_files)
        change()
        assert os.fstat(found).st_nlink == 0
        with open(f"/proc/self/fd/{found}", "rb") as file:
            assert file.read() == b"old"
        os.close(found)
        eventually(partial(has_at_most, before))


def test_a_removed_directory_in_which_a_program_stands(mirror: Path) -> None:
    (mirror / "d").mkdir()
    directory = os.open(mirror / "d", os.O_RDONLY)
    (mirror / "d").rmdir()
    assert os.fstat(directory).st_nlink == 0
    assert os.listdir(directory) == []
    os.fsync(directory)
    os.fchmod(directory, 0o700)
    with raises_errno(errno.ENOENT):
        os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=directory)
    # The new one is another directory.
    (mirror / "d").mkdir()
    (mirror / "d/file").write_text("new")
    with raises_errno(errno.ENOENT):
        os.stat("file", dir_fd=directory)
    os.close(directory)


def test_nothing_stays_open_of_what_was_removed(mount: MountProcess, mirror: Path) -> None:
    before = len(mount.open_files)
    for number in range(200):
        (mirror / str(number)).write_text("short lived")
        (mirror / str(number)).unlink()
    # The mount opens connections of its own meanwhile.
    eventually(lambda: len(mount.open_files) < before + 20)


def test_nothing_stays_open_of_what_programs_had_not_found(
    mount: MountProcess, mirror: Path, root: IndexedRoot
) -> None:
    """What takes a name beside the mount, and is removed there while the kernel has what had the name before."""
    makers: list[Callable[[Path], object]] = [Path.touch, lambda path: path.symlink_to("target"), os.mkfifo, Path.mkdir]
    before = len(mount.open_files)
    for number in range(20):
        for make in makers:
            (mirror / "name").unlink(missing_ok=True)
            make(root.path / "name")
            # For a moment the kernel may still have that there is none.
            eventually(partial(os.path.lexists, mirror / "name"))
            make(root.path / "new")
            (root.path / "new").replace(root.path / "name")
            if make is Path.mkdir:
                (mirror / "name").rmdir()
            elif number % 2:
                (mirror / "name").unlink()
            else:
                (mirror / "other").touch()
                (mirror / "other").replace(mirror / "name")
    eventually(lambda: len(mount.open_files) < before + 20)


def test_more_files_can_be_open_than_programs_may_have_by_themselves(
    unstarted_mount: MountProcess, root: IndexedRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most systems allow a process 1,024 open files, unless it asks for more."""
    monkeypatch.setenv("TEST_OPEN_FILES", "128")
    unstarted_mount.start()
    mirror = unstarted_mount.path / "mirror/documents"
    descriptors = [os.open(mirror / str(number), os.O_CREAT | os.O_RDWR) for number in range(300)]
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_write_that_has_no_room_says_how_much_was_written(small_disk: Path) -> None:
    """A program that gets the error alone believes that nothing was written, and writes it again."""
    with (small_disk / "file").open("wb", buffering=0) as file:
        written = 0
        with raises_errno(errno.ENOSPC):
            while True:
                written += os.write(file.fileno(), b"x" * 100_000)
        assert os.fstat(file.fileno()).st_size == written
    (small_disk / "file").unlink()

    def has_room() -> bool:
        try:
            return (small_disk / "other").write_bytes(b"y" * 100_000) == 100_000
        except OSError:
            return False

    # A thread of the mount closes the file, and only that frees its room.
    eventually(has_room)
    assert (small_disk / "other").read_bytes() == b"y" * 100_000
