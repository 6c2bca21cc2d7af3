"""What scans keep of files, directories and roots that seem to be gone, on a real Postgres."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from magicfs.db.cluster.roots import request_scan, troubled_roots
from magicfs.ingest.roots import remove_root
from magicfs.ingest.scanner import ScanStopped
from tests.plugins.index import HOST, Index, with_and_without_restarts
from tests.plugins.services import make_maintenance, make_scanner


def empty_the_root(index: Index) -> None:
    """Index twenty files and delete them, so that a scan suspects their deletion."""
    for number in range(20):
        (index.folder / f"{number}.txt").write_text(f"words {number}")
    index.settle()
    for number in range(20):
        (index.folder / f"{number}.txt").unlink()
    assert index.scan().suspected_deletions == 20


@with_and_without_restarts
class TestRootsThatAreNotThere:
    def test_a_missing_root_keeps_its_files(self, index: Index, tmp_path: Path) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        index.folder.rename(tmp_path / "unplugged")
        index.scan()
        assert index.states() == {"one.txt": ("indexed", None)}
        assert index.registered().state == "missing"
        (tmp_path / "unplugged").rename(index.folder)
        index.scan()
        assert index.registered().state == "present"

    def test_another_device_in_its_place_keeps_its_files(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        index.rows("UPDATE roots SET device = device + 1 RETURNING 1")
        (index.folder / "one.txt").unlink()
        index.scan()
        assert index.states() == {"one.txt": ("indexed", None)}
        assert "its disk is not there" in (index.registered().detail or "")

    def test_the_same_tree_under_another_device_number_is_the_same_root(self, index: Index) -> None:
        for number in range(5):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.settle()
        index.rows("UPDATE roots SET device = device + 1 RETURNING 1")
        (index.folder / "0.txt").write_text("changed meanwhile")
        (index.folder / "1.txt").unlink()
        index.settle()
        assert index.registered().state == "present"
        assert index.registered().root.device == index.folder.stat().st_dev
        assert set(index.states()) == {f"{number}.txt" for number in (0, 2, 3, 4)}

    def test_an_emptied_root_asks(self, index: Index) -> None:
        empty_the_root(index)
        assert len(index.states()) == 20
        assert index.registered().state == "suspect"
        with index.database.transaction() as connection:
            [(_, state, detail)] = troubled_roots(connection)
        assert state == "suspect"
        assert "magicfs scan --accept-deletions" in detail
        with index.database.transaction() as connection:
            request_scan(connection, name=index.root.name, may_delete=True)
        index.scan()
        assert index.states() == {}
        assert index.registered().state == "present"

    def test_a_renamed_directory_with_everything_in_it_does_not(self, index: Index) -> None:
        (index.folder / "a").mkdir()
        for number in range(20):
            (index.folder / f"a/{number}.txt").write_text(f"words {number}")
        index.settle()
        (index.folder / "a").rename(index.folder / "b")
        index.settle()
        assert set(index.states()) == {f"b/{number}.txt" for number in range(20)}
        assert len(index.reader.calls) == 20


class TestWhatMustNotBeLost:
    @with_and_without_restarts
    def test_a_directory_that_cannot_be_entered_keeps_its_files(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (index.folder / "closed").mkdir()
        (index.folder / "closed/one.txt").write_text("alpha")
        (index.folder / "two.txt").write_text("beta")
        index.settle()
        with as_nobody(index.folder / "closed", 0o644):
            assert not index.scan().complete
        assert set(index.states()) == {"closed/one.txt", "two.txt"}

    @with_and_without_restarts
    def test_what_lies_below_a_closed_directory_is_kept(self, index: Index) -> None:
        for name in ("closed/deep/one.txt", "closed-not/two.txt"):
            (index.folder / name).parent.mkdir(parents=True)
            (index.folder / name).write_text(name)
        index.settle()
        (index.folder / "closed-not/two.txt").unlink()
        (index.folder / "closed-not").rmdir()
        with as_nobody(index.folder / "closed", 0o000):
            assert not index.scan().complete
        assert set(index.states()) == {"closed/deep/one.txt"}

    def test_files_that_events_name_are_deleted_however_many_they_are(self, index: Index) -> None:
        for number in range(40):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.settle()
        for number in range(30):
            (index.folder / f"{number}.txt").unlink()
        assert index.scanner.delete(index.root, [f"{number}.txt".encode() for number in range(30)])
        assert len(index.states()) == 10
        assert index.scan().suspected_deletions == 0
        assert index.registered().state == "present"

    def test_events_delete_nothing_in_a_root_that_is_gone(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("words")
        index.settle()
        index.folder.rename(index.folder.with_name("elsewhere"))
        assert not index.scanner.delete(index.root, [b"one.txt"])
        assert set(index.states()) == {"one.txt"}

    def test_a_confirmation_during_a_scan_holds_for_the_next_one(self, index: Index) -> None:
        from magicfs.db.cluster import roots as roots_db

        with index.database.transaction() as connection:
            began = roots_db.database_time(connection)
        with index.database.transaction() as connection:
            roots_db.request_scan(connection, name=index.root.name, may_delete=True)
        with index.database.transaction() as connection:
            roots_db.record_scan(connection, index.root.id, began=began)
        assert index.rows("SELECT may_delete FROM roots") == [(True,)]
        index.scan()
        assert index.rows("SELECT may_delete FROM roots") == [(False,)]

    def test_a_confirmation_outlives_a_scan_that_is_stopped(self, index: Index) -> None:
        empty_the_root(index)
        with index.database.transaction() as connection:
            request_scan(connection, name=index.root.name, may_delete=True)
        with pytest.raises(ScanStopped):
            make_scanner(index.database, stopping=lambda: True).scan(index.registered())
        assert len(index.states()) == 20
        assert index.scan().deleted == 20

    def test_the_contents_of_a_removed_root_go_at_once(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.scan()
        index.extraction().run_batch()
        remove_root(index.database, host=HOST, name_or_path=index.root.name)
        make_maintenance(index.database).sweep()
        assert index.rows("SELECT count(*) FROM embeddings") == [(0,)]
        assert index.rows("SELECT count(*) FROM chunks") == [(0,)]

    def test_a_tree_that_vanishes_between_scans_asks(self, index: Index) -> None:
        for number in range(40):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.scan()
        for number in range(15):
            (index.folder / f"{number}.txt").unlink()
        assert index.scan().deleted == 15
        for number in range(15, 27):
            (index.folder / f"{number}.txt").unlink()
        assert index.scan().suspected_deletions == 12

    @with_and_without_restarts
    def test_one_file_whose_stat_fails_hides_no_other(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("bad.txt", "good.txt", "zone.txt"):
            (index.folder / name).write_text(name)
        index.settle()
        (index.folder / "good.txt").unlink()
        (index.folder / "new.txt").write_text("new")
        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", lambda descriptor: DirectoryWithBadEntry(descriptor, "bad.txt"))
            assert not index.scan().complete
        assert set(index.states()) == {"bad.txt", "new.txt", "zone.txt"}

    @with_and_without_restarts
    def test_a_new_file_with_one_failed_stat_is_found_by_the_next_scan(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: bytes) -> os.stat_result:
            if path.endswith(b"/new.txt"):
                raise OSError(errno.EIO, "no answer")
            return REAL_LSTAT(path)

        (index.folder / "old.txt").write_text("old")
        assert index.scan().complete
        (index.folder / "new.txt").write_text("new")
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", refuse)
            assert not index.scan().complete
        assert set(index.states()) == {"old.txt"}
        assert index.scan().complete
        assert set(index.states()) == {"new.txt", "old.txt"}


@contextmanager
def as_nobody(folder: Path, mode: int) -> Iterator[None]:
    """Be a user for whom the mode of a directory holds: root is bound by none."""
    if os.geteuid() == 0:
        for above in (folder, *folder.parents):
            if above.stat().st_uid == 0 and above != Path("/") and not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o755)
    folder.chmod(mode)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(os.getuid())
        folder.chmod(0o755)


class DirectoryWithBadEntry:
    """A directory with one entry whose `stat` fails."""

    def __init__(self, descriptor: int, bad: str) -> None:
        self._descriptor, self._bad = descriptor, bad

    def __enter__(self) -> Iterator[object]:
        return iter([BadEntry(name) if name == self._bad else entry for name, entry in self._all()])

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def _all(self) -> list[tuple[str, os.DirEntry[str]]]:
        with REAL_SCANDIR(self._descriptor) as entries:
            return [(entry.name, entry) for entry in entries]


class BadEntry:
    def __init__(self, name: str) -> None:
        self.name = name

    def is_file(self, *, follow_symlinks: bool) -> bool:
        return True

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        raise OSError(errno.EIO, "no answer")


REAL_SCANDIR = os.scandir
REAL_LSTAT = os.lstat
