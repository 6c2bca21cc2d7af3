"""Workers that the kernel kills for want of memory: they try again rarely, say so, and blame no chunk."""

from __future__ import annotations

import time
from pathlib import Path

from magicfs.cli.stuck_parts import short_of_memory
from magicfs.domain.status import PartStatus
from magicfs.state_directory.memory_kills import MAX_PAUSE_SECONDS, MemoryKills
from tests.faults.word_files import write_files
from tests.plugins.stack import Stack

SABOTAGE = "tests.faults.sabotage.memory"
KILLS = 4


def kills(stack: Stack) -> int:
    found = MemoryKills(stack.settings.run_dir, "embed-1").read()
    return 0 if found is None else found.times


def test_a_worker_without_memory_pauses_and_says_so_and_goes_on_when_there_is_some(
    stack: Stack, tmp_path: Path
) -> None:
    (stack.home / "no memory").touch()
    write_files(tmp_path / "docs", count=5)
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract")
    began = time.monotonic()
    stack.start_worker("embed", sabotage=SABOTAGE)
    while kills(stack) < KILLS:
        if stack.processes["embed-1"].poll() is not None:
            # Celery ends a worker whose first child dies; the supervisor starts it again.
            stack.start_worker("embed", sabotage=SABOTAGE)
        assert time.monotonic() < began + 120, stack.logs()
        time.sleep(0.1)
    assert time.monotonic() - began >= 1 + 2 + 4, "each pause is twice as long"
    assert len((stack.home / "tries").read_text()) == KILLS
    [line] = short_of_memory(stack.settings, [PartStatus("embed-1", "backoff", None, 0.0, 0, "")])
    assert line.startswith("embed-1 has too little memory: the system has killed it 4 times since ")
    assert "it tries again after 8 s" in line
    assert "magicfs up --workers 1" in line
    (stack.home / "no memory").unlink()
    stack.wait(stack.settled, what="an index of everything")
    assert stack.rows("SELECT DISTINCT state FROM embeddings") == [("done",)]


def test_a_worker_that_waits_for_memory_stops_at_once(stack: Stack, tmp_path: Path) -> None:
    write_files(tmp_path / "docs", count=1)
    stack.add_root(tmp_path / "docs")
    clock = time.time()
    recorded = MemoryKills(stack.settings.run_dir, "embed-1", clock=lambda: clock)
    for _ in range(10):
        recorded.record()
    stack.start_worker("embed")
    log = stack.home / "log" / "embed-1.log"
    stack.wait(lambda: " ready." in log.read_text() and stack.child_of("embed-1") is not None, what="the worker")
    began = time.monotonic()
    stack.processes["embed-1"].terminate()
    assert stack.processes["embed-1"].wait(60) == 0
    assert time.monotonic() - began < MAX_PAUSE_SECONDS / 4
    assert not short_of_memory(stack.settings), "it ended on request"


def test_chunks_that_lacked_memory_are_not_quarantined(stack: Stack, tmp_path: Path) -> None:
    write_files(tmp_path / "docs", count=1)
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract")
    stack.wait(lambda: bool(stack.rows("SELECT FROM embeddings")), what="a chunk")
    with stack.database.transaction() as connection:
        connection.execute(
            "UPDATE embeddings SET attempts = 4, lease = nextval('leases'), leased_by = %s, "
            "leased_until = now() + interval '1 minute'",
            [f"embed-1@{stack.settings.host}"],
        )
    MemoryKills(stack.settings.run_dir, "embed-1").record()
    stack.start_worker("embed")
    stack.wait(stack.settled, what="an index of everything")
    assert stack.rows("SELECT DISTINCT state FROM embeddings") == [("done",)]
