"""What the agent does for one root has no effect on the others, and its scans find what has changed unseen."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.cluster.roots import request_scan
from magicfs.ingest import root_keeper
from magicfs.ingest.roots import add_root
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import make_agent, running
from tests.plugins.index import HOST, Index


def states(index: Index) -> list[tuple]:
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
            wait_until(lambda turn=turn: f"{turn}.txt" in index.states(), seconds=60, failed="usb is not watched")
            (index.folder / f"docs{turn}.txt").write_text("words")
            wait_until(lambda turn=turn: f"docs{turn}.txt" in index.states(), seconds=60, failed="docs is not watched")
            if turn == 0:
                # A scan that was due at the beginning has ended: one thread scans all roots, and `usb` twice since.
                calm = scans["docs"]
        assert scans["docs"] == calm, "the other root is neither watched nor scanned anew"
    shutil.rmtree(flapping)


def test_a_requested_scan_compares_with_the_database_itself(
    index: Index, settings: Settings, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (index.folder / "one.txt").write_text("words")
    with running(make_agent(settings, index.database)):
        wait_until(lambda: scans["docs"] >= 2 and index.states(), seconds=60, failed="the root is not watched")
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
        wait_until(lambda: scans["docs"] >= 2 and index.states(), seconds=60, failed="the root is not watched")
        index.rows("UPDATE files SET size = 0 RETURNING 1")
        wait_until(
            lambda: index.rows("SELECT size FROM files") == [(5,)], seconds=60, failed="the scan trusted its memory"
        )
