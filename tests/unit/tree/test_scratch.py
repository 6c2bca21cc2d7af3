"""Scratch files, without a mount: limits, giving up, and what ends with a mount."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from magicfs.domain.attributes import AttributeChange
from magicfs.tree.pending_saves import ResultPlace
from magicfs.tree.saving import Replacement
from magicfs.tree.scratch import space as space_module
from magicfs.tree.scratch.directories import ScratchDirectory
from magicfs.tree.scratch.scratch import Scratch, scratch_directory
from magicfs.tree.scratch.space import Space
from magicfs.tree.steps import Steps, acquiring, waiting
from tests.unit.tree.conftest import RESULT

MEGABYTE = 1 << 20
START = """
import sys, time
from pathlib import Path
from magicfs.tree.scratch.scratch import scratch_directory
home = Path(sys.argv[1])
with scratch_directory(home, home / "run") as path:
    (path / "files/note").write_text(path.name)
    sys.stdin.read()
    assert (path / "files/note").read_text() == path.name
"""


def move_away(directory: ScratchDirectory, real: Path, result: ResultPlace) -> None:
    with real.open("rb") as source:
        Steps(None, directory.copying(result, source.fileno(), b"backup")).finish()


def test_a_file_that_is_created_too_late_saves_nothing(
    directory: ScratchDirectory, real: Path, result: ResultPlace, scratch: Scratch
) -> None:
    move_away(directory, real, result)
    made = directory.create_content(result, mode=0o644, flags=os.O_WRONLY)
    directory.undo_create(*made)
    scratch.wait()
    assert real.read_bytes() == b"old"
    assert directory.find(RESULT) is None
    assert directory.has_moved(RESULT)


def test_space_has_limits(directory: ScratchDirectory, scratch: Scratch) -> None:
    file, handle = directory.create(b"a", mode=0o644, flags=os.O_RDWR)
    handle.write(0, b"x" * 90)
    with pytest.raises(OSError) as error:
        handle.write(90, b"x" * 11)
    assert error.value.errno == errno.ENOSPC
    assert file.path.stat().st_size == 90
    directory.remove(b"a")
    _, other = directory.create(b"b", mode=0o644, flags=os.O_RDWR)
    with pytest.raises(OSError, match="space"):
        other.write(0, b"x" * 11)
    handle.close()
    other.write(0, b"x" * 100)
    directory.link(b"c", b"x")
    directory.link(b"d", b"x")
    with pytest.raises(OSError, match="space"):
        directory.link(b"e", b"x")
    directory.remove(b"b")
    other.close()
    directory.create(b"f", mode=0o644, flags=os.O_RDWR)[1].write(0, b"x" * 100)


def test_a_file_that_is_cut_gives_its_space_back(directory: ScratchDirectory) -> None:
    file, handle = directory.create(b"a", mode=0o644, flags=os.O_RDWR)
    handle.write(0, b"x" * 90)
    file.set_attributes(AttributeChange(size=10), None)
    directory.create(b"b", mode=0o644, flags=os.O_RDWR)[1].write(0, b"x" * 90)


def test_scratch_files_do_not_fill_the_disk_of_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much is free is asked again after some megabytes: others write to that disk too."""
    space = Space(tmp_path)
    space.take(MEGABYTE)
    monkeypatch.setattr(space_module, "SPARED_BYTES", 1 << 62)
    with pytest.raises(OSError, match="space"):
        for _ in range(16):
            space.take(MEGABYTE)
    with pytest.raises(OSError, match="space"):
        Space(tmp_path).take(1)


def test_a_result_larger_than_the_space_is_not_moved(
    directory: ScratchDirectory, real: Path, result: ResultPlace
) -> None:
    real.write_bytes(b"x" * 101)
    with pytest.raises(OSError, match="space"):
        move_away(directory, real, result)
    assert not directory.has_moved(RESULT)
    directory.create(b"a", mode=0o644, flags=os.O_RDWR)[1].write(0, b"x" * 100)


def test_a_save_that_is_given_up_never_happens(
    directory: ScratchDirectory, real: Path, result: ResultPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk hangs for longer than the deadline."""
    hangs, goes_on = threading.Event(), threading.Event()
    flush = os.fsync

    def slow(descriptor: int) -> None:
        hangs.set()
        goes_on.wait(60)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    _, handle = directory.create(b"temporary", mode=0o644, flags=os.O_RDWR)
    handle.write(0, b"new")

    def save() -> Generator[None]:
        with directory.changed():
            yield from directory.saving_as(b"temporary", result)

    steps = Steps(None, save())

    def proceed() -> None:
        with pytest.raises(OSError, match="timed out"):
            steps.proceed()

    thread = threading.Thread(target=proceed)
    thread.start()
    hangs.wait(60)
    steps.give_up()
    goes_on.set()
    thread.join()
    with directory.changed():
        assert real.read_bytes() == b"old"
        assert directory.find(b"temporary") is not None
    assert os.listdir(real.parent) == ["a.txt"]


@pytest.mark.parametrize("has_unnamed_files", [True, False])
def test_a_new_file_is_like_the_old_one(
    real: Path, result: ResultPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_unnamed_files: bool
) -> None:
    if os.geteuid() == 0:
        os.chown(real, 1234, 1235)
    if not has_unnamed_files:
        monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY | os.O_CREAT)
    before = real.stat()
    records = tmp_path / "records"
    records.mkdir()
    (tmp_path / "source").write_bytes(b"new content")
    replacement = Replacement(result.location, records=records)
    with (tmp_path / "source").open("rb") as source:
        Steps(None, replacement.prepare(source.fileno())).finish()
    assert real.read_bytes() == b"old"
    assert len(os.listdir(records)) == (0 if has_unnamed_files else 1)
    replacement.commit()
    replacement.close()
    after = real.stat()
    assert real.read_bytes() == b"new content"
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(real, "user.note") == b"kept"
    assert os.listdir(real.parent) == ["a.txt"]
    assert os.listdir(records) == []


def test_a_file_whose_owner_cannot_be_kept_is_not_written_to(
    real: Path, result: ResultPlace, directory: ScratchDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchmod", refuse)
    before = real.stat()
    directory.create(b"temporary", mode=0o644, flags=os.O_RDWR)[1].write(0, b"new")
    with pytest.raises(PermissionError):
        Steps(None, directory.saving_as(b"temporary", result)).finish()
    after = real.stat()
    assert real.read_bytes() == b"old"
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)
    assert directory.find(b"temporary") is not None
    assert os.listdir(real.parent) == ["a.txt"]


def test_nothing_is_saved_where_a_link_has_taken_the_place(
    real: Path, result: ResultPlace, directory: ScratchDirectory, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(b"outside")
    real.unlink()
    real.symlink_to(tmp_path / "outside")
    directory.create(b"temporary", mode=0o644, flags=os.O_RDWR)[1].write(0, b"new")
    with pytest.raises(OSError) as error:
        Steps(None, directory.saving_as(b"temporary", result)).finish()
    assert error.value.errno == errno.ELOOP
    assert (tmp_path / "outside").read_bytes() == b"outside"
    assert directory.find(b"temporary") is not None


def test_mounts_that_start_at_once_have_directories_of_their_own(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", START, str(tmp_path)], stdin=subprocess.PIPE) for _ in range(8)
    ]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 8
    assert len(list((tmp_path / "unsaved").glob("*/note"))) == 8
    assert list((tmp_path / "run").glob("scratch-*")) == []


def test_a_new_file_that_a_killed_mount_has_left_is_removed(tmp_path: Path, real: Path) -> None:
    left = tmp_path / "home/run/scratch-0"
    for name in ("files", "records", "drafts"):
        (left / name).mkdir(parents=True)
    new = real.parent / ".magicfs-1"
    new.write_bytes(b"new")
    (left / "records/.magicfs-1").symlink_to(new)
    (left / "records/a.txt").symlink_to(real)
    with scratch_directory(tmp_path / "home", tmp_path / "home/run"):
        assert not left.exists()
    assert os.listdir(real.parent) == ["a.txt"]


def test_what_was_not_saved_is_moved_though_a_new_file_cannot_be_removed(tmp_path: Path, real: Path) -> None:
    """The file system of its root may not even answer."""
    left = tmp_path / "run/scratch-1"
    for name in ("files/roses", "records", "drafts"):
        (left / name).mkdir(parents=True)
    (left / "files/roses/note").write_text("text")
    (left / "records/.magicfs-1").symlink_to(real / ".magicfs-1")
    with scratch_directory(tmp_path, tmp_path / "run"):
        pass
    (note,) = (tmp_path / "unsaved").glob("*/roses/note")
    assert note.read_text() == "text"
    assert os.listdir(left / "records") == [".magicfs-1"]


def test_a_mount_whose_state_directory_cannot_be_written_to_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with scratch_directory(tmp_path, tmp_path / "run") as path:
        assert path is None


def test_a_program_waits_for_the_save_of_another_one_only_for_a_while() -> None:
    lock, event = threading.Lock(), threading.Event()
    with lock, pytest.raises(TimeoutError):
        Steps(None, acquiring(lock, seconds=0)).finish()
    with pytest.raises(TimeoutError):
        Steps(None, waiting(event, seconds=0)).finish()
    Steps(None, acquiring(lock, seconds=0)).finish()
    assert lock.locked()


STARTS_AND_ENDS = """
import sys
from pathlib import Path
from magicfs.tree.scratch.scratch import scratch_directory
home = Path(sys.argv[1])
with scratch_directory(home, home / "run") as path:
    assert path is not None
"""


def test_a_root_that_hangs_holds_up_no_mount_that_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr("magicfs.tree.scratch.scratch.remove_recorded", lambda _records: answers.wait(170))
    monkeypatch.setattr("magicfs.tree.scratch.scratch.CLEAR_SECONDS", 0.2)
    (tmp_path / "run/scratch-1/files/roses").mkdir(parents=True)
    (tmp_path / "run/scratch-1/files/roses/note").write_text("text")
    try:
        with scratch_directory(tmp_path, tmp_path / "run") as first:
            (note,) = (tmp_path / "unsaved").glob("*/roses/note")
            assert note.read_text() == "text"
            program = [sys.executable, "-c", STARTS_AND_ENDS, str(tmp_path)]
            subprocess.run(program, check=True, timeout=120)
            assert first is not None
            assert first.exists()
            answers.set()
    finally:
        answers.set()
