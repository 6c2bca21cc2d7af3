"""Which inode a file has: one for all its names and places, never that of another file."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest

from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import forget, inode_count, known
from tests.plugins.kernel_caches import kept_caches, needs_root


def test_hard_links_are_one_inode_with_one_page_cache(mirror: Path, root: IndexedRoot) -> None:
    (root.path / "a").write_bytes(b"hello")
    os.link(root.path / "a", root.path / "b")
    first, second = (mirror / "a").stat(), (mirror / "b").stat()
    assert (first.st_ino, first.st_nlink) == (second.st_ino, second.st_nlink)
    assert first.st_nlink == 2
    with (
        (mirror / "a").open("r+b") as a,
        (mirror / "b").open("r+b") as b,
        mmap.mmap(a.fileno(), 0) as one,
        mmap.mmap(b.fileno(), 0) as other,
    ):
        one[:2] = b"HE"
        assert other[:] == b"HEllo"
    (mirror / "a").unlink()
    assert (mirror / "b").read_bytes() == b"HEllo"
    assert (mirror / "b").stat().st_nlink == 1


def test_a_mapped_file_is_written_after_another_has_taken_its_name(mirror: Path, root: IndexedRoot) -> None:
    (mirror / "a").write_bytes(b"first one")
    with (mirror / "a").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        (mirror / "new").write_bytes(b"second")
        (mirror / "a").rename(mirror / "old")
        (mirror / "new").rename(mirror / "a")
        mapped[:5] = b"FIRST"
        mapped.flush()
        assert (root.path / "old").read_bytes() == b"FIRST one"
        assert (mirror / "a").read_bytes() == b"second"
        (root.path / "other").write_bytes(b"third")
        (root.path / "other").rename(root.path / "old")
        mapped[:5] = b"gone!"
        mapped.flush()
    assert (root.path / "old").read_bytes() == (mirror / "old").read_bytes() == b"third"


def test_no_number_is_used_for_another_file(mirror: Path) -> None:
    """ext4 uses the number of a deleted file for the next one."""
    seen = set()
    for number in range(100):
        path = mirror / "a"
        path.write_text(str(number))
        seen.add(path.stat().st_ino)
        path.unlink()
    assert len(seen) == 100
    for _ in range(100):
        (mirror / "directory").mkdir()
        seen.add((mirror / "directory").stat().st_ino)
        (mirror / "directory").rmdir()
    assert len(seen) == 200


def test_a_file_keeps_its_number(mount: MountProcess, mirror: Path, root: IndexedRoot) -> None:
    """Git takes a file for changed whose number is another one."""
    (mirror / "a").write_text("a")
    (mirror / "directory").mkdir()
    before = [(mirror / name).stat().st_ino for name in ("a", "directory")]
    (root.path / "a").rename(root.path / "b")
    (root.path / "b").write_text("changed")
    assert (mirror / "b").stat().st_ino == before[0]
    mount.stop()
    mount.start()
    assert [(mirror / name).stat().st_ino for name in ("b", "directory")] == before


def test_a_renamed_directory_keeps_what_is_in_it(mirror: Path, root: IndexedRoot) -> None:
    (mirror / "a/b").mkdir(parents=True)
    (mirror / "a/b/file").write_text("text")
    directory = os.open(mirror / "a/b", os.O_RDONLY)
    file = os.open(mirror / "a/b/file", os.O_RDWR)
    try:
        (mirror / "a").rename(mirror / "c")
        (mirror / "a").mkdir()
        assert os.stat("file", dir_fd=directory).st_size == 4
        os.close(os.open("made", os.O_CREAT | os.O_WRONLY, dir_fd=directory))
        os.rename("file", "renamed", src_dir_fd=directory, dst_dir_fd=directory)
        os.write(file, b"TEXT and more")
        os.fchmod(file, 0o600)
    finally:
        os.close(directory)
        os.close(file)
    assert sorted(os.listdir(root.path / "c/b")) == ["made", "renamed"]
    assert (root.path / "c/b/renamed").read_text() == "TEXT and more"
    assert (mirror / "c/b/renamed").stat().st_mode & 0o777 == 0o600
    assert os.listdir(root.path / "a") == []


def test_a_directory_that_another_program_renames_is_found_again(mirror: Path, root: IndexedRoot) -> None:
    (root.path / "a/b").mkdir(parents=True)
    (root.path / "a/b/file").write_text("text")
    before = (mirror / "a/b/file").stat().st_ino
    (root.path / "a").rename(root.path / "c")
    (root.path / "a").mkdir()
    assert (mirror / "c/b/file").stat().st_ino == before
    with pytest.raises(FileNotFoundError):
        (mirror / "a/b/file").read_text()
    (mirror / "c/b/file").write_text("changed")
    assert (root.path / "c/b/file").read_text() == "changed"


def test_an_open_file_without_a_name_can_be_changed(mirror: Path, root: IndexedRoot) -> None:
    with (mirror / "a").open("w+b", buffering=0) as file:
        file.write(b"hello")
        (mirror / "a").unlink()
        (mirror / "a").write_text("another file")
        os.fchmod(file.fileno(), 0o600)
        os.utime(file.fileno(), ns=(10**18, 2 * 10**18))
        os.ftruncate(file.fileno(), 2)
        os.setxattr(file.fileno(), "user.note", b"1")
        status = os.fstat(file.fileno())
        assert (status.st_size, status.st_mode & 0o777, status.st_nlink) == (2, 0o600, 0)
        assert os.getxattr(file.fileno(), "user.note") == b"1"
        assert os.pread(file.fileno(), 10, 0) == b"he"
    assert (root.path / "a").read_text() == "another file"
    assert os.listxattr(root.path / "a") == []


def test_a_result_is_not_the_file_that_has_taken_its_place(mount: MountProcess, root: IndexedRoot) -> None:
    """The listing comes from the index, which does not know yet that the file was replaced."""
    root.add("a.txt", "roses")
    (root.path / "new.txt").write_text("tulips")
    (root.path / "new.txt").rename(root.path / "a.txt")
    (name,) = mount.result_names("roses")
    entry = mount.query_path("roses") / name
    assert entry.read_text() == "tulips"
    assert entry.stat().st_ino == (mount.path / "mirror/documents/a.txt").stat().st_ino


@needs_root
def test_what_the_kernel_forgets_is_what_it_was_told(mount: MountProcess, mirror: Path, root: IndexedRoot) -> None:
    """A count that is too low would drop a node in use, one that is too high would keep it for ever."""
    forget(mount, 5)
    before = inode_count(mount)
    for number in range(60):
        directory = mirror / f"directory {number}"
        directory.mkdir()
        (directory / "a").write_text("roses")
        os.link(directory / "a", directory / "b")
        (directory / "link").symlink_to("a")
        os.mkfifo(directory / "fifo")
        (directory / "a").rename(directory / "c")
        if number % 3 == 0:
            (directory / "c").unlink()
            (directory / "b").unlink()
        directory.rename(mirror / f"renamed {number}")
    for number in range(300):
        (root.path / f"{number}.txt").write_text("tulips")
    root.add("indexed.txt", "roses")

    def look_up() -> None:
        mount.result_names("roses")
        for path in mirror.rglob("*"):
            path.lstat()
            path.lstat()
        with os.scandir(mirror) as entries:
            next(entries)

    with kept_caches():
        for _ in range(3):
            look_up()
        known(mount, 500, look_up)
    forget(mount, before)
    assert "forgets inode" not in mount.log
    assert len(list(mirror.rglob("*"))) > 500
