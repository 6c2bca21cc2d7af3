"""File systems that do not answer any more: a root, or something that is mounted in one. A real one of FUSE hangs."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.cluster.roots import database_time, list_unscanned, request_scan
from magicfs.ingest import root_keeper, silent_disks, walk
from magicfs.ingest.roots import add_root
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import NotingQueue, make_agent, running
from tests.plugins.fuse import hanging_disk, needs_fuse
from tests.plugins.index import HOST, Index

pytestmark = needs_fuse


def states(index: Index) -> dict[str, str]:
    return dict(index.rows("SELECT name, state::text FROM roots"))


def ask_for_scans(index: Index) -> list[str]:
    """Ask for a scan of all roots, and wait until whoever waits for it need not wait any longer."""
    with index.database.transaction() as connection:
        since = database_time(connection)
        request_scan(connection)

    def unscanned() -> list[str]:
        with index.database.transaction() as connection:
            return list_unscanned(connection, host=HOST, since=since)

    wait_until(lambda: not unscanned(), seconds=60, failed="a scan is waited for")
    return sorted(states(index).values())


def test_roots_that_do_not_answer_count_as_missing_and_hold_up_no_other_one(
    index: Index, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_keeper, "MISSING_SCAN_SECONDS", 0.2)
    monkeypatch.setattr(root_keeper, "MAX_SCANS", 1)
    monkeypatch.setattr(silent_disks, "SILENT_SECONDS", 2.0)
    with hanging_disk(tmp_path / "one") as one, hanging_disk(tmp_path / "two") as two:
        for name in ("one", "two"):
            add_root(index.database, host=HOST, path=tmp_path / name, home=settings.home)
        with running(make_agent(settings, index.database)):
            try:
                assert ask_for_scans(index) == ["present"] * 3
                for process in (one, two):
                    process.send_signal(signal.SIGSTOP)
                (index.folder / "new.txt").write_text("words")
                assert ask_for_scans(index) == ["missing", "missing", "present"]
                assert "new.txt" in index.states()
                assert len(index.rows("SELECT FROM files")) == 201, "nothing is deleted"
                [detail] = index.rows("SELECT DISTINCT detail FROM roots WHERE state = 'missing'")
                assert "does not answer" in detail[0]
            finally:
                for process in (one, two):
                    process.send_signal(signal.SIGCONT)
            wait_until(lambda: set(states(index).values()) == {"present"}, seconds=60, failed="they are not back")


def test_what_is_mounted_in_a_root_is_not_asked(index: Index, settings: Settings) -> None:
    (index.folder / "a.txt").write_text("words")
    with running(make_agent(settings, index.database)), hanging_disk(index.folder / "share") as share:
        share.send_signal(signal.SIGSTOP)
        assert ask_for_scans(index) == ["present"]
        (index.folder / "b.txt").write_text("words")
        assert ask_for_scans(index) == ["present"]
        assert set(index.states()) == {"a.txt", "b.txt"}


class SlowQueue(NotingQueue):
    """Holds up the scans that notify workers of files that they have found."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on, self.holds_up = threading.Event(), threading.Event()

    def notify_extract(self, host: str) -> None:
        super().notify_extract(host)
        if threading.current_thread().name.startswith("scan-"):
            self.holds_up.set()
            assert self.goes_on.wait(60)


def test_a_root_is_back_when_its_disk_answers_and_not_when_its_scan_ends(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_keeper, "MISSING_SCAN_SECONDS", 0.2)
    monkeypatch.setattr(silent_disks, "SILENT_SECONDS", 1.0)
    answers, opened, queue = threading.Event(), walk.open_directory, SlowQueue()

    def open_late(directory: bytes) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        assert answers.wait(60)
        return opened(directory)

    monkeypatch.setattr(walk, "open_directory", open_late)
    (index.folder / "a.txt").write_text("words")
    with running(make_agent(settings, index.database, queue)):
        try:
            wait_until(lambda: "missing" in states(index).values(), seconds=60, failed="it does not count as silent")
            answers.set()
            assert queue.holds_up.wait(60)
            wait_until(lambda: "present" in states(index).values(), seconds=60, failed="it is not back")
        finally:
            answers.set()
            queue.goes_on.set()
