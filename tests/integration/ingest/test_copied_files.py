"""Files that were copied elsewhere and deleted, as moving to another disk does: nobody is asked about those."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from magicfs.ingest.index_snapshot import IndexSnapshot
from magicfs.ingest.roots import add_root
from tests.integration.ingest.trees import found, many, on_disk
from tests.plugins.index import HOST, Index, with_and_without_restarts

FILES = 30


@pytest.fixture
def other(index: Index, database: Database, tmp_path: Path) -> Index:
    """Another root of the same host, scanned by the same agent. The first one has files that were read."""
    many(index, FILES)
    index.settle()
    folder = tmp_path / "other"
    folder.mkdir()
    return replace(index, root=add_root(database, host=HOST, path=folder, home=tmp_path / "home"), folder=folder)


def move_by_copying(index: Index, folder: Path, *, names: str = "*.txt") -> None:
    """Each file gets another inode number, as on another disk."""
    folder.mkdir(exist_ok=True)
    for path in index.folder.glob(names):
        shutil.copy2(path, folder)
        path.unlink()


def is_suspect(index: Index) -> bool:
    index.settle()
    return index.rows("SELECT state FROM roots WHERE id = %s", index.root.id) == [("suspect",)]


def kept(index: Index) -> int:
    [(count,)] = index.rows("SELECT count(*) FROM files WHERE root_id = %s", index.root.id)
    return int(count)


@with_and_without_restarts
def test_files_whose_contents_are_in_another_root_are_forgotten_when_those_were_read(
    index: Index, other: Index
) -> None:
    move_by_copying(index, other.folder)
    assert is_suspect(index), "nothing is known of the copies yet"
    other.settle()
    assert not is_suspect(index)
    assert (kept(index), kept(other)) == (0, FILES)


def test_a_copy_that_has_changed_and_was_not_read_since_is_none(index: Index, other: Index) -> None:
    for path in index.folder.glob("*.txt"):
        shutil.copy2(path, other.folder)
    other.settle()
    for path in other.folder.glob("*.txt"):
        path.write_text(f"another text in {path.name}")
    other.scan()
    for path in index.folder.glob("*.txt"):
        path.unlink()
    assert index.scan().suspected_deletions == FILES
    assert kept(index) == FILES


def test_files_whose_contents_are_elsewhere_in_the_root_are_forgotten(index: Index, other: Index) -> None:
    move_by_copying(index, index.folder / "sorted")
    index.settle()
    assert not is_suspect(index)
    assert found(index) == on_disk(index)


def test_as_many_that_are_nowhere_are_kept_with_all_others(index: Index, other: Index) -> None:
    move_by_copying(index, other.folder, names="1*.txt")
    other.settle()
    for path in index.folder.iterdir():
        path.unlink()
    assert 0 < kept(other) < FILES
    assert is_suspect(index)
    assert kept(index) == FILES


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("something else")])
def test_a_copy_that_is_not_on_the_disk_as_it_was_read_is_none(
    index: Index, other: Index, change: Callable[[Path], object]
) -> None:
    move_by_copying(index, other.folder)
    other.settle()
    for path in other.folder.iterdir():
        change(path)
    assert is_suspect(index)
    assert kept(index) == FILES


def test_a_copy_on_another_host_is_none(index: Index, other: Index, database: Database, tmp_path: Path) -> None:
    """Whoever sees the disk there is another agent, and it is not asked."""
    (tmp_path / "remote").mkdir()
    root = add_root(database, host="elsewhere", path=tmp_path / "remote", home=tmp_path / "home")
    move_by_copying(index, tmp_path / "remote")
    remote = replace(other, root=root, folder=tmp_path / "remote")
    remote.scan()
    while remote.extraction(host="elsewhere").run_batch():
        pass
    assert index.rows("SELECT DISTINCT state FROM files WHERE root_id = %s", root.id) == [("indexed",)]
    assert is_suspect(index)
    assert kept(index) == FILES


@pytest.fixture
def films(index: Index) -> list[Path]:
    """Files whose bytes nobody has read: they are too large."""
    paths = sorted(index.folder.iterdir())
    for path in paths:
        path.write_bytes(bytes((1 << 20) + 1))
    index.settle()
    assert {reason for _, reason in index.states().values()} == {"too-large"}
    return paths


def renamed(film: Path, folder: Path) -> None:
    shutil.copy2(film, folder / f"other {film.name}")


def of_another_size(film: Path, folder: Path) -> None:
    status = film.stat()
    (folder / film.name).write_bytes(bytes(status.st_size + 1))
    os.utime(folder / film.name, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("copy", [shutil.copy2, shutil.copy, renamed, of_another_size])
def test_a_file_whose_bytes_nobody_has_read_is_known_by_its_name_size_and_time(
    index: Index, other: Index, films: list[Path], copy: Callable[[Path, Path], object]
) -> None:
    """As a large film."""
    for path in films:
        copy(path, other.folder)
        path.unlink()
    other.settle()
    assert is_suspect(index) is (copy is not shutil.copy2)
    assert kept(index) == (0 if copy is shutil.copy2 else FILES)


def test_a_copied_film_that_was_not_looked_at_since_it_changed_is_none(
    index: Index, other: Index, films: list[Path]
) -> None:
    for path in films:
        shutil.copy2(path, other.folder)
        path.unlink()
    other.scan()
    assert index.scan().suspected_deletions == FILES


def test_what_has_changed_and_was_not_read_before_it_was_deleted_has_no_copy(index: Index, other: Index) -> None:
    """What was read before is elsewhere, and the later text is not."""
    for path in index.folder.iterdir():
        shutil.copy2(path, other.folder)
    other.settle()
    for path in index.folder.iterdir():
        path.write_text(f"later text of {path.name}")
    index.scan()
    for path in index.folder.iterdir():
        path.unlink()
    assert index.scan().suspected_deletions == FILES


def test_one_of_several_copies_is_enough(index: Index, other: Index, database: Database, tmp_path: Path) -> None:
    """The others may have gone since they were read."""
    (tmp_path / "third").mkdir()
    root = add_root(database, host=HOST, path=tmp_path / "third", home=tmp_path / "home")
    third = replace(index, root=root, folder=tmp_path / "third")
    for path in index.folder.iterdir():
        shutil.copy2(path, other.folder if int(path.stem) % 2 else third.folder)
        shutil.copy2(path, third.folder if int(path.stem) % 2 else other.folder)
        path.unlink()
    other.settle()
    third.settle()
    for path in other.folder.iterdir():
        (path if int(path.stem) % 2 else third.folder / path.name).unlink()
    assert not index.scan().suspected_deletions


def test_nobody_is_asked_about_files_that_the_scan_of_another_root_has_found_meanwhile(
    index: Index, other: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in index.folder.glob("*.txt"):
        path.rename(other.folder / path.name)
    load = IndexSnapshot.unseen_files

    def scan_other(self: IndexSnapshot, unlisted: list[bytes]) -> dict[bytes, int]:
        monkeypatch.undo()
        other.scan()
        return load(self, unlisted)

    monkeypatch.setattr(IndexSnapshot, "unseen_files", scan_other)
    assert not index.scan().suspected_deletions
    assert kept(index) == 0
    assert kept(other) == FILES
