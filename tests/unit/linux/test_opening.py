"""Opening files below a root: nothing outside is reached, and nothing blocks."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from magicfs.linux import opening
from magicfs.linux.calls import libc
from magicfs.linux.files import AT_FDCWD, mount_of_descriptor, regular_file_status
from magicfs.linux.opening import Resolve, open_below, open_below_cached, openat2
from tests.plugins.kernel_caches import kept_caches

MOUNTING_SECONDS = 4.0


@pytest.fixture(params=["openat2", "step by step"])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the kernel's own call, and on a kernel without it."""
    if request.param == "step by step":

        def unknown(*_: object) -> int:
            raise OSError(errno.ENOSYS, "not implemented")

        monkeypatch.setattr(opening, "openat2", unknown)
    return str(request.param)


def read(root: Path, path: str) -> bytes:
    descriptor = open_below(os.fsencode(root), os.fsencode(path))
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("method")
class TestOpenBelow:
    def test_a_file_below_is_opened(self, tmp_path: Path) -> None:
        (tmp_path / "a/b").mkdir(parents=True)
        (tmp_path / "a/b/c.txt").write_text("hello")
        assert read(tmp_path, "a/b/c.txt") == b"hello"

    @pytest.mark.parametrize("path", ["link.txt", "linked/secret.txt", "linked/sub/secret.txt"])
    def test_links_are_not_followed(self, tmp_path: Path, path: str) -> None:
        outside = tmp_path / "outside"
        (outside / "sub").mkdir(parents=True)
        (outside / "secret.txt").write_text("secret")
        (outside / "sub/secret.txt").write_text("secret")
        root = tmp_path / "root"
        root.mkdir()
        (root / "linked").symlink_to(outside)
        (root / "link.txt").symlink_to(outside / "secret.txt")
        with pytest.raises(OSError):
            read(root, path)

    def test_a_fifo_does_not_block_and_is_no_regular_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        descriptor = open_below(os.fsencode(tmp_path), b"pipe")
        try:
            assert regular_file_status(descriptor) is None
        finally:
            os.close(descriptor)

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(FileNotFoundError):
                open_below(os.fsencode(tmp_path), b"no/such/file")
        assert len(os.listdir("/proc/self/fd")) <= before

    def test_a_link_in_place_of_the_root_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/a.txt").write_text("secret")
        (tmp_path / "root").symlink_to("elsewhere")
        with pytest.raises(NotADirectoryError):
            read(tmp_path / "root", "a.txt")

    def test_a_link_itself_can_be_opened_as_a_path(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("nowhere")
        descriptor = open_below(os.fsencode(tmp_path), b"link", flags=os.O_PATH)
        try:
            assert os.readlink(b"", dir_fd=descriptor) == b"nowhere"
        finally:
            os.close(descriptor)

    def test_dot_dot_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "a.txt").write_text("outside")
        with pytest.raises(OSError):
            read(tmp_path / "root", "../a.txt")

    def test_a_path_longer_than_one_call_takes_is_opened(self, tmp_path: Path) -> None:
        at = os.open(tmp_path, os.O_PATH)
        parts = ["d" * 200] * 25
        for part in parts:
            os.mkdir(part, dir_fd=at)
            below = os.open(part, os.O_PATH, dir_fd=at)
            os.close(at)
            at = below
        os.close(os.open("a.txt", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        assert read(tmp_path, "/".join([*parts, "a.txt"])) == b""


@pytest.mark.usefixtures("method")
class TestOpenBelowCached:
    def test_a_file_in_the_kernels_memory_is_opened(self, tmp_path: Path, method: str) -> None:
        if not opening.is_local_file_system(*mount_of_descriptor(os.open(tmp_path, os.O_PATH)), 0):
            pytest.skip("the temporary directory is on no file system of this machine")
        with kept_caches():
            (tmp_path / "a").mkdir()
            (tmp_path / "a/b.txt").write_text("hello")
            descriptor = open_below_cached(os.fsencode(tmp_path), b"a/b.txt")
        if method == "step by step":
            assert descriptor is None
            return
        assert descriptor is not None
        assert os.read(descriptor, 100) == b"hello"
        os.close(descriptor)

    @pytest.mark.parametrize("path", ["missing.txt", "link.txt", "linked/b.txt", "a.txt/b.txt"])
    def test_links_and_missing_files_are_not_opened(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "a.txt").write_text("hello")
        (tmp_path / "b").mkdir()
        (tmp_path / "b/b.txt").write_text("hello")
        (tmp_path / "link.txt").symlink_to("a.txt")
        (tmp_path / "linked").symlink_to("b")
        assert open_below_cached(os.fsencode(tmp_path), os.fsencode(path)) is None

    def test_other_file_systems_are_not_opened(self) -> None:
        assert open_below_cached(b"/proc", b"self/status") is None, "not a local file system"
        assert open_below_cached(b"/", b"proc/version") is None, "another mount below"

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        before = len(os.listdir("/proc/self/fd"))
        assert open_below_cached(os.fsencode(tmp_path), b"no/such/file") is None
        assert open_below_cached(b"/proc", b"version") is None
        assert len(os.listdir("/proc/self/fd")) <= before


def test_errors_of_the_kernel_are_those_of_python(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        openat2(AT_FDCWD, os.fsencode(tmp_path / "missing"), os.O_RDONLY, Resolve(0))
    with pytest.raises(OSError):
        mount_of_descriptor(-1)


def test_a_name_that_does_not_exist_is_certain_once_the_kernel_knows(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_PATH)
    is_local = opening.is_local_file_system(*mount_of_descriptor(directory), 0)
    os.close(directory)
    if not is_local:
        pytest.skip("the temporary directory is on no file system of this machine")
    with kept_caches():
        assert not (tmp_path / "missing").exists()
        with pytest.raises(FileNotFoundError):
            open_below_cached(os.fsencode(tmp_path), b"missing")
        (tmp_path / "missing").touch()
        os.close(open_below_cached(os.fsencode(tmp_path), b"missing") or -1)


_MOUNT_AND_UNMOUNT = """
import os, sys
from magicfs.linux.calls import libc
point = os.fsencode(sys.argv[1])
while os.getppid() == int(sys.argv[2]):
    if libc().mount(b"tmpfs", point, b"tmpfs", 0, None) or libc().umount2(point, 0):
        sys.exit("nothing can be mounted")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_what_is_in_memory_is_opened_while_something_is_mounted_elsewhere(tmp_path: Path) -> None:
    """The kernel gives an attempt up when something is mounted meanwhile. Who believes it forgets what is known."""
    path, points = tmp_path / "here", [tmp_path / f"elsewhere{number}" for number in range(3)]
    for directory in (path, *points):
        directory.mkdir()
    mounting = [
        subprocess.Popen([sys.executable, "-c", _MOUNT_AND_UNMOUNT, point, str(os.getpid())], stderr=subprocess.PIPE)
        for point in points
    ]
    # As long as it is open, the kernel has it in memory.
    here = os.open(path, os.O_PATH)
    failed, ends_at = 0, time.monotonic() + MOUNTING_SECONDS
    try:
        while time.monotonic() < ends_at:
            try:
                os.close(openat2(AT_FDCWD, os.fsencode(path), os.O_PATH, Resolve.CACHED))
            except BlockingIOError:
                failed += 1
        if any(process.poll() is not None for process in mounting):
            pytest.skip("this machine lets nobody mount")
    finally:
        os.close(here)
        for process in mounting:
            process.kill()
            process.communicate()
        for point in points:
            libc().umount2(os.fsencode(point), 0)
    # Four attempts in a row fail about once in a hundred million times.
    assert failed < 2
