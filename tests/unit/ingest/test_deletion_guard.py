"""Whether a root is present, and how many deletions are suspicious."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.domain.files import clamp_to_int64
from magicfs.domain.ids import RootId
from magicfs.domain.roots import Root
from magicfs.errors import RootMissing
from magicfs.ingest.deletion_guard import (
    MIN_SUSPICIOUS_FILES,
    is_emptied,
    is_present,
    is_suspicious,
    not_missing,
    verify_root,
)


def root(path: Path) -> Root:
    return Root(id=RootId(1), host="here", path=os.fsencode(path), name="docs", device=os.stat(path.parent).st_dev)


def test_a_present_root_has_the_device_of_its_directory(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert verify_root(root(tmp_path / "docs"), list).device == os.stat(tmp_path).st_dev


def test_a_link_in_place_of_a_root_is_not_the_root(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "docs").symlink_to("elsewhere")
    with pytest.raises(RootMissing, match="a symbolic link is in its place"):
        verify_root(root(tmp_path / "docs"), list)


def test_a_root_that_cannot_be_listed_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one on a disk that fails: its directory is there all the same."""

    def fail(path: bytes) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(RootMissing, match="Input/output error: its files stay in the index until it is back"):
        verify_root(root(tmp_path / "docs"), list)


def test_a_root_with_another_device_is_not_present(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    present = root(tmp_path / "docs")
    assert is_present(present)
    assert not is_present(replace(present, device=present.device + 1))
    (tmp_path / "docs").rmdir()
    assert not is_present(present)


def test_the_mount_of_a_root_is_not_forgotten_where_the_kernel_does_not_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a mount that is detached while it is looked up."""
    (tmp_path / "docs").mkdir()
    mounted = replace(root(tmp_path / "docs"), mount_point=os.fsencode(tmp_path / "docs"))
    monkeypatch.setattr("magicfs.linux.mounts.read_mounts", lambda: iter(()))
    assert verify_root(mounted, list) == mounted


@pytest.mark.parametrize("differs_in", ["size", "mtime"])
@pytest.mark.parametrize(
    ("unchanged", "sampled", "verified"), [(0, 0, True), (1, 2, True), (1, 3, False), (2, 3, True), (0, 1, False)]
)
def test_another_device_with_half_of_the_files_is_the_same_tree(
    tmp_path: Path, unchanged: int, sampled: int, verified: bool, differs_in: str
) -> None:
    (tmp_path / "docs").mkdir()
    sample = []
    for number in range(sampled):
        path = tmp_path / "docs" / str(number)
        path.write_text("words")
        size, mtime_ns = path.stat().st_size, path.stat().st_mtime_ns
        if number >= unchanged:
            size, mtime_ns = (size + 1, mtime_ns) if differs_in == "size" else (size, mtime_ns + 1)
        sample.append((os.fsencode(path.name), size, mtime_ns))
    present = root(tmp_path / "docs")
    moved = replace(present, device=present.device + 1)
    if verified:
        assert verify_root(moved, lambda: sample).device == present.device
    else:
        with pytest.raises(RootMissing, match="its disk is not there: mount it, or "):
            verify_root(moved, lambda: sample)


def test_a_file_with_a_time_beyond_what_the_index_holds_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    path = tmp_path / "docs" / "from 2300"
    path.touch()
    os.utime(path, ns=(0, 1 << 63))
    present = root(tmp_path / "docs")
    sample = [(os.fsencode(path.name), 0, clamp_to_int64(path.stat().st_mtime_ns))]
    assert verify_root(replace(present, device=present.device + 1), lambda: sample).device == present.device


@pytest.mark.parametrize(
    ("deleted", "indexed", "suspicious"),
    [(MIN_SUSPICIOUS_FILES - 1, 1, False), (MIN_SUSPICIOUS_FILES, 19, True), (MIN_SUSPICIOUS_FILES, 20, False)],
)
def test_the_deletion_of_most_of_a_root_is_suspicious(deleted: int, indexed: int, suspicious: bool) -> None:
    assert is_suspicious(deleted=deleted, indexed=indexed) is suspicious


@pytest.mark.parametrize(
    ("ignored", "kept", "emptied"),
    [
        (MIN_SUSPICIOUS_FILES, 0, True),
        (MIN_SUSPICIOUS_FILES - 1, 0, False),
        (MIN_SUSPICIOUS_FILES, 1, False),
    ],
)
def test_rules_that_ignore_all_of_many_files_empty_a_root(ignored: int, kept: int, emptied: bool) -> None:
    assert is_emptied(ignored=ignored, kept=lambda: kept) is emptied


def test_what_a_mount_showed_that_is_gone_is_missing(tmp_path: Path) -> None:
    """A file of its name, which was there before it, is not: the mount has covered none."""
    disk = tmp_path / "docs/disk"
    disk.mkdir(parents=True)
    docs = replace(root(tmp_path / "docs"), inner_mounts=(os.fsencode(disk),))
    paths = {b"disk", b"disk/a.txt", b"disk/b/c.txt", b"diskette.txt"}
    assert not_missing(docs, paths) == {b"disk", b"diskette.txt"}
    (disk / "a.txt").touch()
    assert not_missing(docs, paths) == paths, "its directory is used otherwise"
