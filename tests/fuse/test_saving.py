"""Saving results in `search/<query>/`: the system calls of editors, and a mount that is killed meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuse.assertions import raises_errno, wait_for
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot

CREATE = os.O_CREAT | os.O_EXCL


def write(path: Path, content: bytes, flags: int, *, mode: int = 0o644, flush: bool = False) -> None:
    """Open, write and close as C programs do."""
    descriptor = os.open(path, os.O_WRONLY | flags, mode)
    try:
        os.write(descriptor, content)
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def beside(path: Path, name: str) -> Path:
    return path.parent / name


def vim_with_backupcopy_no(path: Path, content: bytes) -> None:
    """Vim renames the old file to the backup and writes a new one."""
    write(beside(path, f".{path.name}.swp"), b"swap", CREATE, mode=0o600)
    probe = beside(path, "4913")
    write(probe, b"", CREATE)
    os.chown(probe, os.getuid(), os.getgid())
    probe.unlink()
    status = path.stat()
    backup = beside(path, path.name + "~")
    path.rename(backup)
    write(path, content, CREATE, flush=True)
    path.chmod(status.st_mode)
    backup.unlink()
    beside(path, f".{path.name}.swp").unlink()


def vim_with_backupcopy_yes(path: Path, content: bytes) -> None:
    """Vim copies the old file to the backup and writes to the old one."""
    backup = beside(path, path.name + "~")
    write(backup, path.read_bytes(), CREATE)
    write(path, content, os.O_CREAT | os.O_TRUNC, flush=True)
    backup.unlink()


def vs_code(path: Path, content: bytes) -> None:
    """VS Code with `files.experimental.atomicSave`: a temporary file beside the old one."""
    temporary = beside(path, f"{path.name}.vsctmp")
    write(temporary, content, os.O_CREAT | os.O_TRUNC, flush=True)
    temporary.chmod(path.stat().st_mode)
    temporary.rename(path)


def vs_code_in_place(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, content)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def gedit(path: Path, content: bytes) -> None:
    """GLib's `g_file_replace` with a backup: a link if possible, else a rename."""
    temporary = beside(path, ".goutputstream-A1B2C3")
    descriptor = os.open(temporary, os.O_RDWR | CREATE, 0o600)
    status = path.stat()
    os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode)
    os.write(descriptor, content)
    os.fsync(descriptor)
    backup = beside(path, path.name + "~")
    try:
        os.link(path, backup)
    except OSError:
        path.rename(backup)
    temporary.rename(path)
    os.close(descriptor)
    assert backup.read_bytes() == b"old roses"


def libreoffice(path: Path, content: bytes) -> None:
    """LibreOffice locks the document, writes a temporary one and moves it over the old one."""
    lock = beside(path, f".~lock.{path.name}#")
    write(lock, b"me,here;", CREATE)
    temporary = beside(path, "lu1234abcd.tmp")
    write(temporary, content, CREATE, mode=0o600, flush=True)
    aside = beside(path, "lu1234abce.tmp")
    path.rename(aside)
    temporary.rename(path)
    aside.unlink()
    lock.unlink()


def nano(path: Path, content: bytes) -> None:
    """Nano with a backup: it copies the old file, keeps its times, and writes to the old one."""
    lock = beside(path, f".{path.name}.swp")
    write(lock, b"b0nano", CREATE)
    status = path.stat()
    backup = beside(path, path.name + "~")
    write(backup, path.read_bytes(), CREATE, mode=0o600)
    os.utime(backup, ns=(status.st_atime_ns, status.st_mtime_ns))
    backup.chmod(status.st_mode)
    write(path, content, os.O_CREAT | os.O_TRUNC)
    backup.unlink()
    lock.unlink()


EDITORS = [vim_with_backupcopy_no, vim_with_backupcopy_yes, vs_code, vs_code_in_place, gedit, libreoffice, nano]


@pytest.fixture
def original(root: IndexedRoot) -> Path:
    path = root.add("a.txt", "old roses")
    path.chmod(0o640)
    os.setxattr(path, "user.note", b"kept")
    if os.geteuid() == 0:
        os.chown(path, 1234, 1235)
    root.index("a.txt", "old roses")
    return path


@pytest.fixture
def entry(mount: MountProcess, original: Path) -> Path:
    return mount.query_path("roses") / mount.result_names("roses")[0]


@pytest.mark.parametrize("save", EDITORS, ids=lambda save: save.__name__)
def test_editors_save_results(
    entry: Path, original: Path, root: IndexedRoot, save: Callable[[Path, bytes], None]
) -> None:
    before = original.stat()
    save(entry, b"new roses and more")
    assert entry.read_bytes() == b"new roses and more"
    wait_for(lambda: original.read_bytes() == b"new roses and more")
    after = original.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(original, "user.note") == b"kept"
    assert os.listdir(root.path) == ["a.txt"], "nothing is left beside the file"
    save(entry, b"once more") if save is not gedit else None
    wait_for(lambda: os.listdir(root.path) == ["a.txt"])


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is missing")
@pytest.mark.parametrize("backupcopy", ["yes", "no", "auto"])
def test_vim_itself_saves_results(entry: Path, original: Path, backupcopy: str) -> None:
    options = f"set backupcopy={backupcopy} backup backupskip="
    command = ["vim", "-es", "-u", "NONE", "-c", options, "-c", "%s/old/new/", "-c", "wq", entry.name]
    subprocess.run(command, cwd=entry.parent, check=True, timeout=60)
    assert entry.read_text() == "new roses\n"
    wait_for(lambda: original.read_text() == "new roses\n")
    assert (entry.parent / (entry.name + "~")).read_text() == "old roses"


def test_scratch_files_are_private_and_end_with_the_mount(mount: MountProcess, entry: Path, root: IndexedRoot) -> None:
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
    mount.stop(signal.SIGKILL)
    mount.start()
    assert os.listdir(directory) == [entry.name]
    assert kept not in list((mount.home / "run").glob("scratch-*"))
    mount.stop()
    assert list((mount.home / "run").glob("scratch-*")) == []


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


SAVE_IN_A_LOOP = """
import os, sys, itertools
path, how = sys.argv[1:]
for number in itertools.count():
    content = (b"%d " % number) * 200_000
    target = path
    if how == "backup":
        os.rename(path, path + "~")
    else:
        target = path + ".tmp"
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for start in range(0, len(content), 65536):
        os.write(descriptor, content[start:start + 65536])
    os.fsync(descriptor)
    os.close(descriptor)
    if how == "backup":
        os.unlink(path + "~")
    else:
        os.rename(target, path)
    print(number, flush=True)
"""


@pytest.mark.parametrize("how", ["rename", "backup"])
def test_a_mount_that_is_killed_leaves_the_old_or_the_new_file(
    mount: MountProcess, entry: Path, original: Path, how: str
) -> None:
    for delay in (0.05, 0.3):
        saving = subprocess.Popen(
            [sys.executable, "-c", SAVE_IN_A_LOOP, entry, how], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert saving.stdout is not None
        assert saving.stdout.readline() == b"0\n"
        time.sleep(delay)
        mount.stop(signal.SIGKILL)
        with contextlib.closing(saving.stdout):
            saving.wait(30)
        words = original.read_bytes().split()
        assert len(words) == 200_000
        assert len(set(words)) == 1
        mount.start()


def test_saving_again_before_the_first_save_has_ended(entry: Path, original: Path) -> None:
    """A program goes on when it has closed a file; the mount learns of it a moment later."""
    for number in range(30):
        content = b"%d " % number * 1000
        entry.rename(beside(entry, "backup"))
        write(entry, content, CREATE)
        if number % 2:
            write(beside(entry, "temporary"), content + b"!", CREATE)
            beside(entry, "temporary").rename(entry)
            assert original.read_bytes() == entry.read_bytes() == content + b"!"
        beside(entry, "backup").unlink()
    wait_for(lambda: original.read_bytes() == content + b"!")
    assert os.listdir(entry.parent) == [entry.name]
