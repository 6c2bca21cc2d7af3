"""Roots of other hosts in `mirror/`: read as they are there, and never changed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.tree.remote.nodes import REMOTE_TIMEOUT_SECONDS
from tests.fakes.remote_files import NOT_NAMES
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.remote_hosts import OtherHosts
from tests.plugins.kernel_caches import kept_caches
from tests.plugins.waiting import eventually

FIELDS = (
    "st_mode",
    "st_size",
    "st_uid",
    "st_gid",
    "st_mtime_ns",
    "st_atime_ns",
    "st_ctime_ns",
    "st_nlink",
    "st_blocks",
)


def test_files_directories_and_links_are_as_on_their_host(others: OtherHosts) -> None:
    original = others.root.path
    (original / "notes/deep").mkdir(parents=True)
    (original / "notes/deep/a.txt").write_text("roses\n" * 100_000)
    (original / "notes/deep/a.txt").chmod(0o640)
    (original / "notes/tool").write_text("#!/bin/sh\necho hello\n")
    (original / "notes/tool").chmod(0o755)
    (original / "to a").symlink_to("notes/deep/a.txt")
    (original / "away").symlink_to("../../etc/passwd")
    os.mkfifo(original / "pipe")
    os.utime(original / "notes/deep/a.txt", ns=(1_000_000_007, 2_000_000_009))
    mirror = others.mirror
    assert sorted(os.listdir(mirror)) == ["away", "notes", "pipe", "to a"]
    for name in ("", "notes", "notes/deep", "notes/deep/a.txt", "notes/tool", "to a", "away", "pipe"):
        here, there = os.lstat(mirror / name), os.lstat(original / name)
        assert {field: getattr(here, field) for field in FIELDS} == {field: getattr(there, field) for field in FIELDS}
    assert (mirror / "notes/deep/a.txt").read_bytes() == (original / "notes/deep/a.txt").read_bytes()
    assert (mirror / "to a").read_text() == (original / "notes/deep/a.txt").read_text()
    assert os.readlink(mirror / "away") == "../../etc/passwd"
    assert subprocess.run([mirror / "notes/tool"], check=True, capture_output=True, text=True).stdout == "hello\n"
    assert os.getxattr(mirror / "notes/tool", "user.magicfs.host") == b"there"
    assert os.getxattr(mirror / "notes/tool", "user.magicfs.path") == os.fsencode(original / "notes/tool")
    assert os.listxattr(mirror / "notes/tool") == []


def test_every_change_is_refused_and_nothing_has_changed(others: OtherHosts, root: IndexedRoot) -> None:
    others.root.add("a.txt", "roses")
    (others.root.path / "d").mkdir()
    mirror, local = others.mirror, others.mount.path / "mirror/documents"
    root.add("here.txt", "tulips")
    eventually((local / "here.txt").exists)
    before = os.lstat(others.root.path / "a.txt")
    for change in (
        lambda: (mirror / "a.txt").write_text("lilies"),
        lambda: os.open(mirror / "a.txt", os.O_RDWR),
        lambda: os.open(mirror / "a.txt", os.O_WRONLY | os.O_APPEND),
        lambda: os.open(mirror / "a.txt", os.O_RDONLY | os.O_TRUNC),
        lambda: os.open(mirror / "new.txt", os.O_RDWR | os.O_CREAT),
        lambda: os.truncate(mirror / "a.txt", 0),
        lambda: os.chmod(mirror / "a.txt", 0o600),
        lambda: os.utime(mirror / "a.txt"),
        lambda: os.chown(mirror / "a.txt", 1234, -1),
        lambda: os.setxattr(mirror / "a.txt", "user.note", b"mine"),
        lambda: os.removexattr(mirror / "a.txt", "user.note"),
        lambda: os.unlink(mirror / "a.txt"),
        lambda: os.rmdir(mirror / "d"),
        lambda: os.mkdir(mirror / "e"),
        lambda: os.mkfifo(mirror / "p"),
        lambda: os.symlink("a.txt", mirror / "l"),
        lambda: os.link(mirror / "a.txt", mirror / "b.txt"),
        lambda: os.rename(mirror / "a.txt", mirror / "b.txt"),
        lambda: os.rename(local / "here.txt", mirror / "here.txt"),
        lambda: os.rename(mirror / "a.txt", local / "a.txt"),
        lambda: os.rename(mirror, others.mount.path / "mirror/x"),
        lambda: os.rmdir(mirror),
    ):
        with raises_errno(errno.EROFS):
            change()
    assert not os.access(mirror / "a.txt", os.W_OK)
    assert not os.access(mirror, os.W_OK)
    assert os.access(mirror / "a.txt", os.R_OK)
    assert not os.access(mirror / "a.txt", os.X_OK)
    assert os.lstat(others.root.path / "a.txt") == before
    assert sorted(os.listdir(others.root.path)) == ["a.txt", "d"]


def test_names_of_roots_and_hosts_are_safe(
    unstarted_mount: MountProcess, root: IndexedRoot, others_of: Callable[..., OtherHosts]
) -> None:
    others = others_of(host="a/b\n: c", name="x\ty")
    others.root.add("a.txt", "roses")
    others_of(host="unknown", name="unknown")
    unstarted_mount.start()
    names = os.listdir(unstarted_mount.path / "mirror")
    assert sorted(names) == ["a_b_: c:x_y", "documents"]
    assert (unstarted_mount.path / "mirror/a_b_: c:x_y/a.txt").read_text() == "roses"
    with raises_errno(errno.ENOENT):
        os.stat(unstarted_mount.path / "mirror/unknown:unknown")


def test_names_of_any_bytes_and_a_host_that_lies_about_names(others: OtherHosts) -> None:
    names = {b"\xff\xfe", b"a\nb", b"n" * 255, "Übung 🎉".encode(), b" ", b"-", b"~"}
    for name in names:
        (others.root.path / os.fsdecode(name)).write_bytes(name)
    assert {os.fsencode(name) for name in os.listdir(others.mirror)} == names
    for name in names:
        assert (others.mirror / os.fsdecode(name)).read_bytes() == name
    others.behave("lying")
    listed = os.listdir(os.fsencode(others.mirror))
    assert set(listed) == names
    assert not set(NOT_NAMES) & set(listed)


def test_a_listing_of_many_names_with_attributes_is_one_call(others: OtherHosts) -> None:
    for number in range(5000):
        (others.root.path / f"{number}.txt").touch()
    with kept_caches():
        calls = others.calls_of(lambda: subprocess.run(["ls", "-l", others.mirror], check=True, capture_output=True))
    # Of the root too, and of those that a busy machine asks for more than five seconds after they were listed.
    assert calls.count("there list ") == 1
    assert len(calls) < 4000
    assert len(os.listdir(others.mirror)) == 5000


def test_a_deep_path(others: OtherHosts) -> None:
    deep = "/".join(["d" * 100] * 30)
    (others.root.path / deep).mkdir(parents=True)
    (others.root.path / deep / "a.txt").write_text("roses")
    assert (others.mirror / deep / "a.txt").read_text() == "roses"
    assert [path.name for path in others.mirror.rglob("*.txt")] == ["a.txt"]


def test_inode_numbers_stay_and_are_those_of_files(others: OtherHosts) -> None:
    others.root.add("a.txt", "roses")
    os.link(others.root.path / "a.txt", others.root.path / "b.txt")
    mirror = others.mirror
    number = os.stat(mirror / "a.txt").st_ino
    assert os.stat(mirror / "b.txt").st_ino == number
    os.rename(others.root.path / "a.txt", others.root.path / "c.txt")
    assert os.stat(mirror / "c.txt").st_ino == number
    (others.root.path / "new").write_text("lilies")
    os.replace(others.root.path / "new", others.root.path / "c.txt")
    assert (mirror / "c.txt").read_text() == "lilies"
    time.sleep(REMOTE_TIMEOUT_SECONDS)
    assert os.stat(mirror / "c.txt").st_ino != number
    assert os.stat(mirror / "b.txt").st_ino == number
    others.mount.stop()
    others.mount.start()
    assert os.stat(mirror / "b.txt").st_ino == number


def test_an_unchanged_file_keeps_its_pages_and_a_changed_one_is_read_anew(others: OtherHosts) -> None:
    path = others.root.add("a.txt", "roses " * 10_000)
    time.sleep(3)
    entry = others.mirror / "a.txt"

    def reads() -> int:
        calls = others.calls_of(entry.read_bytes)
        return sum(call.startswith("there read") for call in calls)

    with kept_caches():
        assert entry.read_text() == "roses " * 10_000
        assert reads() == 0
    path.write_text("lilies" * 10_000)
    assert entry.read_text() == "lilies" * 10_000
    path.write_text("longer lilies" * 10_000)
    assert entry.read_text() == "longer lilies" * 10_000
    path.write_text("short")
    assert entry.read_text() == "short"


def test_a_file_that_changes_or_is_removed_while_it_is_open(others: OtherHosts) -> None:
    path = others.root.add("a.txt", "roses")
    with (others.mirror / "a.txt").open("rb", buffering=0) as file:
        assert file.read(2) == b"ro"
        with path.open("a") as original:
            original.write(" and lilies" * 1000)
        time.sleep(REMOTE_TIMEOUT_SECONDS + 0.5)
        assert os.fstat(file.fileno()).st_size == path.stat().st_size
        path.unlink()
        time.sleep(REMOTE_TIMEOUT_SECONDS + 0.5)
        assert file.seek(0) == 0
        assert file.read(20) == b"roses and lilies and"
        assert stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    with raises_errno(errno.ENOENT):
        (others.mirror / "a.txt").read_bytes()


def test_a_renamed_and_a_replaced_directory(others: OtherHosts) -> None:
    original, mirror = others.root.path, others.mirror
    others.root.add("d/a.txt", "roses")
    assert (mirror / "d/a.txt").read_text() == "roses"
    directory = os.open(mirror / "d", os.O_RDONLY)
    try:
        os.rename(original / "d", original / "moved")
        others.root.add("d/a.txt", "other roses")
        time.sleep(REMOTE_TIMEOUT_SECONDS + 0.5)
        with raises_errno(errno.ESTALE, errno.ENOENT):
            os.stat("a.txt", dir_fd=directory)
        assert (mirror / "moved/a.txt").read_text() == "roses"
        assert (mirror / "d/a.txt").read_text() == "other roses"
        # It was found at its new place.
        with os.fdopen(os.open("a.txt", os.O_RDONLY, dir_fd=directory)) as file:
            assert file.read() == "roses"
    finally:
        os.close(directory)


def test_a_directory_that_is_in_itself(others: OtherHosts) -> None:
    (others.root.path / "d").mkdir()
    assert os.listdir(others.mirror) == ["d"]
    others.behave("looping")
    subprocess.run(["find", others.mirror, "-maxdepth", "20"], check=False, capture_output=True, timeout=60)
    with contextlib.suppress(OSError):
        os.stat(others.mirror / "d/loop/loop/loop")
    others.behave("")
    time.sleep(REMOTE_TIMEOUT_SECONDS)
    assert os.listdir(others.mirror) == ["d"]
    assert os.listdir(others.mirror / "d") == []


@pytest.mark.parametrize("program", [["cp", "-a"], ["rsync", "-a"]])
def test_copying_out(others: OtherHosts, tmp_path: Path, program: list[str]) -> None:
    others.root.add("d/a.txt", "roses")
    (others.root.path / "l").symlink_to("d/a.txt")
    if not any((Path(folder) / program[0]).exists() for folder in os.environ["PATH"].split(":")):
        pytest.skip(f"{program[0]} is missing")
    copy = tmp_path / "copy"
    subprocess.run([*program, f"{others.mirror}/", copy], check=True)
    assert (copy / "l").read_text() == "roses"
    assert (copy / "d/a.txt").stat().st_mtime_ns == (others.root.path / "d/a.txt").stat().st_mtime_ns
