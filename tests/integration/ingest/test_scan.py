"""What a scan and single events may conclude, and what one bad file may do to the others."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import pytest

from magicfs.db import files as files_db
from magicfs.domain.roots import Root
from magicfs.errors import DatabaseUnavailable
from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.scanner import IMPORT_FILES, Scanner, ScanStopped
from magicfs.ingest.walk import Walk
from magicfs.ingest.watcher import ChangedPaths, Watcher
from tests.fakes.queue import SilentQueue
from tests.plugins.index import Index


def many(index: Index, count: int, *, below: str = "") -> None:
    (index.folder / below).mkdir(exist_ok=True)
    for number in range(count):
        (index.folder / below / f"{number}.txt").write_text(f"number {number}")


def watcher(index: Index) -> tuple[Watcher, list[Root]]:
    """A watcher, and the roots that it wants to have scanned."""
    rescans: list[Root] = []
    return Watcher(Scanner(index.database, SilentQueue()), rescan=rescans.append), rescans


def test_a_time_beyond_what_the_database_holds_is_cut_off(index: Index) -> None:
    (index.folder / "late.txt").write_text("from the year 2400")
    (index.folder / "usual.txt").write_text("words")
    os.utime(index.folder / "late.txt", (13_569_465_600, 13_569_465_600))
    if (index.folder / "late.txt").stat().st_mtime < 13_000_000_000:
        pytest.skip("this file system keeps no such times")
    index.settle()
    assert index.states() == {"late.txt": ("indexed", None), "usual.txt": ("indexed", None)}
    assert index.scan().changed == 0


def test_a_file_that_the_database_refuses_is_said_and_left_out(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    """The index of paths takes 2,704 bytes, and a path of letters in no order cannot be packed."""
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


def test_events_delete_nothing_in_a_root_whose_disk_is_another(index: Index) -> None:
    many(index, 30)
    index.settle()
    for number in range(5):
        (index.folder / f"{number}.txt").unlink()
    elsewhere = replace(index.root, device=index.root.device + 1)
    looking, rescans = watcher(index)
    looking.process([elsewhere], ChangedPaths(paths={index.root.id: {b"%d.txt" % number for number in range(5)}}))
    assert len(index.states()) == 30
    assert rescans == [elsewhere], "a scan is to find out"
    looking.process([index.root], ChangedPaths(paths={index.root.id: {b"%d.txt" % number for number in range(5)}}))
    assert len(index.states()) == 25


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
    looking, rescans = watcher(index)
    looking.process([index.root], ChangedPaths(paths={index.root.id: {b"site"}}))
    assert rescans == [index.root]
    index.settle()
    assert not [path for path in index.states() if path.startswith("site/") and not path.startswith("site/new")]


def test_a_watch_outlives_a_database_that_is_away_for_a_moment(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = Scanner(index.database, SilentQueue())
    rescanned = threading.Semaphore(0)
    looking = Watcher(scanner, rescan=lambda _: rescanned.release())
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
    thread = threading.Thread(target=looking.run, args=([index.root], stop))
    thread.start()
    try:
        assert rescanned.acquire(timeout=10), "the scan at the beginning"
        (index.folder / "one.txt").write_text("alpha")
        assert rescanned.acquire(timeout=10), "what could not be written down is left to a scan"
        (index.folder / "two.txt").write_text("beta")
        assert saved.wait(timeout=10), "and the watch goes on"
    finally:
        stop.set()
        thread.join()
    assert "two.txt" in index.states()


def test_a_directory_that_cannot_be_seen_costs_no_memory_of_the_others(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(index, 3, below="open")
    many(index, 3, below="closed")
    many(index, 3, below="closed/inner")
    index.settle()
    scanner = Scanner(index.database, SilentQueue())
    scanner.scan(index.known())
    closed = True
    scandir = os.scandir

    def refusing(path):
        if closed and path.endswith(b"/closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("magicfs.ingest.walk.os.scandir", refusing)
    assert not scanner.scan(index.known()).complete
    whole = []
    snapshot = files_db.snapshot
    monkeypatch.setattr(files_db, "snapshot", lambda *a, **k: whole.append(a) or snapshot(*a, **k))
    result = scanner.scan(index.known())
    assert (result.complete, result.changed, result.deleted) == (False, 0, 0)
    assert len(index.states()) == 9, "nothing is concluded from what was not seen"
    closed = False
    for path in (index.folder / "closed/inner").iterdir():
        path.unlink()
    (index.folder / "closed/inner").rmdir()
    (index.folder / "closed/0.txt").unlink()
    result = scanner.scan(index.known())
    assert (result.complete, result.changed, result.deleted) == (True, 0, 4)
    assert not whole, "all without reading all rows"


def test_a_directory_that_could_not_be_seen_and_is_gone_is_forgotten_with_all_below(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(index, 20, below="open")
    many(index, 2, below="closed")
    many(index, 2, below="closed/inner")
    index.settle()
    scanner = Scanner(index.database, SilentQueue())
    listings = Walk.listings

    def without_closed(self):
        for listing in listings(self):
            if listing.path.startswith(b"closed"):
                self.unlisted.append(listing.path)
            else:
                yield listing

    with monkeypatch.context() as patch:
        patch.setattr(Walk, "listings", without_closed)
        scanner.scan(index.known())
    for path in sorted((index.folder / "closed").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (index.folder / "closed").rmdir()
    assert scanner.scan(index.known()).deleted == 4
    assert len(index.states()) == 20


def save(index: Index, scanner: Scanner, *names: str) -> None:
    """Write files, and have them looked at as events would."""
    for name in names:
        (index.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (index.folder / name).write_text(f"words of {name}")
    walk = Walk(root=index.root.path, device=index.root.device, below=b"", rules=IgnoreRules())
    scanner.record(index.root, [seen for name in names if (seen := walk.stat_file(name.encode()))])


def urgent(index: Index) -> set[str]:
    return {row[0] for row in index.rows("SELECT display FROM files WHERE priority = 1")}


def test_what_is_saved_during_an_import_that_events_tell_of_goes_ahead_of_it(index: Index) -> None:
    scanner = Scanner(index.database, SilentQueue())
    for start in range(0, 1000, 50):
        save(index, scanner, *(f"import/{number}.txt" for number in range(start, start + 50)))
    save(index, scanner, "notes.txt", "letters/one.txt")
    ahead = urgent(index)
    assert {"notes.txt", "letters/one.txt"} <= ahead
    assert len(ahead) <= IMPORT_FILES + 2, "the import does not go ahead of itself"


def test_new_directories_that_come_one_after_the_other_are_an_import(index: Index) -> None:
    scanner = Scanner(index.database, SilentQueue())
    for number in range(100):
        many(index, 5, below=f"clone{number}")
        scanner.scan_directory(index.root, b"clone%d" % number)
    save(index, scanner, "notes.txt")
    ahead = urgent(index)
    assert "notes.txt" in ahead
    assert len(ahead) <= IMPORT_FILES + 1


def test_events_do_not_wait_for_a_large_directory(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.ingest.scanner.BATCH_FILES", 10)
    many(index, 25, below="large")
    looking, rescans = watcher(index)
    looking.process([index.root], ChangedPaths(paths={index.root.id: {b"large"}}))
    assert len(index.states()) == 10
    assert rescans == [index.root], "a scan goes on"
    index.settle()
    assert len(index.states()) == 25


def test_a_scan_ends_when_the_agent_stops_and_the_next_one_goes_on(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.ingest.scanner.BATCH_FILES", 10)
    many(index, 25)
    with pytest.raises(ScanStopped):
        Scanner(index.database, SilentQueue(), stopping=lambda: True).scan(index.known())
    assert len(index.states()) == 10
    index.settle()
    assert len(index.states()) == 25


def test_a_file_that_became_a_directory_is_no_file(index: Index) -> None:
    (index.folder / "thing").write_text("was a file")
    (index.folder / "other.txt").write_text("stays")
    index.settle()
    (index.folder / "thing").unlink()
    (index.folder / "thing").mkdir()
    (index.folder / "thing/inside.txt").write_text("is in a directory")
    looking, _ = watcher(index)
    looking.process([index.root], ChangedPaths(paths={index.root.id: {b"thing"}}))
    assert set(index.states()) == {"other.txt", "thing/inside.txt"}
