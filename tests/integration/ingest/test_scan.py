"""What scans and events record and delete, and what one bad file does to the others."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from magicfs.domain.files import FileStat, SeenFile
from magicfs.domain.roots import Root
from magicfs.errors import DatabaseUnavailable
from magicfs.ingest import walk
from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.import_detector import IMPORT_FILES
from magicfs.ingest.scanner import Scanner, ScanStopped
from magicfs.ingest.walk import Listing, Walk
from magicfs.ingest.watcher import Watcher
from tests.integration.ingest.agents import NotingQueue
from tests.integration.ingest.trees import changed, many, watcher
from tests.plugins.index import HOST, Index, with_and_without_restarts
from tests.plugins.services import make_scanner
from tests.plugins.waiting import SECONDS


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


def test_files_that_changed_wake_the_workers_of_their_host_and_others_do_not(index: Index) -> None:
    queue = NotingQueue()
    index.scanner = make_scanner(index.database, queue=queue)
    (index.folder / "new.txt").write_text("words")
    for _ in range(2):
        index.scan()
        assert queue.extract == [HOST]


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


BECOMES: dict[str, Callable[[str], object]] = {
    "a link": lambda path: os.symlink("kept.txt", path),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("kind", BECOMES)
def test_a_file_that_something_else_has_replaced_is_gone(index: Index, kind: str) -> None:
    for name in ("a.txt", "kept.txt"):
        (index.folder / name).write_text(name)
    index.settle()
    (index.folder / "a.txt").unlink()
    BECOMES[kind](str(index.folder / "a.txt"))
    events, _ = watcher(index)
    events.process(index.root, changed(index, b"a.txt"))
    assert set(index.states()) == {"kept.txt"}


@with_and_without_restarts
def test_a_deleted_tree_is_gone_and_its_neighbours_stay(index: Index) -> None:
    """`rm -r` raises an event for each file, and one for each directory above it."""
    deep = "a/b/c/d"
    (index.folder / deep).mkdir(parents=True)
    many(index, 40, below=deep)
    # Names that sort right before, within and after those below `a/`.
    neighbours = {"a-b/0.txt", "a.txt", "a0", "aa/0.txt"}
    for name in neighbours:
        (index.folder / name).parent.mkdir(exist_ok=True)
        (index.folder / name).write_text(name)
    index.settle()
    shutil.rmtree(index.folder / "a")
    events, rescans = watcher(index)
    directories = [b"a", b"a/b", b"a/b/c", b"a/b/c/d"]
    events.process(index.root, changed(index, *directories, *(b"a/b/c/d/%d.txt" % number for number in range(40))))
    assert set(index.states()) == neighbours
    assert not rescans, "events that name files leave no doubt, however many these are"


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
    failures = [DatabaseUnavailable("restarting")]

    def sometimes(root: Root, seen: list[SeenFile]) -> None:
        if seen and failures:
            raise failures.pop()
        save(root, seen)
        if seen:
            saved.set()

    monkeypatch.setattr(scanner, "record", sometimes)
    stop = threading.Event()
    thread = threading.Thread(target=events.run, args=(index.root, stop))
    thread.start()
    try:
        assert rescanned.acquire(timeout=SECONDS), "the scan when the watch begins"
        (index.folder / "one.txt").write_text("alpha")
        assert rescanned.acquire(timeout=SECONDS), "a scan follows what could not be recorded"
        (index.folder / "two.txt").write_text("beta")
        assert saved.wait(timeout=SECONDS), "and the watch goes on"
    finally:
        stop.set()
        thread.join()
    assert "two.txt" in index.states()


def save(index: Index, scanner: Scanner, *names: str) -> None:
    """Write files, and record them as events would."""
    for name in names:
        (index.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (index.folder / name).write_text(f"words of {name}")
    record(index, scanner, *names)


def record(index: Index, scanner: Scanner, *names: str) -> None:
    """Record files as events that name them would."""
    walk = Walk(root=index.root.path, device=index.root.device, top=b"", rules=IgnoreRules())
    scanner.record(index.root, [seen for name in names if (seen := walk.stat_file(name.encode()))])


def urgent(index: Index) -> set[str]:
    return {row[0] for row in index.rows("SELECT display FROM files WHERE priority = 1")}


@pytest.fixture
def long_import(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an import be one on a busy machine too."""
    monkeypatch.setattr("magicfs.ingest.import_detector.IMPORT_WINDOW_SECONDS", 3600.0)
    index.restart_agent()


@pytest.mark.usefixtures("long_import")
def test_what_is_saved_during_an_import_goes_ahead_of_it(index: Index) -> None:
    scanner = index.scanner
    for start in range(0, 1000, 50):
        save(index, scanner, *(f"import/{number}.txt" for number in range(start, start + 50)))
    save(index, scanner, "notes.txt", "letters/one.txt")
    ahead = urgent(index)
    assert {"notes.txt", "letters/one.txt"} <= ahead
    assert len(ahead) <= IMPORT_FILES + 2, "the import itself is not urgent"


def test_what_is_saved_while_its_directory_is_scanned_goes_ahead(index: Index) -> None:
    many(index, 3)
    save(index, index.scanner, "read.txt")
    index.read_all()
    (index.folder / "saved.txt").write_text("words of saved.txt")
    index.scan()
    assert urgent(index) == set(), "the scan has seen it before its event"
    record(index, index.scanner, "read.txt", "saved.txt")
    assert urgent(index) == {"saved.txt"}, "the other one has been read since"


def test_what_was_saved_stays_urgent_when_a_scan_finds_another_change(index: Index) -> None:
    save(index, index.scanner, "notes.txt")
    (index.folder / "notes.txt").write_text("other and more words")
    assert index.scan().changed == 1
    assert urgent(index) == {"notes.txt"}


@pytest.mark.usefixtures("long_import")
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
    monkeypatch.setattr("magicfs.ingest.row_writer.BATCH_FILES", 10)
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
    monkeypatch.setattr("magicfs.ingest.row_writer.BATCH_FILES", 10)
    many(index, 25)
    with pytest.raises(ScanStopped):
        make_scanner(index.database, stopping=lambda: True).scan(index.registered())
    assert len(index.states()) == 10
    index.settle()
    assert len(index.states()) == 25


@with_and_without_restarts
def test_a_file_that_is_made_anew_behind_a_scan_stays(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    many(index, 20)
    index.settle()
    (index.folder / "0.txt").unlink()
    listings = Walk.listings

    def listings_and_then(self: Walk) -> Iterator[Listing]:
        yield from listings(self)
        (index.folder / "0.txt").write_text("made anew")
        index.scanner.record(index.root, [SeenFile(b"0.txt", FileStat.of((index.folder / "0.txt").stat()))])

    monkeypatch.setattr(Walk, "listings", listings_and_then)
    assert index.scan().deleted == 0
    assert index.states()["0.txt"] == ("pending", None)


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


def test_a_directory_that_cannot_be_listed_is_logged_once(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each scan would write a line for each, so that nothing else were left in the log."""
    many(index, 3, below="closed")
    index.settle()
    opened = walk.open_directory
    closed = True

    def refuse(directory: bytes) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if closed and directory.endswith(b"/closed"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(directory)

    monkeypatch.setattr(walk, "open_directory", refuse)

    def lines() -> int:
        caplog.clear()
        index.scan()
        return caplog.text.count("cannot list")

    assert [lines(), lines()] == [1, 0]
    closed = False
    assert lines() == 0
    closed = True
    assert lines() == 1
    assert len(index.states()) == 3
