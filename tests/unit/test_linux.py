"""Opening below a root."""

import errno
import os
from pathlib import Path

import pytest

from magicfs import linux
from magicfs.linux import AT_FDCWD, Resolve, open_below, open_below_cached, openat2, regular_file_status


@pytest.fixture(params=["one call", "step by step"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the kernel's own call, and where there is none."""
    if request.param == "step by step":

        def unknown(*_: object) -> int:
            raise OSError(errno.ENOSYS, "not implemented")

        monkeypatch.setattr(linux, "openat2", unknown)
    return str(request.param)


def read(root: Path, path: str) -> bytes:
    descriptor = open_below(os.fsencode(root), os.fsencode(path))
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def test_a_file_below_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c.txt").write_text("hello")
    assert read(tmp_path, "a/b/c.txt") == b"hello"


@pytest.mark.parametrize("path", ["link.txt", "linked/secret.txt", "linked/sub/secret.txt"])
def test_links_are_not_followed(tmp_path: Path, path: str) -> None:
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


def test_a_fifo_does_not_block_and_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    descriptor = open_below(os.fsencode(tmp_path), b"pipe")
    try:
        assert regular_file_status(descriptor) is None
    finally:
        os.close(descriptor)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            open_below(os.fsencode(tmp_path), b"no/such/file")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_in_place_of_the_root_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.txt").write_text("secret")
    (tmp_path / "root").symlink_to("elsewhere")
    with pytest.raises(NotADirectoryError):
        read(tmp_path / "root", "a.txt")


def test_a_link_itself_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    descriptor = open_below(os.fsencode(tmp_path), b"link", flags=os.O_PATH)
    try:
        assert os.readlink(b"", dir_fd=descriptor) == b"nowhere"
    finally:
        os.close(descriptor)


def test_a_way_up_is_no_way(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "a.txt").write_text("outside")
    with pytest.raises(OSError):
        read(tmp_path / "root", "../a.txt")


def test_a_path_longer_than_one_call_takes_is_opened(tmp_path: Path) -> None:
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


class TestAtOnce:
    def test_what_the_kernel_has_in_memory_is_opened(self, tmp_path: Path, way: str) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a/b.txt").write_text("hello")
        if not linux._is_local(*linux.mount_of_descriptor(os.open(tmp_path, os.O_PATH)), 0):
            pytest.skip("the temporary directory is on no file system of this machine")
        descriptor = open_below_cached(os.fsencode(tmp_path), b"a/b.txt")
        if way == "step by step":
            assert descriptor is None
            return
        assert descriptor is not None
        assert os.read(descriptor, 100) == b"hello"
        os.close(descriptor)

    @pytest.mark.parametrize("path", ["missing.txt", "link.txt", "linked/b.txt", "a.txt/b.txt"])
    def test_anything_unusual_is_left_to_the_long_way(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "a.txt").write_text("hello")
        (tmp_path / "b").mkdir()
        (tmp_path / "b/b.txt").write_text("hello")
        (tmp_path / "link.txt").symlink_to("a.txt")
        (tmp_path / "linked").symlink_to("b")
        assert open_below_cached(os.fsencode(tmp_path), os.fsencode(path)) is None

    def test_other_file_systems_are_left_to_it(self) -> None:
        assert open_below_cached(b"/proc", b"self/status") is None, "no file system with files of its own"
        assert open_below_cached(b"/", b"proc/version") is None, "another one below"

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        before = len(os.listdir("/proc/self/fd"))
        assert open_below_cached(os.fsencode(tmp_path), b"no/such/file") is None
        assert open_below_cached(b"/proc", b"version") is None
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_kernel_says_which_mount_a_file_is_on() -> None:
    descriptor = os.open("/proc", os.O_PATH)
    try:
        mount, device = linux.mount_of_descriptor(descriptor)
    finally:
        os.close(descriptor)
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    [found] = [line for line in lines if int(line[0]) == mount]
    assert found[4] == "/proc"
    assert found[2] == f"{os.major(device)}:{os.minor(device)}"


def test_errors_of_the_kernel_are_those_of_python(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        openat2(AT_FDCWD, os.fsencode(tmp_path / "missing"), os.O_RDONLY, Resolve(0))
    with pytest.raises(OSError):
        linux.mount_of_descriptor(-1)
