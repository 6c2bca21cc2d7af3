"""Files that are opened without Python (`fastpath/known_files.c`): as long as they are as Python has seen them."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from magicfs.fuse.watched_directory import QUIET_SECONDS
from tests.fuse.assertions import assert_without_python, python_cpu_seconds, raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.kernel_caches import drop_caches, kept_caches, needs_root
from tests.plugins.waiting import eventually

OPENED_FIRST = 2
"""Openings until Python has nothing to decide any more, and one after that."""
OPENINGS = 500


@pytest.fixture
def opened(mirror: Path, root: IndexedRoot) -> Path:
    """A file below a directory that is opened without Python by now."""
    (root.path / "d").mkdir()
    (root.path / "d/a").write_text("roses")
    path = mirror / "d/a"
    for _ in range(OPENED_FIRST):
        assert path.read_text() == "roses"
    return path


@pytest.fixture
def real(opened: Path, root: IndexedRoot) -> Path:
    """Where it lies on the disk."""
    return root.path / "d/a"


def descriptors(mount: MountProcess) -> list[str]:
    """What the mount has open below the root."""
    return [path for path in mount.open_files if path.endswith(("/d/a", "(deleted)"))]


def test_python_has_nothing_to_do_with_most_of_them(mount: MountProcess, opened: Path) -> None:
    def open_often() -> None:
        for _ in range(OPENINGS):
            os.close(os.open(opened, os.O_RDONLY))

    # Each request for Python takes some 50 microseconds, and an opening would be two.
    assert_without_python(mount, open_often, seconds=OPENINGS * 25e-6)


def test_their_descriptors_are_closed(mount: MountProcess, opened: Path) -> None:
    eventually(lambda: not descriptors(mount))
    files = [os.open(opened, os.O_RDONLY) for _ in range(20)]
    assert len(descriptors(mount)) == len(files)
    for file in files:
        os.close(file)
    eventually(lambda: not descriptors(mount))


def replace(path: Path) -> None:
    (path.parent / "new").write_text("lilac")
    os.replace(path.parent / "new", path)


def write_in_place(path: Path) -> None:
    """Size and time stay, as with `rsync --inplace --times`."""
    status = path.stat()
    path.write_text("lilac")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def append_and_cut(path: Path) -> None:
    with path.open("r+") as file:
        file.write("lilacs and more")
        file.truncate(5)


def rename_the_directory(path: Path) -> None:
    directory = path.parent
    directory.rename(directory.with_name("e"))
    directory.mkdir()
    path.write_text("lilac")


@pytest.mark.parametrize("change", [replace, write_in_place, append_and_cut, rename_the_directory])
@pytest.mark.parametrize("is_on_disk", [True, False])
def test_a_change_is_seen(
    mirror: Path, opened: Path, real: Path, change: Callable[[Path], None], *, is_on_disk: bool
) -> None:
    change(real if is_on_disk else opened)

    def is_seen() -> bool:
        try:
            return opened.read_text() == "lilac"
        except OSError:
            return False

    # The kernel keeps names for a second.
    eventually(is_seen)
    for _ in range(OPENED_FIRST):
        assert opened.read_text() == "lilac"


def test_an_open_inode_whose_place_has_another_file_is_stale(opened: Path, real: Path) -> None:
    handle = os.open(opened, os.O_PATH)
    replace(real)
    try:
        with raises_errno(errno.ESTALE):
            os.open(f"/proc/self/fd/{handle}", os.O_RDONLY)
    finally:
        os.close(handle)


def test_a_link_in_its_place_is_not_followed(opened: Path, real: Path, root: IndexedRoot) -> None:
    handle = os.open(opened, os.O_PATH)
    real.rename(root.path / "elsewhere")
    real.symlink_to(root.path / "elsewhere")
    try:
        with raises_errno(errno.ESTALE):
            os.open(f"/proc/self/fd/{handle}", os.O_RDONLY)
    finally:
        os.close(handle)


def test_a_file_that_is_deleted_is_gone_at_once(opened: Path, real: Path) -> None:
    real.unlink()
    with raises_errno(errno.ENOENT):
        opened.read_text()


@pytest.mark.parametrize("is_on_disk", [True, False])
def test_a_file_without_a_name_stays_that_of_who_has_it_open(opened: Path, real: Path, *, is_on_disk: bool) -> None:
    """It has no place any more: Python asks for the open file, and opens it once more."""
    with opened.open() as file:
        (real if is_on_disk else opened).unlink()
        assert os.fstat(file.fileno()).st_size == 5
        os.fsync(file.fileno())
        if not is_on_disk:
            with open(f"/proc/self/fd/{file.fileno()}") as again:
                assert again.read() == "roses"
        assert file.read() == "roses"


def test_a_request_for_python_with_such_a_file(mount: MountProcess, opened: Path) -> None:
    for _ in range(3):
        with opened.open() as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            assert file.read() == "roses"
    eventually(lambda: not descriptors(mount))


def test_other_modes(opened: Path, real: Path) -> None:
    with opened.open("a") as file:
        file.write(" and lilac")
    assert opened.read_text() == real.read_text() == "roses and lilac"
    os.close(os.open(opened, os.O_RDONLY | os.O_TRUNC))
    assert opened.read_text() == real.read_text() == ""
    for _ in range(OPENED_FIRST):
        with opened.open("r+") as file:
            file.write("lilac")
        assert opened.read_text() == real.read_text() == "lilac"


def test_a_renamed_directory_takes_it_along(mirror: Path, opened: Path) -> None:
    (mirror / "d").rename(mirror / "e")
    for _ in range(OPENED_FIRST):
        assert (mirror / "e/a").read_text() == "roses"
    with raises_errno(errno.ENOENT):
        opened.read_text()


@needs_root
def test_after_the_kernel_has_forgotten_it(mount: MountProcess, opened: Path, real: Path) -> None:
    for _ in range(3):
        drop_caches()
        for _ in range(OPENED_FIRST):
            assert opened.read_text() == "roses"
    replace(real)
    drop_caches()
    eventually(lambda: opened.read_text() == "lilac")
    assert "more often than it was told" not in mount.log


def test_a_file_that_was_listed_is_opened_without_python_the_first_time(
    mount: MountProcess, mirror: Path, root: IndexedRoot
) -> None:
    costs: list[float] = []
    # On a busy machine openings take so long that the kernel looks names up again: then it is tried again.
    while not costs or (costs[-1] >= OPENINGS * 25e-6 and len(costs) < 5):
        directory = root.path / f"many{len(costs)}"
        directory.mkdir()
        for number in range(OPENINGS):
            (directory / f"{number}").write_text(f"rose {number}")
        # What has changed shortly before is kept by nobody.
        time.sleep(QUIET_SECONDS)
        with kept_caches():
            paths = [entry.path for entry in os.scandir(mirror / directory.name)]
            before = python_cpu_seconds(mount)
            for path in paths:
                os.close(os.open(path, os.O_RDONLY))
            costs.append(python_cpu_seconds(mount) - before)
    assert costs[-1] < OPENINGS * 25e-6, costs
    assert {Path(path).read_text() for path in paths} == {f"rose {number}" for number in range(OPENINGS)}


@pytest.mark.parametrize("change", [replace, write_in_place])
def test_a_change_before_the_first_opening_is_seen(
    mirror: Path, root: IndexedRoot, change: Callable[[Path], None]
) -> None:
    (root.path / "d").mkdir()
    (root.path / "d/a").write_text("roses")
    time.sleep(QUIET_SECONDS)
    for shown in (mirror / "d", mirror / "d/a"):
        shown.stat()
    assert os.listdir(mirror / "d") == ["a"]
    change(root.path / "d/a")
    eventually(lambda: (mirror / "d/a").read_text() == "lilac")
    (root.path / "d/a").write_text("roses")
    eventually(lambda: (mirror / "d/a").read_text() == "roses")


def test_attributes_after_reading_need_no_python(mount: MountProcess, opened: Path, real: Path) -> None:
    """The kernel asks for them anew, since reading changes the time of access."""

    def read_and_look() -> None:
        with opened.open("rb", buffering=0) as file:
            for _ in range(OPENINGS):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                os.pread(file.fileno(), 1, 0)
                os.fstat(file.fileno())

    assert_without_python(mount, read_and_look, seconds=OPENINGS * 25e-6)
    shown, status = opened.stat(), real.stat()
    names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks", "st_mtime_ns", "st_ctime_ns")
    assert [getattr(shown, name) for name in names] == [getattr(status, name) for name in names]
    assert shown.st_blksize == Path(opened.parent / "..").stat().st_blksize


@pytest.mark.parametrize("change", [replace, write_in_place, append_and_cut, partial(os.chmod, mode=0o600), os.unlink])
def test_attributes_of_a_file_that_has_changed(opened: Path, real: Path, change: Callable[[Path], None]) -> None:
    opened.stat()
    change(real)

    def is_seen() -> bool:
        if not real.exists():
            return not opened.exists()
        shown, status = opened.stat(), real.stat()
        return (shown.st_mode, shown.st_size, shown.st_ctime_ns) == (status.st_mode, status.st_size, status.st_ctime_ns)

    eventually(is_seen)
