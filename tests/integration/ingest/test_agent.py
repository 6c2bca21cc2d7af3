"""What the agent does for one root has no effect on the others."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.domain.roots import RegisteredRoot
from magicfs.ingest import agent as agent_module
from magicfs.ingest.agent import Agent
from magicfs.ingest.roots import add_root
from magicfs.ingest.scanner import Scanner, ScanResult
from magicfs.runtime.processes import wait_until
from tests.fakes.queue import SilentQueue
from tests.plugins.index import HOST, Index


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", host=HOST)
    made.make_home()
    return made


@contextmanager
def running(agent: Agent) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of scans by the name of the root, while it goes on."""
    counts: Counter[str] = Counter()
    scan = Scanner.scan

    def counted(self: Scanner, registered: RegisteredRoot, **options: bool) -> ScanResult:
        result = scan(self, registered, **options)
        counts[registered.root.name] += 1
        return result

    monkeypatch.setattr(Scanner, "scan", counted)
    return counts


def paths(index: Index) -> set[str]:
    return set(index.states())


def test_a_root_that_flaps_leaves_the_watches_of_the_others_alone(
    index: Index,
    settings: Settings,
    scans: Counter[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agent_module, "MISSING_SCAN_SECONDS", 0.2)
    flapping = tmp_path / "usb"
    flapping.mkdir()
    add_root(index.database, host=HOST, path=flapping, home=settings.home)
    with running(Agent(settings, index.database, SilentQueue())):
        wait_until(lambda: scans["docs"] >= 2 and scans["usb"] >= 2, seconds=20, failed="the roots are not watched")
        (index.folder / "before.txt").write_text("words")
        wait_until(lambda: "before.txt" in paths(index), seconds=10, failed="the event is not processed")
        calm = scans["docs"]
        for turn in range(2):
            flapping.rename(tmp_path / "away")
            wait_until(lambda: "missing" in dict(states(index)).values(), seconds=10, failed="usb is not missing")
            (tmp_path / "away").rename(flapping)
            wait_until(lambda: "missing" not in dict(states(index)).values(), seconds=10, failed="usb is not back")
            (flapping / f"{turn}.txt").write_text("words")
            wait_until(lambda turn=turn: f"{turn}.txt" in paths(index), seconds=10, failed="usb is not watched")
            (index.folder / f"docs{turn}.txt").write_text("words")
            wait_until(lambda turn=turn: f"docs{turn}.txt" in paths(index), seconds=10, failed="docs is not watched")
        assert scans["docs"] == calm, "the other root is neither watched nor scanned anew"
    shutil.rmtree(flapping)


def states(index: Index) -> list[tuple]:
    return index.rows("SELECT name, state FROM roots")
