"""Files that are moved while an agent watches and workers read are found at every moment, and right in the end."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.cluster.roots import request_scan
from magicfs.db.pool import Database
from magicfs.ingest.roots import add_root
from magicfs.ingest.watch_set import WatchSet
from magicfs.ingest.watcher import OTHER_ROOT_SECONDS
from magicfs.linux.inotify import Event
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import make_agent, running
from tests.plugins.index import HOST, Index

FILES = 240

FOUND = """
    SELECT roots.name || '/' || display, text FROM roots JOIN files ON root_id = roots.id
    JOIN content_chunks USING (content_id) JOIN chunks ON chunks.id = chunk_id
"""


def on_disk(*folders: Path) -> dict[str, str]:
    return {
        f"{folder.name}/{path.relative_to(folder)}": path.read_text()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def found(index: Index) -> dict[str, str]:
    return dict(index.rows(FOUND))


@pytest.fixture
def roots(index: Index, tmp_path: Path) -> tuple[Path, Path]:
    """Two roots on one disk; the files of the first one are read."""
    for number in range(FILES):
        folder = index.folder / "folder" / f"{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").write_text(f"the text of {number}")
    index.settle()
    (tmp_path / "second").mkdir()
    add_root(index.database, host=HOST, path=tmp_path / "second", home=tmp_path / "home")
    return index.folder, tmp_path / "second"


@contextmanager
def observed(database_url: str) -> Iterator[list[int]]:
    """How many different texts are found at each look."""
    counts: list[int] = []
    stop = threading.Event()
    query = "SELECT count(DISTINCT text) FROM files JOIN content_chunks USING (content_id) JOIN chunks ON id = chunk_id"

    def look() -> None:
        with Database(database_url, application="test") as database:
            while not stop.wait(0.01):
                with database.transaction() as connection:
                    counts.extend(connection.execute(query.replace("ON id", "ON chunks.id").encode()).fetchone() or ())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield counts
    finally:
        stop.set()
        thread.join()


@contextmanager
def workers(index: Index, count: int) -> Iterator[None]:
    """Extract workers that read what waits."""
    stop = threading.Event()

    def work(owner: str) -> None:
        extraction = index.extraction(owner)
        while not stop.wait(0.02):
            while extraction.run_batch():
                pass

    threads = [threading.Thread(target=work, args=(f"extract-{number}@here",)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wait_for_watches(index: Index) -> None:
    query = """
        SELECT count(*) FROM roots JOIN meta ON key = 'watched_since@' || roots.id
        WHERE value::timestamptz <= scanned_at
    """
    wait_until(lambda: index.rows(query) == [(2,)], seconds=60, failed="the roots are not watched")


def test_moved_files_are_found_at_every_moment(
    index: Index, roots: tuple[Path, Path], settings: Settings, database_url: str
) -> None:
    first, second = roots
    steps = [
        (first / "folder", first / "renamed"),
        (first / "renamed", first / "there"),
        (first / "there", first / "renamed"),
        (first / "renamed", second / "folder"),
        (second / "folder", second / "deep/er"),
        (second / "deep", first / "back"),
    ]
    (second / "deep").mkdir()
    index.reader.calls.clear()
    with running(make_agent(settings, index.database)), workers(index, 1):
        wait_for_watches(index)
        with observed(database_url) as counts:
            for old, new in steps:
                old.rename(new)
                wait_until(lambda: found(index) == on_disk(*roots), seconds=60, failed=f"{new} is not found")
            # Each file on its own, and at once by two names.
            for path in [path for path in (first / "back").rglob("*") if path.is_file()]:
                path.rename(first / f"single {path.name}")
            wait_until(lambda: found(index) == on_disk(*roots), seconds=60, failed="single files are not found")
    assert len(counts) > 50
    assert set(counts) == {FILES}


def test_what_was_moved_stays_found_while_the_events_of_the_other_root_wait(
    index: Index,
    roots: tuple[Path, Path],
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = roots
    may_handle = threading.Event()
    handle = WatchSet._handle_event

    def handle_late(self: WatchSet, event: Event) -> None:
        assert self._root.name != "second" or may_handle.wait(60)
        handle(self, event)

    monkeypatch.setattr(WatchSet, "_handle_event", handle_late)
    with running(make_agent(settings, index.database)), workers(index, 1):
        wait_for_watches(index)
        with observed(database_url) as counts:
            (first / "folder").rename(second / "folder")
            time.sleep(3 * OTHER_ROOT_SECONDS)
            may_handle.set()
            wait_until(lambda: found(index) == on_disk(*roots), seconds=60, failed="the folder is not found")
        assert set(counts) == {FILES}
        (second / "folder").rename(tmp_path / "outside")
        wait_until(lambda: found(index) == {}, seconds=60, failed="what has left both roots stays")


def test_what_is_moved_and_written_at_once_is_right_in_the_end(
    index: Index, roots: tuple[Path, Path], settings: Settings
) -> None:
    chance = random.Random(4)
    top = [roots[0] / "a", roots[0] / "b", roots[0] / "c", roots[1] / "a", roots[1] / "b"]
    (roots[0] / "folder").rename(top[0])
    for number in range(40):
        os.renames(top[0] / f"{number}", top[number % 3] / f"{number}")
    stop = threading.Event()

    def write() -> None:
        serial = random.Random(5)
        while not stop.wait(0.005):
            try:
                path = serial.choice([path for folder in roots for path in folder.rglob("*") if path.is_file()])
                match serial.randrange(5):
                    case 0:
                        path.unlink()
                    case 1:
                        path.with_name(f"new {time.monotonic_ns()}.txt").write_text(f"new {time.monotonic_ns()}")
                    case _ if path.exists():
                        path.write_text(f"written {time.monotonic_ns()}")
            except OSError:
                continue

    writer = threading.Thread(target=write)
    with running(make_agent(settings, index.database)), workers(index, 2):
        wait_for_watches(index)
        writer.start()
        ends = time.monotonic() + 6
        while time.monotonic() < ends:
            there, free = ([path for path in top if path.exists() is exists] for exists in (True, False))
            if free:
                chance.choice(there).rename(chance.choice(free))
            time.sleep(chance.choice([0.0, 0.02, 0.3]))
        stop.set()
        writer.join()
        time.sleep(2 * OTHER_ROOT_SECONDS)
        # What was raced, the next scan brings in line. So many files may have left a root at once that they were kept.
        with index.database.transaction() as connection:
            request_scan(connection, host=HOST, may_delete=True)
        wait_until(lambda: found(index) == on_disk(*roots), seconds=120, failed="the index differs from the disk")
    assert index.rows("SELECT count(*) FROM files WHERE lease IS NOT NULL") == [(0,)]
    assert index.rows("SELECT count(*) FROM files") == [(len(on_disk(*roots)),)]
