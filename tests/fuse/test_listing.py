"""How directories are read: rewound, with `.` and `..`, without touching the files; and what `df` shows."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.conftest import MountProcess
from tests.fuse.directory_stream import DirectoryStream
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.plugins.waiting import eventually


@pytest.mark.parametrize(
    "path", ["", "search", "search/roses", ".magic", "mirror", "mirror/documents", "mirror/documents/sub"]
)
def test_a_directory_has_itself_and_its_parent(mount: MountProcess, root: IndexedRoot, path: str) -> None:
    (root.path / "sub").mkdir()
    directory = mount.path / path
    stream = DirectoryStream(directory)
    names = stream.read()
    stream.close()
    parent = directory if not path else directory.parent
    assert list(names)[:2] == [".", ".."]
    assert (names["."], names[".."]) == (directory.stat().st_ino, parent.stat().st_ino)


def test_many_entries_come_once_each(mount: MountProcess, root: IndexedRoot) -> None:
    for number in range(1000):
        (root.path / f"{number:04}-with-a-name-of-some-length.txt").touch()
    stream = DirectoryStream(mount.path / "mirror/documents")
    assert len(stream.read()) == 1002
    stream.close()


def test_a_rewound_directory_is_read_anew(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    mirror, search = DirectoryStream(mount.path / "mirror/documents"), DirectoryStream(mount.query_path("roses"))
    assert len(mirror.read()) == len(search.read()) == 3
    root.add("b.txt", "more roses")

    def reads_anew(stream: DirectoryStream) -> bool:
        stream.rewind()
        return len(stream.read()) == 4

    assert reads_anew(mirror)
    eventually(lambda: reads_anew(search))
    mirror.close()
    search.close()


def test_the_space_is_that_of_the_roots(mount: MountProcess, root: IndexedRoot) -> None:
    there, here = os.statvfs(root.path), os.statvfs(mount.path / "mirror/documents")
    assert here.f_frsize * here.f_blocks == there.f_frsize * there.f_blocks
    assert here.f_bavail * here.f_frsize == pytest.approx(there.f_bavail * there.f_frsize, rel=0.1)
    assert here.f_files == there.f_files
    assert here.f_namemax == 255


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs a second file system")
def test_the_space_is_that_of_the_fullest_file_system(
    mount: MountProcess, root: IndexedRoot, database: Database
) -> None:
    other = IndexedRoot(database, Path(f"/dev/shm/magicfs-test-{os.getpid()}"), host=HOST, name="other")
    try:
        eventually(lambda: "other" in os.listdir(mount.path / "mirror"))

        def is_that_of_the_fullest() -> bool:
            least = min(shutil.disk_usage(path).free for path in (root.path, other.path))
            return shutil.disk_usage(mount.path).free == pytest.approx(least, rel=0.1)

        # The servers of other tests write there too.
        eventually(is_that_of_the_fullest)
    finally:
        other.path.rmdir()


def test_a_mount_without_roots_has_no_space(unstarted_mount: MountProcess, database: Database) -> None:
    unstarted_mount.start()
    assert os.statvfs(unstarted_mount.path).f_blocks == 0
