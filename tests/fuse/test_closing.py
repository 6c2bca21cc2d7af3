"""What `close` and `fsync` say of a save that fails, and what becomes of the text: as on a disk, and it is kept."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.editors import CREATE, beside
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import FILES_SECONDS, HOST
from tests.plugins.waiting import eventually

NEW = b"new roses"


@dataclass
class FaultyRoot:
    """A root named `faulty` on a file system of its own, whose operations fail or hang when they are told to."""

    path: Path
    faults: Path

    def tell(self, operation: str, fault: str) -> None:
        """Let an operation fail with an error, or `hang`."""
        (self.faults / f".{operation}").write_text(fault)
        (self.faults / f".{operation}").rename(self.faults / operation)

    def hangs(self, operation: str) -> bool:
        return (self.faults / f"{operation}.seen").exists()

    def heal(self) -> None:
        for fault in self.faults.iterdir():
            fault.unlink(missing_ok=True)


@pytest.fixture
def faulty(mount: MountProcess, database: Database, tmp_path: Path) -> Iterator[FaultyRoot]:
    root = FaultyRoot(tmp_path / "faulty", tmp_path / "faults")
    root.path.mkdir()
    root.faults.mkdir()
    command = [sys.executable, "-m", "tests.fuse.faulty_fs", str(root.path), str(root.faults)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        IndexedRoot(database, root.path, host=HOST, name="faulty").add("a.txt", "old faults")
        yield root
    finally:
        root.heal()
        process.kill()
        process.wait(60)
        process.stdout.close()
        subprocess.run(["fusermount3", "-uzq", str(root.path)], check=False, timeout=60)


@pytest.fixture
def faulty_entry(mount: MountProcess, faulty: FaultyRoot) -> Path:
    return mount.query_path("faults") / mount.result_names("faults")[0]


def new_content(entry: Path) -> int:
    """A descriptor of the new content of a result, which was renamed away."""
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    os.write(descriptor, NEW)
    return descriptor


def test_what_was_closed_is_saved_for_those_who_look_at_it(entry: Path, original: Path) -> None:
    for number in range(20):
        entry.rename(beside(entry, "backup"))
        descriptor = os.open(entry, os.O_WRONLY | CREATE)
        os.write(descriptor, b"%d" % number)
        os.close(descriptor)
        assert entry.stat().st_size == len(b"%d" % number)
        assert original.read_bytes() == b"%d" % number
        beside(entry, "backup").unlink()


FAULTS = [("create", "EROFS"), ("create", "EACCES"), ("write", "ENOSPC"), ("write", "EDQUOT"), ("fsync", "EIO")]


@pytest.mark.parametrize(("operation", "fault"), [*FAULTS, ("rename", "ENOSPC")])
def test_what_a_program_is_told_when_a_result_cannot_be_saved(
    faulty: FaultyRoot, faulty_entry: Path, operation: str, fault: str
) -> None:
    descriptor = new_content(faulty_entry)
    faulty.tell(operation, fault)
    with raises_errno(getattr(errno, fault)):
        os.fsync(descriptor)
    # Whoever closes a file may have a copy of the descriptor: only then the new file gets its name.
    with contextlib.nullcontext() if operation == "rename" else raises_errno(getattr(errno, fault)):
        os.close(descriptor)
    kept = beside(faulty_entry, faulty_entry.name + ".unsaved")
    eventually(kept.exists)
    assert kept.read_bytes() == NEW
    faulty.heal()
    assert faulty_entry.read_bytes() == (faulty.path / "a.txt").read_bytes() == b"old faults"
    assert os.listdir(faulty.path) == ["a.txt"]
    kept.rename(faulty_entry)
    assert (faulty.path / "a.txt").read_bytes() == NEW


def test_close_says_what_a_server_says_when_a_file_is_closed(mount: MountProcess, faulty: FaultyRoot) -> None:
    """Such as a disk of another machine, which tells of a quota when the last writes reach it."""
    for path in (mount.path / "mirror/faulty/a.txt", mount.path / "mirror/faulty/new.txt"):
        eventually(path.parent.exists)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, NEW)
        faulty.tell("flush", "EDQUOT")
        with raises_errno(errno.EDQUOT):
            os.close(descriptor)
        faulty.heal()


def test_who_only_reads_is_told_nothing(mount: MountProcess, faulty: FaultyRoot, faulty_entry: Path) -> None:
    descriptor = os.open(faulty_entry, os.O_RDONLY)
    faulty.tell("flush", "EIO")
    os.close(descriptor)


def test_a_shell_that_copies_descriptors_does_not_empty_a_result(entry: Path, original: Path) -> None:
    """It closes one of two descriptors of the new file before anything is written, and its children close others."""
    script = 'mv "$1" "$1.old" && { echo first; sleep 0; cat "$2"; echo last; } > "$1"'
    subprocess.run(["sh", "-c", script, "sh", entry, original], check=True, timeout=60)
    assert entry.read_bytes() == original.read_bytes() == b"first\nold roseslast\n"


def test_a_program_that_has_not_written_all_yet_closes_a_copy_of_its_descriptor(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    copy = os.dup(descriptor)
    os.close(copy)
    os.write(descriptor, b"first, ")
    os.close(os.dup(descriptor))
    os.close(os.open(entry, os.O_WRONLY))
    os.write(descriptor, b"second")
    assert entry.read_bytes() == b"first, second"
    assert original.read_bytes() == b"old roses"
    os.close(descriptor)
    assert entry.read_bytes() == original.read_bytes() == b"first, second"
    assert os.listdir(original.parent) == ["a.txt"]


@pytest.mark.parametrize("operation", ["create", "write", "fsync", "rename"])
def test_a_root_that_hangs_in_the_middle_of_a_save(
    mount: MountProcess, faulty: FaultyRoot, faulty_entry: Path, original: Path, operation: str
) -> None:
    """The program gets an error when the deadline has passed. The text is the old one or the new one, and kept."""
    temporary = beside(faulty_entry, "temporary")
    temporary.write_bytes(NEW)
    faulty.tell(operation, "hang")
    with raises_errno(errno.ETIMEDOUT):
        temporary.rename(faulty_entry)
    assert faulty.hangs(operation)
    assert temporary.read_bytes() == NEW
    # Others are not concerned.
    other = mount.query_path("roses") / mount.result_names("roses")[0]
    other.rename(beside(other, "backup"))
    beside(other, "backup").rename(other)
    faulty.heal()
    expected = NEW if operation == "rename" else b"old faults"
    eventually(lambda: (faulty.path / "a.txt").read_bytes() == expected and os.listdir(faulty.path) == ["a.txt"])
    eventually(lambda: faulty_entry.read_bytes() == expected)
    if temporary.exists():
        temporary.rename(faulty_entry)
    assert (faulty.path / "a.txt").read_bytes() == NEW
    assert FILES_SECONDS < 20
