"""What the agent does for one root has no effect on the others, and its scans find what has changed unseen."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from magicfs.config import Settings
from magicfs.db.cluster.roots import list_roots, request_scan
from magicfs.domain.roots import RegisteredRoot
from magicfs.ingest import root_keeper
from magicfs.ingest.difference import ScanResult
from magicfs.ingest.root_keeper import RootKeeper
from magicfs.ingest.roots import add_root
from magicfs.ingest.scanner import Scanner
from magicfs.logs import Outage
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import make_agent, running
from tests.plugins.index import HOST, Index


def states(index: Index) -> list[tuple[Any, ...]]:
    return index.rows("SELECT name, state FROM roots")


def test_a_root_that_flaps_leaves_the_watches_of_the_others_alone(
    index: Index,
    settings: Settings,
    scans: Counter[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(root_keeper, "MISSING_SCAN_SECONDS", 0.2)
    flapping = tmp_path / "usb"
    flapping.mkdir()
    add_root(index.database, host=HOST, path=flapping, home=settings.home)
    with running(make_agent(settings, index.database)):
        wait_until(lambda: scans["docs"] >= 2 and scans["usb"] >= 2, seconds=60, failed="the roots are not watched")
        (index.folder / "before.txt").write_text("words")
        wait_until(lambda: "before.txt" in index.states(), seconds=60, failed="the event is not processed")
        for turn in range(3):
            flapping.rename(tmp_path / "away")
            wait_until(lambda: "missing" in dict(states(index)).values(), seconds=60, failed="usb is not missing")
            (tmp_path / "away").rename(flapping)
            wait_until(lambda: "missing" not in dict(states(index)).values(), seconds=60, failed="usb is not back")
            (flapping / f"{turn}.txt").write_text("words")
            wait_until(partial(index.has, f"{turn}.txt"), seconds=60, failed="usb is not watched")
            (index.folder / f"docs{turn}.txt").write_text("words")
            wait_until(partial(index.has, f"docs{turn}.txt"), seconds=60, failed="docs is not watched")
            if turn == 0:
                # A scan that was due at the beginning has ended: it is short, and `usb` was scanned twice since.
                calm = scans["docs"]
        assert scans["docs"] == calm, "the other root is neither watched nor scanned anew"
    shutil.rmtree(flapping)


def test_a_new_root_does_not_wait_for_the_scan_of_a_large_one(
    index: Index, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_keeper, "SCAN_TURN_SECONDS", 0.01)
    scan, begun, may_end = Scanner.scan, threading.Event(), threading.Event()

    def slow(self: Scanner, registered: RegisteredRoot, **options: bool) -> ScanResult:
        if registered.root.id == index.root.id:
            begun.set()
            may_end.wait(60)
        return scan(self, registered, **options)

    monkeypatch.setattr(Scanner, "scan", slow)
    (index.folder / "large.txt").write_text("words")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "note.txt").write_text("words")
    with running(make_agent(settings, index.database)):
        try:
            assert begun.wait(60)
            add_root(index.database, host=HOST, path=notes, home=settings.home)
            wait_until(lambda: "note.txt" in index.states(), seconds=60, failed="the new root is not scanned")
            assert "large.txt" not in index.states()
        finally:
            may_end.set()
        wait_until(lambda: "large.txt" in index.states(), seconds=60, failed="the large root is not scanned")


def test_a_requested_scan_compares_with_the_database_itself(
    index: Index, settings: Settings, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (index.folder / "one.txt").write_text("words")
    with running(make_agent(settings, index.database)):
        wait_until(lambda: scans["docs"] >= 2 and bool(index.states()), seconds=60, failed="the root is not watched")
        index.rows("UPDATE files SET size = 0 RETURNING 1")
        with index.database.transaction() as connection:
            request_scan(connection, name="docs")
        wait_until(
            lambda: index.rows("SELECT size FROM files") == [(5,)], seconds=60, failed="the scan trusted its memory"
        )


def test_a_periodic_scan_compares_with_the_database_itself_from_time_to_time(
    index: Index, settings: Settings, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_keeper, "COMPARE_SECONDS", 1.0)
    (index.folder / "one.txt").write_text("words")
    with running(make_agent(settings.replace(scan_seconds=1), index.database)):
        wait_until(lambda: scans["docs"] >= 2 and bool(index.states()), seconds=60, failed="the root is not watched")
        index.rows("UPDATE files SET size = 0 RETURNING 1")
        wait_until(
            lambda: index.rows("SELECT size FROM files") == [(5,)], seconds=60, failed="the scan trusted its memory"
        )


def test_a_scan_that_is_requested_during_one_begins_when_it_ends(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread of the first one need not have ended when the loop wakes."""
    scans, stop = [], threading.Event()

    def scan(self: Scanner, registered: RegisteredRoot, **options: bool) -> ScanResult:
        scans.append(time.monotonic())
        if len(scans) == 1:
            keeper.request_scan(registered.root)
        else:
            stop.set()
            keeper.interrupt()
        return ScanResult(changed=0, deleted=0, complete=True)

    class SlowlyEnding(threading.Event):
        def set(self) -> None:
            super().set()
            if threading.current_thread().name.startswith("scan-"):
                time.sleep(1.0)

    monkeypatch.setattr(Scanner, "scan", scan)
    monkeypatch.setattr(root_keeper, "SCAN_TURN_SECONDS", 0.0)
    monkeypatch.setattr(root_keeper, "MISSING_SCAN_SECONDS", 60.0)
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Event", SlowlyEnding)
        keeper = RootKeeper(settings, index.scanner, Outage(logging.getLogger()))
    with index.database.transaction() as connection:
        keeper.keep_roots(list_roots(connection))
    loop = threading.Thread(target=keeper.scan_roots, args=(stop,), daemon=True)
    loop.start()
    loop.join(30)
    assert len(scans) == 2


def test_a_system_without_threads_puts_scans_off(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    keeper = RootKeeper(settings, index.scanner, Outage(logging.getLogger()))
    start = threading.Thread.start
    refused: list[str] = []

    def refuse(self: threading.Thread) -> None:
        if self.name.startswith("scan-") and not refused:
            refused.append(self.name)
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(root_keeper, "MISSING_SCAN_SECONDS", 0.1)
    (index.folder / "one.txt").write_text("words")
    with index.database.transaction() as connection:
        keeper.keep_roots(list_roots(connection))
    loop = threading.Thread(target=keeper.scan_roots, args=(stop,), daemon=True)
    loop.start()
    try:
        wait_until(partial(index.has, "one.txt"), seconds=60, failed="the root is not scanned")
    finally:
        stop.set()
        keeper.interrupt()
        loop.join(30)
    assert refused == ["scan-docs"]
