"""Extended attributes that are read without Python (`fastpath/questions.c`): those of files that Python has seen."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.fuse.assertions import assert_without_python, raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.kernel_caches import needs_root
from tests.plugins.waiting import eventually

ASKED = 500


@pytest.fixture
def real(mirror: Path, root: IndexedRoot) -> Path:
    """A file below a directory that was listed in the mount."""
    (root.path / "d").mkdir()
    (root.path / "d/a").write_text("roses")
    os.setxattr(root.path / "d/a", "user.note", b"red")
    eventually(lambda: sum(entry.stat().st_size for entry in os.scandir(mirror / "d")) == 5)
    return root.path / "d/a"


@pytest.fixture
def shown(real: Path, mirror: Path) -> Path:
    return mirror / "d" / real.name


def test_python_has_nothing_to_do_with_them(mount: MountProcess, shown: Path) -> None:
    assert os.getxattr(shown, "user.note") == b"red"

    def ask() -> None:
        for _ in range(ASKED):
            assert os.getxattr(shown, "user.note") == b"red"
            # As `ls -l` asks for each file.
            with raises_errno(errno.ENODATA):
                os.getxattr(shown, "system.posix_acl_access")
            # As `cp -a` asks for each file.
            assert os.listxattr(shown) == ["user.note"]

    assert_without_python(mount, ask, seconds=ASKED * 50e-6)


def test_python_has_nothing_to_do_with_those_of_directories(mount: MountProcess, shown: Path, real: Path) -> None:
    os.setxattr(real.parent, "user.note", b"tidy")

    def ask() -> None:
        for _ in range(ASKED):
            assert os.getxattr(shown.parent, "user.note") == b"tidy"
            # As `ls -l` asks for each directory.
            with raises_errno(errno.ENODATA):
                os.getxattr(shown.parent, "system.posix_acl_access")

    assert_without_python(mount, ask, seconds=ASKED * 50e-6)
    os.removexattr(shown.parent, "user.note")
    assert os.listxattr(shown.parent) == []
    assert os.getxattr(shown.parent, "user.magicfs.path") == os.fsencode(real.parent)


def test_another_directory_in_the_place_has_its_own(shown: Path, real: Path) -> None:
    directory = os.open(shown.parent, os.O_RDONLY)
    try:
        os.setxattr(real.parent, "user.note", b"old")
        assert os.getxattr(directory, "user.note") == b"old"
        real.parent.rename(real.parent.with_name("elsewhere"))
        real.parent.mkdir()
        os.setxattr(real.parent, "user.note", b"new")
        with raises_errno(errno.ESTALE):
            os.getxattr(directory, "user.note")
    finally:
        os.close(directory)
    eventually(lambda: os.getxattr(shown.parent, "user.note") == b"new")


def test_each_change_is_seen(shown: Path, real: Path) -> None:
    assert os.getxattr(shown, "user.note") == b"red"
    os.setxattr(real, "user.note", b"white")
    assert os.getxattr(shown, "user.note") == b"white"
    os.setxattr(shown, "user.note", b"")
    assert os.getxattr(shown, "user.note") == b""
    os.setxattr(real, "user.other", b"")
    assert sorted(os.listxattr(shown)) == ["user.note", "user.other"]
    os.removexattr(real, "user.note")
    with raises_errno(errno.ENODATA):
        os.getxattr(shown, "user.note")
    os.removexattr(shown, "user.other")
    assert os.listxattr(shown) == []


def test_a_value_of_any_size(shown: Path, real: Path) -> None:
    value = os.urandom(2000)
    os.setxattr(real, "user.note", value)
    assert os.getxattr(shown, "user.note") == value


def test_those_of_the_index_are_left_to_python(shown: Path) -> None:
    assert os.getxattr(shown, "user.magicfs.path").endswith(b"/d/a")


@needs_root
def test_capabilities_are_not_shown(shown: Path, real: Path) -> None:
    os.setxattr(real, "security.capability", bytes.fromhex("01000002" + "00" * 16))
    for path in (shown, shown.parent, shown.parent.parent.parent):
        with raises_errno(errno.ENODATA):
            os.getxattr(path, "security.capability")
    assert os.listxattr(shown) == ["user.note"]


@pytest.mark.skipif(Path("/sys/fs/selinux").exists(), reason="the kernel answers by itself")
def test_a_label_is_shown_and_a_missing_one_says_that_there_are_none(shown: Path, real: Path) -> None:
    (real.parent / "link").symlink_to("a")
    # By the library, and by Python.
    for path in (shown, shown.parent, shown.parent / "link", shown.parent.parent.parent):
        with raises_errno(errno.EOPNOTSUPP):
            os.getxattr(path, "security.selinux", follow_symlinks=False)
    if os.geteuid() == 0:
        for path in (real, real.parent):
            os.setxattr(path, "security.selinux", b"system_u:object_r:etc_t:s0")
        for path in (shown, shown.parent):
            assert os.getxattr(path, "security.selinux") == b"system_u:object_r:etc_t:s0"


def test_names_of_the_index_are_not_listed(shown: Path, real: Path) -> None:
    for name in ("user.magicfs.score", "user.magicfsx", "user.a"):
        os.setxattr(real, name, b"x")
    assert sorted(os.listxattr(shown)) == ["user.a", "user.magicfsx", "user.note"]


def test_many_names(shown: Path, real: Path) -> None:
    names = [f"user.{'x' * 60}{number:02}" for number in range(40)]
    for name in names:
        os.setxattr(real, name, b"")
    assert sorted(os.listxattr(shown)) == ["user.note", *names]


def test_another_file_in_the_place_has_its_own(shown: Path, real: Path) -> None:
    handle = os.open(shown, os.O_PATH)
    try:
        (real.parent / "new").touch()
        os.setxattr(real.parent / "new", "user.note", b"yellow")
        os.replace(real.parent / "new", real)
        with raises_errno(errno.ESTALE):
            os.getxattr(f"/proc/self/fd/{handle}", "user.note")
        assert os.getxattr(shown, "user.note") == b"yellow"
        assert os.listxattr(shown) == ["user.note"]
    finally:
        os.close(handle)


def test_an_open_file_without_a_name_keeps_them(shown: Path) -> None:
    with shown.open() as file:
        shown.unlink()
        assert os.getxattr(file.fileno(), "user.note") == b"red"
