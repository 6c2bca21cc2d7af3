"""Several programs save one result, and others change the real file meanwhile: nothing is mixed up or lost."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.editors import CREATE, EDITORS, beside, write
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.waiting import eventually


def content_of(number: int) -> bytes:
    return b"%d " % number * 20_000


def test_two_editors_that_save_at_once(entry: Path, original: Path) -> None:
    """By temporary files of their own: the one that is renamed last stays, as on a disk."""
    errors: list[OSError] = []

    def save(number: int) -> None:
        try:
            for _ in range(20):
                temporary = beside(entry, f"temporary-{number}")
                write(temporary, content_of(number), CREATE, flush=True)
                temporary.rename(entry)
                assert entry.read_bytes() in {content_of(1), content_of(2)}
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert original.read_bytes() in {content_of(1), content_of(2)}
    assert os.listdir(original.parent) == ["a.txt"]
    assert os.listdir(entry.parent) == [entry.name]


def test_one_editor_saves_between_two_steps_of_another(entry: Path, original: Path) -> None:
    """One has renamed the result to a backup when the other one saves: both find the name taken as on a disk."""
    entry.rename(beside(entry, "backup"))
    write(beside(entry, "temporary"), b"second", CREATE)
    beside(entry, "temporary").rename(entry)
    assert entry.read_bytes() == original.read_bytes() == b"second"
    with raises_errno(errno.EEXIST):
        os.open(entry, os.O_WRONLY | CREATE)
    write(entry, b"first", os.O_CREAT | os.O_TRUNC)
    assert entry.read_bytes() == original.read_bytes() == b"first"
    assert beside(entry, "backup").read_bytes() == b"old roses"


def test_new_content_that_another_editor_replaces_is_not_saved_later(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    os.write(descriptor, b"first")
    write(beside(entry, "temporary"), b"second", CREATE)
    beside(entry, "temporary").rename(entry)
    os.write(descriptor, b", and more")
    os.close(descriptor)
    assert entry.read_bytes() == original.read_bytes() == b"second"


@pytest.mark.parametrize("save", EDITORS[:4], ids=lambda save: save.__name__)
def test_a_reader_keeps_what_it_has_opened(entry: Path, original: Path, save: Callable[[Path, bytes], None]) -> None:
    with original.open("rb") as on_disk, entry.open("rb") as reader:
        save(entry, b"new roses and more")
        eventually(lambda: original.read_bytes() == b"new roses and more")
        assert reader.read() == on_disk.read()


def test_a_file_that_is_replaced_on_the_disk_while_it_is_open(entry: Path, original: Path) -> None:
    descriptor = os.open(entry, os.O_RDWR)
    other = original.with_name("other")
    other.write_bytes(b"other roses")
    other.rename(original)
    os.pwrite(descriptor, b"OLD", 0)
    assert os.pread(descriptor, 100, 0) == b"OLD roses"
    assert os.fstat(descriptor).st_nlink == 0
    os.close(descriptor)
    eventually(lambda: entry.read_bytes() == b"other roses")
    assert original.read_bytes() == b"other roses"
    write(beside(entry, "temporary"), b"saved", CREATE)
    beside(entry, "temporary").rename(entry)
    assert original.read_bytes() == b"saved"


def test_a_file_that_is_removed_on_the_disk_while_new_content_is_written(entry: Path, original: Path) -> None:
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    os.write(descriptor, b"new roses")
    original.unlink()
    with raises_errno(errno.ENOENT, errno.ESTALE):
        os.close(descriptor)
    kept = beside(entry, entry.name + ".unsaved")
    eventually(kept.exists)
    assert kept.read_bytes() == b"new roses"
    assert not original.exists()


def test_what_is_dropped_into_a_search(mount: MountProcess, entry: Path, original: Path, tmp_path: Path) -> None:
    """File managers copy files and folders there, and replace what has the same name if they are told to."""
    (tmp_path / "dropped/folder").mkdir(parents=True)
    (tmp_path / "dropped/file").write_text("dropped")
    (tmp_path / "dropped/folder/file").write_text("deep")

    def run(*command: str | Path) -> str:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr

    assert run("cp", tmp_path / "dropped/file", entry.parent) == ""
    assert (entry.parent / "file").read_text() == "dropped"
    assert "Read-only file system" in run("cp", "-r", tmp_path / "dropped/folder", entry.parent)
    assert "cannot overwrite" in run("cp", tmp_path / "dropped/file", mount.path / "search"), "each name is a query"
    assert "Operation not permitted" in run("mv", tmp_path / "dropped/file", entry)
    assert (tmp_path / "dropped/file").read_text() == "dropped"
    assert "Operation not permitted" in run("cp", "--remove-destination", tmp_path / "dropped/file", entry)
    assert "Operation not permitted" in run("rm", "-rf", entry)
    assert original.read_text() == entry.read_text() == "old roses"
    assert run("cp", tmp_path / "dropped/file", entry) == ""
    assert original.read_text() == "dropped"


def test_two_queries_show_one_file(mount: MountProcess, root: IndexedRoot, entry: Path, original: Path) -> None:
    """It is open through one when it is saved through the other."""
    other = mount.query_path("old") / mount.result_names("old")[0]
    descriptor = os.open(other, os.O_RDONLY)
    write(beside(entry, "temporary"), b"new roses", CREATE)
    beside(entry, "temporary").rename(entry)
    assert os.pread(descriptor, 100, 0) == b"old roses"
    os.close(descriptor)
    eventually(lambda: other.read_bytes() == b"new roses")
    other.rename(beside(other, "backup"))
    write(other, b"once more", CREATE)
    assert other.read_bytes() == b"once more"
    eventually(lambda: entry.read_bytes() == original.read_bytes() == b"once more")
