"""What scans compare with: the cached snapshot, and the rows of the index that are loaded where it is stale."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from magicfs.db.corpus import files as files_db
from magicfs.domain.files import FileRow, FileStat, SeenFile
from magicfs.domain.ids import FileId
from magicfs.ingest.index_snapshot import IndexSnapshot
from magicfs.ingest.scanner import ScanStopped
from magicfs.ingest.walk import Listing, Walk
from tests.integration.ingest.trees import changed, many, watcher
from tests.plugins.index import Index, with_and_without_restarts
from tests.plugins.services import make_scanner


def test_a_directory_that_cannot_be_listed_leaves_the_others_in_the_cache(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(index, 3, below="open")
    many(index, 3, below="closed")
    many(index, 3, below="closed/inner")
    index.settle()
    scanner = index.scanner
    scanner.scan(index.registered())
    closed = True
    real_open = os.open

    def refusing(path: Any, *arguments: Any, **keywords: Any) -> int:
        if closed and os.fsencode(path).endswith(b"/closed"):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, *arguments, **keywords)

    monkeypatch.setattr("magicfs.ingest.walk.os.open", refusing)
    assert not scanner.scan(index.registered()).complete
    loaded = []
    snapshot = files_db.snapshot
    monkeypatch.setattr(files_db, "snapshot", lambda *a, **k: loaded.append(a) or snapshot(*a, **k))
    result = scanner.scan(index.registered())
    assert (result.complete, result.changed, result.deleted) == (False, 0, 0)
    assert len(index.states()) == 9, "nothing is deleted below a directory that was not listed"
    closed = False
    for path in (index.folder / "closed/inner").iterdir():
        path.unlink()
    (index.folder / "closed/inner").rmdir()
    (index.folder / "closed/0.txt").unlink()
    result = scanner.scan(index.registered())
    assert (result.complete, result.changed, result.deleted) == (True, 0, 4)
    assert not loaded, "no scan loads all rows"


def test_a_directory_that_could_not_be_listed_and_is_gone_is_deleted_with_all_below(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(index, 20, below="open")
    many(index, 2, below="closed")
    many(index, 2, below="closed/inner")
    index.settle()
    scanner = index.scanner
    listings = Walk.listings

    def without_closed(self: Walk) -> Iterator[Listing]:
        for listing in listings(self):
            if listing.path.startswith(b"closed"):
                self.unlisted.append(listing.path)
            else:
                yield listing

    with monkeypatch.context() as patch:
        patch.setattr(Walk, "listings", without_closed)
        scanner.scan(index.registered())
    for path in sorted((index.folder / "closed").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (index.folder / "closed").rmdir()
    assert scanner.scan(index.registered()).deleted == 4
    assert len(index.states()) == 20


@with_and_without_restarts
def test_a_scan_finds_unchanged_files_that_an_event_has_deleted(index: Index) -> None:
    """A directory that is moved away and back is the same in every `stat`."""
    many(index, 40)
    many(index, 3, below="sub")
    index.settle()
    events, _ = watcher(index)
    (index.folder / "sub").rename(index.folder.with_name("elsewhere"))
    events.process(index.root, changed(index, b"sub"))
    assert len(index.states()) == 40
    index.folder.with_name("elsewhere").rename(index.folder / "sub")
    assert index.scan().changed == 3
    assert len(index.states()) == 43


def test_a_rescan_of_an_unchanged_tree_reads_no_rows_of_files(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    many(index, 3)
    many(index, 3, below="sub")
    index.settle()
    loaded = []
    for name in ("snapshot", "snapshot_of_directory"):
        monkeypatch.setattr(files_db, name, lambda *arguments, **_: loaded.append(arguments) or [])
    assert index.scan().changed == 0
    assert not loaded
    index.restart_agent()
    index.scan()
    assert loaded


def test_a_scan_brings_back_files_that_another_program_has_deleted(index: Index) -> None:
    many(index, 20)
    index.settle()
    index.scan()
    assert make_scanner(index.database).delete(index.root, [b"0.txt"])
    assert len(index.states()) == 19
    assert (index.scan().changed, index.scan().changed) == (1, 0)
    assert len(index.states()) == 20


def test_own_deletions_leave_the_cache_in_use(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    many(index, 20)
    index.settle()
    for number in range(3):
        (index.folder / f"{number}.txt").unlink()
    events, _ = watcher(index)
    events.process(index.root, changed(index, b"0.txt"))
    assert index.scan().deleted == 2
    loaded = []
    monkeypatch.setattr(files_db, "snapshot", lambda *arguments, **_: loaded.append(arguments) or [])
    assert (index.scan().changed, len(index.states())) == (0, 17)
    assert not loaded


def test_a_scan_that_was_stopped_forgets_nothing_of_what_events_have_recorded(index: Index) -> None:
    stops = False
    scanner = make_scanner(index.database, stopping=lambda: stops)
    many(index, 20)
    many(index, 3, below="sub")
    scanner.scan(index.registered())
    # A directory whose rows events have written, and that is gone before the next scan.
    seen = SeenFile(b"sub/0.txt", FileStat.of((index.folder / "sub/0.txt").stat()))
    scanner.record(index.root, [seen])
    shutil.rmtree(index.folder / "sub")
    stops = True
    with pytest.raises(ScanStopped):
        scanner.scan(index.registered())
    stops = False
    assert scanner.scan(index.registered()).deleted == 3
    assert len(index.states()) == 20


def test_a_scan_without_the_cache_compares_with_the_database_itself(index: Index) -> None:
    many(index, 3)
    index.settle()
    index.scan()
    index.rows("UPDATE files SET size = size + 1 WHERE path = '0.txt' RETURNING 1")
    assert index.scan().changed == 0
    assert index.scanner.scan(index.registered(), use_cache=False).changed == 1


def test_what_a_scan_loads_takes_little_memory(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that starts loads the rows of all files: 368 bytes each were more than systemd allows."""
    count = 50_000

    def rows(*_: object, **__: object) -> Iterator[FileRow]:
        for number in range(count):
            yield FileRow(
                FileId(number), b"sub%03d/%05d.txt" % (number // 100, number), 0, 10**18 + number, 10**18, number
            )

    monkeypatch.setattr(files_db, "snapshot", rows)
    tracemalloc.start()
    try:
        snapshot = IndexSnapshot(index.database, index.root.id, b"", None)
        assert tracemalloc.get_traced_memory()[1] < 100 * count
    finally:
        tracemalloc.stop()
    assert len(snapshot.unseen_files([])) == count


@with_and_without_restarts
def test_rows_are_compared_with_their_directory_in_any_order_of_names(index: Index) -> None:
    """A directory's rows do not follow each other: `a.txt` and `a/x` lie before `a0`, and `a/b/x` before `a/c`."""
    names = ["a.txt", "a0", "a/b.txt", "a/b/x", "a/b0", "a/c", "b/a/x", "b/z", "z"]
    for name in names:
        (index.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (index.folder / name).write_text(name)
    index.settle()
    result = index.scan()
    assert (result.changed, result.deleted) == (0, 0)
    (index.folder / "a/c").unlink()
    (index.folder / "b/z").write_text("another text")
    result = index.scan()
    assert (result.changed, result.deleted) == (1, 1)
    assert set(index.states()) == {*names} - {"a/c"}
