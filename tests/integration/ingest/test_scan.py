"""What scans and events record and delete, and what one bad file does to the others."""

from __future__ import annotations

import os
import shutil
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest

from magicfs.db import files as files_db
from magicfs.domain.files import FileRow
from magicfs.domain.ids import FileId
from magicfs.domain.roots import Root
from magicfs.errors import DatabaseUnavailable
from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.index_snapshot import IndexSnapshot
from magicfs.ingest.scanner import IMPORT_FILES, Scanner, ScanStopped
from magicfs.ingest.walk import Walk
from magicfs.ingest.watcher import ChangedPaths, Watcher
from tests.fakes.queue import SilentQueue
from tests.plugins.index import Index, with_and_without_restarts


def many(index: Index, count: int, *, below: str = "") -> None:
    (index.folder / below).mkdir(exist_ok=True)
    for number in range(count):
        (index.folder / below / f"{number}.txt").write_text(f"number {number}")


def watcher(index: Index) -> tuple[Watcher, list[Root]]:
    """A watcher, and the roots for which it asks for a scan."""
    rescans: list[Root] = []
    return Watcher(index.scanner, rescan=rescans.append), rescans


def changed(index: Index, *paths: bytes) -> ChangedPaths:
    """What events say about these paths."""
    return ChangedPaths(paths=set(paths))


@with_and_without_restarts
def test_a_time_beyond_what_the_database_holds_is_cut_off(index: Index) -> None:
    (index.folder / "late.txt").write_text("from the year 2400")
    (index.folder / "usual.txt").write_text("words")
    os.utime(index.folder / "late.txt", (13_569_465_600, 13_569_465_600))
    if (index.folder / "late.txt").stat().st_mtime < 13_000_000_000:
        pytest.skip("this file system keeps no such times")
    index.settle()
    assert index.states() == {"late.txt": ("indexed", None), "usual.txt": ("indexed", None)}
    assert index.scan().changed == 0


def test_a_file_that_the_database_refuses_is_logged_and_left_out(
    index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    """The database's index takes paths of 2,704 bytes, and random letters do not compress."""
    many(index, 5)
    descriptor = os.open(index.folder, os.O_RDONLY)
    letters = os.urandom(125).hex()
    for _ in range(13):
        os.mkdir(letters, dir_fd=descriptor)
        inner = os.open(letters, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor, letters = inner, os.urandom(125).hex()
    os.close(os.open("deep.txt", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    index.settle()
    assert set(index.states()) == {f"{number}.txt" for number in range(5)}
    assert [record for record in caplog.records if "deep.txt cannot be indexed" in record.message]


@with_and_without_restarts
def test_events_delete_nothing_in_a_root_whose_disk_is_another(index: Index) -> None:
    many(index, 30)
    index.settle()
    for number in range(5):
        (index.folder / f"{number}.txt").unlink()
    elsewhere = replace(index.root, device=index.root.device + 1)
    events, rescans = watcher(index)
    paths = [b"%d.txt" % number for number in range(5)]
    events.process(elsewhere, changed(index, *paths))
    assert len(index.states()) == 30
    assert rescans == [elsewhere], "a scan decides"
    events.process(index.root, changed(index, *paths))
    assert len(index.states()) == 25


@with_and_without_restarts
def test_a_deleted_tree_counts_each_of_its_files_once(index: Index) -> None:
    """`rm -r` raises an event for each file, and one for each directory above it."""
    deep = "a/b/c/d"
    (index.folder / deep).mkdir(parents=True)
    many(index, 40, below=deep)
    many(index, 60, below="others")
    index.settle()
    shutil.rmtree(index.folder / "a")
    events, rescans = watcher(index)
    directories = [b"a", b"a/b", b"a/b/c", b"a/b/c/d"]
    events.process(index.root, changed(index, *directories, *(b"a/b/c/d/%d.txt" % number for number in range(40))))
    assert not rescans, "40 of 100 files are not most of the root"
    assert len(index.states()) == 60
    (index.folder / "others/0.txt").unlink()
    events.process(index.root, changed(index, b"others/0.txt"))
    assert not rescans, "the deletions before count once too"
    assert len(index.states()) == 59


@with_and_without_restarts
def test_a_directory_that_was_replaced_is_brought_in_line_by_a_scan(index: Index) -> None:
    many(index, 30, below="site")
    many(index, 100, below="others")
    index.settle()
    for path in (index.folder / "site").iterdir():
        path.rename(path.with_name(f"old{path.name}"))
    (index.folder / "site").rename(index.folder / "away")
    many(index, 30, below="site.new")
    (index.folder / "site.new").rename(index.folder / "site")
    for path in (index.folder / "site").iterdir():
        path.rename(path.with_name(f"new{path.name}"))
    events, rescans = watcher(index)
    events.process(index.root, changed(index, b"site"))
    assert rescans == [index.root]
    index.settle()
    assert not [path for path in index.states() if path.startswith("site/") and not path.startswith("site/new")]


def test_a_watch_outlives_a_restart_of_the_database(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = index.scanner
    rescanned = threading.Semaphore(0)
    events = Watcher(scanner, rescan=lambda _: rescanned.release())
    saved = threading.Event()
    save = scanner.record
    failures = iter([True])

    def sometimes(root: Root, seen: list[files_db.SeenFile]) -> None:
        if seen and next(failures, False):
            raise DatabaseUnavailable("restarting")
        save(root, seen)
        if seen:
            saved.set()

    monkeypatch.setattr(scanner, "record", sometimes)
    stop = threading.Event()
    thread = threading.Thread(target=events.run, args=(index.root, stop))
    thread.start()
    try:
        assert rescanned.acquire(timeout=10), "the scan when the watch begins"
        (index.folder / "one.txt").write_text("alpha")
        assert rescanned.acquire(timeout=10), "a scan follows what could not be recorded"
        (index.folder / "two.txt").write_text("beta")
        assert saved.wait(timeout=10), "and the watch goes on"
    finally:
        stop.set()
        thread.join()
    assert "two.txt" in index.states()


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
    scandir = os.scandir

    def refusing(path):
        if closed and path.endswith(b"/closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("magicfs.ingest.walk.os.scandir", refusing)
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

    def without_closed(self):
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


def save(index: Index, scanner: Scanner, *names: str) -> None:
    """Write files, and record them as events would."""
    for name in names:
        (index.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (index.folder / name).write_text(f"words of {name}")
    walk = Walk(root=index.root.path, device=index.root.device, top=b"", rules=IgnoreRules())
    scanner.record(index.root, [seen for name in names if (seen := walk.stat_file(name.encode()))])


def urgent(index: Index) -> set[str]:
    return {row[0] for row in index.rows("SELECT display FROM files WHERE priority = 1")}


def test_what_is_saved_during_an_import_goes_ahead_of_it(index: Index) -> None:
    scanner = index.scanner
    for start in range(0, 1000, 50):
        save(index, scanner, *(f"import/{number}.txt" for number in range(start, start + 50)))
    save(index, scanner, "notes.txt", "letters/one.txt")
    ahead = urgent(index)
    assert {"notes.txt", "letters/one.txt"} <= ahead
    assert len(ahead) <= IMPORT_FILES + 2, "the import itself is not urgent"


def test_new_directories_that_come_one_after_the_other_are_an_import(index: Index) -> None:
    scanner = index.scanner
    for number in range(100):
        many(index, 5, below=f"clone{number}")
        scanner.scan_directory(index.root, b"clone%d" % number)
    save(index, scanner, "notes.txt")
    ahead = urgent(index)
    assert "notes.txt" in ahead
    assert len(ahead) <= IMPORT_FILES + 1


@with_and_without_restarts
def test_events_do_not_wait_for_a_large_directory(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.ingest.scanner.BATCH_FILES", 10)
    many(index, 25, below="large")
    events, rescans = watcher(index)
    events.process(index.root, changed(index, b"large"))
    assert len(index.states()) == 10
    assert rescans == [index.root], "a scan continues"
    index.settle()
    assert len(index.states()) == 25


@with_and_without_restarts
def test_a_scan_ends_when_the_agent_stops_and_the_next_one_goes_on(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.ingest.scanner.BATCH_FILES", 10)
    many(index, 25)
    with pytest.raises(ScanStopped):
        Scanner(index.database, SilentQueue(), stopping=lambda: True).scan(index.registered())
    assert len(index.states()) == 10
    index.settle()
    assert len(index.states()) == 25


@with_and_without_restarts
def test_a_file_that_became_a_directory_is_no_file(index: Index) -> None:
    (index.folder / "thing").write_text("was a file")
    (index.folder / "other.txt").write_text("stays")
    index.settle()
    (index.folder / "thing").unlink()
    (index.folder / "thing").mkdir()
    (index.folder / "thing/inside.txt").write_text("is in a directory")
    events, _ = watcher(index)
    events.process(index.root, changed(index, b"thing"))
    assert set(index.states()) == {"other.txt", "thing/inside.txt"}


@with_and_without_restarts
def test_a_scan_sees_what_events_have_recorded(index: Index) -> None:
    many(index, 20)
    index.settle()
    (index.folder / "sub").mkdir()
    save(index, index.scanner, "new.txt", "sub/new.txt")
    (index.folder / "new.txt").unlink()
    (index.folder / "sub/new.txt").unlink()
    (index.folder / "sub").rmdir()
    result = index.scan()
    assert (result.changed, result.deleted) == (0, 2)
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


@with_and_without_restarts
def test_new_files_of_a_root_that_lacks_most_others_are_read(index: Index) -> None:
    for number in range(20):
        (index.folder / f"{number}.txt").write_text(f"number {number}")
    index.settle()
    for number in range(20):
        (index.folder / f"{number}.txt").unlink()
    (index.folder / "new.txt").write_text("something new")
    index.settle()
    assert index.rows("SELECT state FROM roots") == [("suspect",)]
    states = index.states()
    assert states["new.txt"] == ("indexed", None)
    assert len(states) == 21, "the others are kept until a person confirms"


def test_a_scan_brings_back_files_that_another_program_has_deleted(index: Index) -> None:
    many(index, 20)
    index.settle()
    index.scan()
    assert Scanner(index.database, SilentQueue()).delete(index.root, [b"0.txt"])
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
