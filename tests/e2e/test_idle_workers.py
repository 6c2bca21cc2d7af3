"""A worker that has nothing to do holds nothing, and the next file is found all the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from magicfs.models.store import ModelStore
from tests.plugins.commands import Commands, commands_in, short_folder
from tests.plugins.pdf import pdf_file

WORKERS = ("extract-1", "extract-2", "embed-1")
NOTHING_MB = 30
"""A worker without a model has some 14 to 17 MB for itself; the libraries of models alone take more than this."""


@pytest.fixture(scope="module")
def magicfs(model_store: ModelStore) -> Iterator[Commands]:
    """A stack that has indexed two files, and whose workers are idle after a second."""
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        commands.environment["MAGICFS_IDLE_SECONDS"] = "1"
        (folder / "docs").mkdir()
        (folder / "docs/a.txt").write_text("an invoice for the tax office\n")
        (folder / "docs/a.pdf").write_bytes(pdf_file("a letter about the harbour"))
        commands.ok("up", folder / "docs", "--workers", "1", "--detach", "--wait")
        yield commands


def children(commands: Commands) -> dict[str, psutil.Process]:
    """The child of each worker, by the worker's name."""
    found = {}
    for process in commands.processes():
        # An idle worker replaces its child, and the former one may end meanwhile.
        with suppress(psutil.NoSuchProcess):
            words = process.cmdline()
            name = next((word for word in WORKERS if word in words), None)
            if name and any(parent.cmdline() == words for parent in process.parents()):
                found[name] = process
    return found


def holds_nothing(name: str, process: psutil.Process) -> bool:
    """Whether an extract worker has no parser process, and an embed worker nothing at all for itself."""
    try:
        own_mb = float(process.memory_full_info().uss) / 1e6
        return not process.children() and (name.startswith("extract") or own_mb < NOTHING_MB)
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool], *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def all_hold_nothing(commands: Commands) -> bool:
    found = children(commands)
    return found.keys() == set(WORKERS) and all(holds_nothing(name, process) for name, process in found.items())


def finds(commands: Commands, query: str, name: str) -> bool:
    results = json.loads(commands.ok("search", query, "--json"))["results"]
    return any(result["name"] == name and result["vector"] is not None for result in results)


def test_an_extract_worker_keeps_what_finds_the_words_of_a_saved_file(magicfs: Commands) -> None:
    wait_for(lambda: all_hold_nothing(magicfs))
    before = {name: child for name, child in children(magicfs).items() if name != "embed-1"}
    assert len(before) == 2
    time.sleep(3)
    assert all(child.is_running() for child in before.values())


def test_idle_workers_hold_nothing_and_work_on_a_saved_file(magicfs: Commands) -> None:
    wait_for(lambda: all_hold_nothing(magicfs))
    (magicfs.home.parent / "docs/b.txt").write_text("marmalade is made of oranges\n")
    wait_for(lambda: finds(magicfs, "marmalade", "b.txt"))
    wait_for(lambda: all_hold_nothing(magicfs))
    logs = "".join(path.read_text() for path in (magicfs.home / "log").glob("e*-[12].log"))
    assert "ERROR" not in logs
    assert "Traceback" not in logs


def test_a_worker_whose_idle_child_is_killed_works_on(magicfs: Commands) -> None:
    wait_for(lambda: all_hold_nothing(magicfs))
    for child in children(magicfs).values():
        # An embed worker may replace its own meanwhile.
        with suppress(psutil.NoSuchProcess):
            child.kill()
    (magicfs.home.parent / "docs/c.txt").write_text("a ferry crosses the harbour\n")
    wait_for(lambda: finds(magicfs, "ferry", "c.txt"))
