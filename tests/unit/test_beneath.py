"""Opening below a root."""

import os
from pathlib import Path

import pytest

from magicfs.beneath import open_beneath, regular_file_stat


def read(root: Path, path: str) -> bytes:
    descriptor = open_beneath(os.fsencode(root), os.fsencode(path))
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
    descriptor = open_beneath(os.fsencode(tmp_path), b"pipe")
    try:
        assert regular_file_stat(descriptor) is None
    finally:
        os.close(descriptor)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            open_beneath(os.fsencode(tmp_path), b"no/such/file")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_in_place_of_the_root_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.txt").write_text("secret")
    (tmp_path / "root").symlink_to("elsewhere")
    with pytest.raises(NotADirectoryError):
        read(tmp_path / "root", "a.txt")
