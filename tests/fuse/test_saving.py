"""Saving results in `search/<query>/`: what each name stands for, and when the real file gets the new content."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
import time
from pathlib import Path

import pytest

from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.editors import CREATE, beside, git, write
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.waiting import eventually

SAVES = 30


def test_scratch_files_are_private_and_listed(mount: MountProcess, entry: Path, root: IndexedRoot) -> None:
    directory = entry.parent
    (directory / "note").write_text("scratch")
    (directory / ".#lock").symlink_to("me@here")
    (directory / "note").rename(directory / "other note")
    assert (directory / "other note").read_text() == "scratch"
    assert os.listdir(directory) == [entry.name, ".#lock", "other note"]
    assert not (mount.query_path("tulips") / "other note").exists()
    assert os.listdir(root.path) == ["a.txt"]
    (kept,) = (mount.home / "run").glob("scratch-*")
    assert kept.stat().st_mode & 0o077 == 0
    (directory / ".#lock").unlink()
    assert os.listdir(directory) == [entry.name, "other note"]
    (directory / "other note").unlink()
    assert os.listdir(directory) == [entry.name]
    assert list((mount.home / "run").glob("scratch-*/files/*/*")) == []


def test_a_scratch_file_has_the_mode_that_the_umask_leaves(entry: Path, original: Path) -> None:
    mask = os.umask(0o027)
    try:
        os.close(os.open(beside(entry, "draft"), os.O_CREAT | os.O_WRONLY, 0o666))
    finally:
        os.umask(mask)
    assert stat.S_IMODE(beside(entry, "draft").stat().st_mode) == 0o640


def test_what_is_refused(mount: MountProcess, entry: Path, root: IndexedRoot) -> None:
    other = root.add("b.txt", "roses too")
    (mount.path / ".magic/refresh").touch()
    names = mount.result_names("roses")
    directory = entry.parent
    with raises_errno(errno.EPERM):
        (directory / names[0]).unlink()
    with raises_errno(errno.EPERM):
        (directory / names[0]).rename(directory / names[1])
    with raises_errno(errno.EPERM):
        (directory / names[0]).rename(directory / ".passages")
    with raises_errno(errno.EXDEV):
        (directory / names[0]).rename(mount.query_path("tulips") / "x")
    with raises_errno(errno.EROFS):
        (directory / "directory").mkdir()
    with raises_errno(errno.EROFS):
        (mount.path / "links/roses/x").write_text("")
    assert other.read_text() == "roses too"
    assert mount.result_names("roses") == names


def test_a_result_that_is_only_moved_away_stays(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    assert not entry.exists()
    assert beside(entry, "backup").read_bytes() == original.read_bytes() == b"old roses"
    beside(entry, "backup").rename(entry)
    assert entry.read_bytes() == original.read_bytes() == b"old roses"


def test_a_copy_that_comes_back_is_saved_where_the_real_file_has_changed_meanwhile(entry: Path, original: Path) -> None:
    backup = beside(entry, "backup")
    entry.rename(backup)
    original.write_bytes(b"other roses")
    backup.rename(entry)
    assert entry.read_bytes() == original.read_bytes() == b"old roses"
    entry.rename(backup)
    original.unlink()
    with pytest.raises(OSError):
        backup.rename(entry)
    assert backup.read_bytes() == b"old roses"


def test_whoever_has_a_copy_open_writes_to_the_real_file_once_it_has_come_back(entry: Path, original: Path) -> None:
    backup = beside(entry, "backup")
    entry.rename(backup)
    descriptor = os.open(backup, os.O_RDWR | os.O_APPEND)
    backup.rename(entry)
    os.write(descriptor, b", and new ones")
    os.fsync(descriptor)
    os.close(descriptor)
    assert entry.read_bytes() == original.read_bytes() == b"old roses, and new ones"
    assert os.listdir(entry.parent) == [entry.name]


def test_new_content_that_goes_and_comes_back_is_saved(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    entry.rename(beside(entry, "elsewhere"))
    beside(entry, "elsewhere").rename(entry)
    os.write(descriptor, b"new roses")
    os.fsync(descriptor)
    os.close(descriptor)
    assert entry.read_bytes() == original.read_bytes() == b"new roses"


def test_saving_again_before_the_first_save_has_ended(mount: MountProcess, entry: Path, original: Path) -> None:
    """A program goes on when it has closed a file; the mount learns of it a moment later."""
    open_files = len(mount.open_files)
    for number in range(SAVES):
        content = b"%d " % number * 1000
        entry.rename(beside(entry, "backup"))
        write(entry, content, CREATE)
        if number % 2:
            write(beside(entry, "temporary"), content + b"!", CREATE)
            beside(entry, "temporary").rename(entry)
            assert original.read_bytes() == entry.read_bytes() == content + b"!"
        beside(entry, "backup").unlink()
    eventually(lambda: original.read_bytes() == content + b"!")
    assert os.listdir(entry.parent) == [entry.name]
    eventually(lambda: len(mount.open_files) < open_files + SAVES / 3)


def test_a_save_reaches_the_file_that_the_name_stood_for(mount: MountProcess, root: IndexedRoot) -> None:
    """Ranks change while an editor is open."""
    texts = {"a": "roses by the wall", "b": "roses at the gate, and tulips, lilies and much more that is not asked for"}
    for folder, text in texts.items():
        root.add(f"{folder}/readme.md", text)
    first = mount.query_path("roses") / mount.result_names("roses")[0]
    real = Path(os.fsdecode(os.getxattr(first, "user.magicfs.path")))
    root.index("a/readme.md", texts["b"])
    root.index("b/readme.md", texts["a"])
    (mount.path / ".magic/refresh").touch()
    mount.result_names("roses")
    git(first, b"new")
    assert real.read_bytes() == b"new"
    assert sorted(path.read_bytes() == b"new" for path in root.path.glob("*/readme.md")) == [False, True]


def test_all_that_write_to_a_new_file_have_closed_it_before_it_is_saved(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    first = os.open(entry, os.O_WRONLY | CREATE)
    os.write(first, b"first, ")
    second = os.open(entry, os.O_WRONLY | os.O_APPEND)
    os.write(second, b"second, ")
    assert entry.read_bytes() == b"first, second, "
    os.close(second)
    time.sleep(0.3)
    assert original.read_bytes() == b"old roses"
    os.lseek(first, 0, os.SEEK_END)
    os.write(first, b"third")
    os.close(first)
    eventually(lambda: original.read_bytes() == b"first, second, third")
    assert entry.read_bytes() == b"first, second, third"
    assert beside(entry, "backup").read_bytes() == b"old roses"


def test_whoever_closes_a_new_file_last_saves_it(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    first = os.open(entry, os.O_WRONLY | CREATE)
    second = os.open(entry, os.O_WRONLY | os.O_APPEND)
    os.write(first, b"first, ")
    os.close(first)
    time.sleep(0.3)
    os.write(second, b"second")
    os.close(second)
    eventually(lambda: original.read_bytes() == b"first, second")
    assert entry.read_bytes() == b"first, second"


@pytest.mark.parametrize("before", [b"", b"half, "])
def test_what_is_written_after_a_rename_reaches_the_real_file(entry: Path, original: Path, before: bytes) -> None:
    temporary = beside(entry, "temporary")
    descriptor = os.open(temporary, os.O_WRONLY | CREATE)
    os.write(descriptor, before)
    temporary.rename(entry)
    assert original.read_bytes() == (before or b"old roses")
    os.write(descriptor, b"and the rest")
    os.close(descriptor)
    eventually(lambda: original.read_bytes() == before + b"and the rest")
    assert entry.read_bytes() == before + b"and the rest"
    assert os.listdir(entry.parent) == [entry.name]


def test_a_new_file_that_is_renamed_before_it_is_written_does_not_empty_the_real_one(
    entry: Path, original: Path
) -> None:
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    entry.rename(beside(entry, "moved"))
    assert original.read_bytes() == b"old roses"
    os.write(descriptor, b"new")
    os.close(descriptor)
    eventually(lambda: original.read_bytes() == b"new")
    assert beside(entry, "moved").read_bytes() == b"new"
    assert beside(entry, "backup").read_bytes() == b"old roses"


def test_a_flush_saves_and_what_follows_is_written_to_the_real_file(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_RDWR | CREATE)
    os.write(descriptor, b"new")
    os.fsync(descriptor)
    assert original.read_bytes() == b"new"
    assert os.fstat(descriptor).st_size == 3
    os.write(descriptor, b" and more")
    assert original.read_bytes() == entry.read_bytes() == os.pread(descriptor, 100, 0) == b"new and more"
    os.ftruncate(descriptor, 3)
    os.fchmod(descriptor, 0o600)
    assert original.read_bytes() == b"new"
    assert original.stat().st_mode & 0o777 == 0o600
    os.close(descriptor)
    assert beside(entry, "backup").read_bytes() == b"old roses"


def test_a_name_of_a_result_that_is_not_known_is_refused(entry: Path, original: Path) -> None:
    unknown = beside(entry, "07_0.31_of long ago.txt")
    with raises_errno(errno.ESTALE):
        unknown.write_text("text")
    temporary = beside(entry, "temporary")
    temporary.write_text("text")
    with raises_errno(errno.ESTALE):
        temporary.rename(unknown)
    with raises_errno(errno.ESTALE):
        entry.rename(unknown)
    with raises_errno(errno.ESTALE):
        unknown.symlink_to("x")
    assert temporary.read_text() == "text"
    original.unlink()
    with raises_errno(errno.ENOENT, errno.ESTALE):
        temporary.rename(entry)
    with raises_errno(errno.ESTALE):
        entry.write_text("text")
    assert temporary.read_text() == "text"


def test_a_backup_is_not_the_real_file(entry: Path, original: Path) -> None:
    entry.stat()
    backup = beside(entry, entry.name + ".bak")
    entry.rename(backup)
    backup.write_text("changed")
    assert original.read_bytes() == b"old roses"
    assert backup.stat().st_ino != original.stat().st_ino
    assert backup.read_text() == "changed"
    backup.rename(entry)
    assert original.read_text() == entry.read_text() == "changed"


def test_a_result_is_renamed_at_once(mount: MountProcess, root: IndexedRoot) -> None:
    """Nothing waits until the kernel has dropped a name. A loaded machine may delay some of the renames."""
    root.add("a.txt", "old roses, tulips and lilies")
    seconds = []
    for query in ("roses", "tulips", "lilies", "old roses", "old tulips"):
        entry = mount.query_path(query) / mount.result_names(query)[0]
        entry.stat()
        began = time.monotonic()
        entry.rename(beside(entry, "backup"))
        seconds.append(time.monotonic() - began)
        write(beside(entry, "backup"), b"changed", os.O_TRUNC)
        assert (root.path / "a.txt").read_text() == "old roses, tulips and lilies"
    assert min(seconds) < REAL_FILE_TIMEOUT_SECONDS


def test_a_file_that_is_opened_to_read_and_cut_is_empty(entry: Path, original: Path) -> None:
    backup = beside(entry, "backup")
    entry.rename(backup)
    assert backup.read_bytes() == b"old roses"
    descriptor = os.open(backup, os.O_RDONLY | os.O_TRUNC)
    assert (os.fstat(descriptor).st_size, os.read(descriptor, 9), backup.read_bytes()) == (0, b"", b"")
    os.close(descriptor)
    assert original.read_bytes() == b"old roses"
    backup.rename(entry)
    assert entry.read_bytes() == original.read_bytes() == b""


def test_hard_links_and_access_lists(entry: Path, original: Path, tmp_path: Path) -> None:
    os.link(original, tmp_path / "other")
    entries = [(1, 6, 2**32 - 1), (2, 4, 4321), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    with contextlib.suppress(OSError):
        os.setxattr(original, "system.posix_acl_access", acl)
    lists = {name: os.getxattr(original, name) for name in os.listxattr(original)}
    git(entry, b"new")
    assert original.read_bytes() == b"new"
    assert (tmp_path / "other").read_bytes() == b"old roses"
    assert {name: os.getxattr(original, name) for name in os.listxattr(original)} == lists
