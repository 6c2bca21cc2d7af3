"""Saving results in `search/<query>/`: the system calls of editors, and a mount that is killed meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno, wait_for
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST

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


def emacs(path: Path, content: bytes) -> None:
    """Emacs locks the file by a dangling link, renames the old one to the backup, and writes a new one."""
    lock = beside(path, f".#{path.name}")
    lock.symlink_to("me@here.1234:1700000000")
    status = path.stat()
    backup = beside(path, path.name + "~")
    path.rename(backup)
    write(path, content, CREATE, mode=0o666)
    path.chmod(status.st_mode)
    assert os.readlink(lock) == "me@here.1234:1700000000"
    lock.unlink()


def sed(path: Path, content: bytes) -> None:
    """`sed -i` writes a temporary file with the mode and the owner of the old one, and renames it over that."""
    status = path.stat()
    temporary = beside(path, "sedAbC123")
    descriptor = os.open(temporary, os.O_RDWR | CREATE, 0o600)
    os.fchmod(descriptor, status.st_mode)
    os.fchown(descriptor, status.st_uid, status.st_gid)
    os.write(descriptor, content)
    os.close(descriptor)
    temporary.rename(path)


def perl(path: Path, content: bytes) -> None:
    """`perl -i.bak` reads the old file on while it writes the new one."""
    with path.open("rb") as old:
        backup = beside(path, path.name + ".bak")
        path.rename(backup)
        write(path, content, CREATE)
        assert old.read() == backup.read_bytes()


def git(path: Path, content: bytes) -> None:
    """Git writes `.lock` files, which it renames."""
    lock = beside(path, path.name + ".lock")
    write(lock, content, CREATE, mode=0o666, flush=True)
    lock.rename(path)


def python(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
        os.replace(file.name, path)


def python_that_flushes(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.replace(file.name, path)
        assert path.read_bytes() == content


def kde(path: Path, content: bytes) -> None:
    """`QSaveFile`."""
    temporary = beside(path, path.name + ".AbCdEf")
    write(temporary, content, CREATE, mode=0o600, flush=True)
    temporary.chmod(path.stat().st_mode)
    temporary.rename(path)


EDITORS = [
    vim_with_backupcopy_no,
    vim_with_backupcopy_yes,
    vs_code,
    vs_code_in_place,
    gedit,
    libreoffice,
    nano,
    emacs,
    sed,
    perl,
    git,
    python,
    python_that_flushes,
    kde,
]


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
    for left in set(os.listdir(entry.parent)) - {entry.name}:
        beside(entry, left).unlink()
    original.write_bytes(b"old roses")
    save(entry, b"once more")
    wait_for(lambda: original.read_bytes() == b"once more")


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is missing")
@pytest.mark.parametrize("backupcopy", ["yes", "no", "auto"])
def test_vim_itself_saves_results(entry: Path, original: Path, backupcopy: str) -> None:
    options = f"set backupcopy={backupcopy} backup backupskip="
    command = ["vim", "-es", "-u", "NONE", "-c", options, "-c", "%s/old/new/", "-c", "wq", entry.name]
    subprocess.run(command, cwd=entry.parent, check=True, timeout=60)
    assert entry.read_text() == "new roses\n"
    wait_for(lambda: original.read_text() == "new roses\n")
    assert (entry.parent / (entry.name + "~")).read_text() == "old roses"


PROGRAMS = {
    "sed": ["sed", "-i", "s/old roses/new roses\\n/"],
    "sed with a backup": ["sed", "-i.bak", "s/old roses/new roses\\n/"],
    "perl": ["perl", "-i", "-pe", "s/old roses/new roses\\n/"],
    "perl with a backup": ["perl", "-i.orig", "-pe", "s/old roses/new roses\\n/"],
    "gio": ["gio", "save"],
    "gio with a backup": ["gio", "save", "--backup"],
    "dd": ["dd", "status=none", "if=/dev/stdin"],
    "ex": ["ex", "-s", "-u", "NONE", "-c", "%s/old/new/", "-c", "wq"],
}


@pytest.mark.parametrize(
    "programs",
    [pytest.param(command, id=name) for name, command in PROGRAMS.items() if shutil.which(command[0]) and name != "dd"],
)
def test_programs_themselves_save_results(entry: Path, original: Path, programs: list[str]) -> None:
    before = original.stat()
    subprocess.run([*programs, entry.name], cwd=entry.parent, check=True, timeout=60, input=b"new roses\n")
    wait_for(lambda: original.read_text() == "new roses\n")
    assert entry.read_text() == "new roses\n"
    after = original.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.listdir(original.parent) == ["a.txt"]


def unsaved(mount: MountProcess) -> dict[str, bytes]:
    """What was not saved, by query and name."""
    folder = mount.home / "unsaved"
    return {
        str(file.relative_to(folder).relative_to(file.relative_to(folder).parts[0])): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


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


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_not_saved_outlives_the_mount(mount: MountProcess, entry: Path, end: int, original: Path) -> None:
    beside(entry, "note").write_text("text that a person wrote")
    beside(entry, "empty").write_text("")
    beside(entry, ".#lock").symlink_to("me@here")
    entry.rename(beside(entry, entry.name + "~"))
    unfinished = os.open(entry, os.O_WRONLY | CREATE)
    os.write(unfinished, b"half of a te")
    mount.stop(end)
    with contextlib.suppress(OSError):
        os.close(unfinished)
    mount.start()
    assert original.read_bytes() == b"old roses"
    assert unsaved(mount) == {
        "roses/note": b"text that a person wrote",
        f"roses/{entry.name}": b"half of a te",
        f"roses/{entry.name}~": b"old roses",
    }
    assert (mount.home / "unsaved").stat().st_mode & 0o077 == 0
    assert "3 files" in mount.log
    assert os.listdir(entry.parent) == [entry.name]
    mount.stop()
    assert len(unsaved(mount)) == 3
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


@pytest.mark.parametrize("rounds", [pytest.param(5, id="5"), pytest.param(50, id="50", marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", ["rename", "backup"])
def test_a_mount_that_is_killed_leaves_the_old_or_the_new_file(
    mount: MountProcess, entry: Path, original: Path, how: str, rounds: int
) -> None:
    generator = random.Random(rounds)
    for _ in range(rounds):
        saving = subprocess.Popen(
            [sys.executable, "-c", SAVE_IN_A_LOOP, entry, how], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert saving.stdout is not None
        assert saving.stdout.readline() == b"0\n"
        time.sleep(generator.random() * 0.3)
        mount.stop(signal.SIGKILL)
        with contextlib.closing(saving.stdout):
            saving.wait(30)
        words = original.read_bytes().split()
        assert len(words) == 200_000
        assert len(set(words)) == 1
        mount.start()
        assert os.listdir(original.parent) == ["a.txt"]
    for content in unsaved(mount).values():
        assert len(set(content.split()[:-1])) == 1


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
    wait_for(lambda: original.read_bytes() == b"first, second, third")
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
    wait_for(lambda: original.read_bytes() == b"first, second")
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
    wait_for(lambda: original.read_bytes() == before + b"and the rest")
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
    wait_for(lambda: original.read_bytes() == b"new")
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


def test_what_cannot_be_saved_is_kept_with_the_longest_name(mount: MountProcess, root: IndexedRoot) -> None:
    original = root.add("folder/" + "n" * 243 + ".txt", "long roses")
    entry = mount.query_path("long") / mount.result_names("long")[0]
    assert len(entry.name) == 255
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    os.write(descriptor, b"new roses")
    original.unlink()
    os.close(descriptor)
    kept = beside(entry, entry.name[:247] + ".unsaved")
    wait_for(kept.exists)
    assert kept.read_bytes() == b"new roses"
    assert "could not save" in mount.log
    mount.stop()
    assert unsaved(mount)[f"long/{kept.name}"] == b"new roses"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a full file system")
def test_a_full_disk_keeps_the_old_file(mount: MountProcess, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", str(path)], check=True)
    try:
        root = IndexedRoot(database, path, host=HOST, name="small")
        original = root.add("a.txt", "small roses")
        entry = mount.query_path("small") / mount.result_names("small")[0]
        temporary = beside(entry, "temporary")
        temporary.write_bytes(b"x" * (2 << 20))
        with raises_errno(errno.ENOSPC):
            temporary.rename(entry)
        assert original.read_bytes() == entry.read_bytes() == b"small roses"
        entry.rename(beside(entry, "backup"))
        descriptor = os.open(entry, os.O_WRONLY | CREATE)
        os.write(descriptor, b"x" * (2 << 20))
        with raises_errno(errno.ENOSPC):
            os.fsync(descriptor)
        assert original.read_bytes() == b"small roses"
        beside(entry, "backup").rename(entry)
        os.close(descriptor)
        assert original.read_bytes() == entry.read_bytes() == b"small roses"
        assert os.listdir(path) == ["a.txt"]
        assert temporary.stat().st_size == 2 << 20
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


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
