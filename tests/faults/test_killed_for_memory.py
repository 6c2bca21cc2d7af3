"""Workers that the kernel kills for want of memory: they try again rarely, say so, and blame what is greedy alone."""

from __future__ import annotations

import time
from pathlib import Path

from magicfs.cli.stuck_parts import short_of_memory
from magicfs.db.corpus.failures import iterate_failures, retry_failures
from magicfs.db.vectors.embeddings import MAX_ATTEMPTS
from magicfs.domain.status import PartStatus
from magicfs.state_directory.memory_kills import FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS, MemoryKills
from tests.faults.word_files import write_files
from tests.plugins.stack import Stack

SABOTAGE = "tests.faults.sabotage.memory"
KILLS = 4


def kills(stack: Stack, worker: str = "embed-1") -> int:
    found = MemoryKills(stack.settings.run_dir, worker).read()
    return 0 if found is None else found.times


def goes_on(stack: Stack, kind: str = "embed") -> bool:
    """Start a worker again as the supervisor does: Celery ends one whose first child dies."""
    if stack.processes[f"{kind}-1"].poll() is not None:
        stack.start_worker(kind, sabotage=SABOTAGE)
    return True


def test_a_worker_without_memory_pauses_and_says_so_and_goes_on_when_there_is_some(
    stack: Stack, tmp_path: Path
) -> None:
    stack.environment["FIRST_PAUSE_SECONDS"] = str(FIRST_PAUSE_SECONDS)
    (stack.home / "no memory").touch()
    write_files(tmp_path / "docs", count=5)
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract")
    stack.start_worker("embed", sabotage=SABOTAGE)
    stack.wait(lambda: goes_on(stack) and kills(stack) >= KILLS, what="kills")
    recorded = MemoryKills(stack.settings.run_dir, "embed-1").read()
    assert recorded is not None
    assert recorded.last_at - recorded.first_at >= 1 + 2 + 4, "each pause is twice as long"
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


def test_a_chunk_that_needs_more_memory_than_others_is_quarantined_and_tried_again_on_request(
    stack: Stack, tmp_path: Path
) -> None:
    write_files(tmp_path / "docs", count=5)
    (tmp_path / "docs/greedy.txt").write_text("An innocent beginning with the word GREEDY in it.\n")
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract")
    stack.start_worker("embed", sabotage=SABOTAGE)
    stack.wait(lambda: goes_on(stack) and stack.settled(), what="an end of the work")
    assert stack.rows("SELECT state, reason, count(*) FROM embeddings GROUP BY 1, 2 ORDER BY 3") == [
        ("failed", "out-of-memory", 1),
        ("done", None, 5),
    ]
    assert kills(stack) == MAX_ATTEMPTS
    with stack.database.transaction() as connection:
        [failure] = list(iterate_failures(connection))
        assert (failure.path, failure.reason) == (b"greedy.txt", "out-of-memory")
    stack.processes["embed-1"].terminate()
    assert stack.processes["embed-1"].wait(60) == 0
    with stack.database.transaction() as connection:
        retry_failures(connection)
    stack.start_worker("embed")
    stack.wait(stack.settled, what="another try on a machine with more memory")
    assert stack.rows("SELECT DISTINCT state FROM embeddings") == [("done",)]


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


def test_files_that_lacked_memory_are_read_when_there_is_some(stack: Stack, tmp_path: Path) -> None:
    (stack.home / "no memory").touch()
    write_files(tmp_path / "docs", count=2)
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract", sabotage=SABOTAGE)
    stack.wait(lambda: goes_on(stack, "extract") and kills(stack, "extract-1") >= KILLS - 1, what="kills")
    assert stack.rows("SELECT state, attempts FROM files") == [("pending", 1)] * 2, "the first kill, and no other one"
    (stack.home / "no memory").unlink()
    stack.wait(lambda: stack.rows("SELECT state FROM files") == [("indexed",)] * 2, what="texts")


def test_a_file_that_needs_more_memory_than_others_is_quarantined_and_tried_again_on_request(
    stack: Stack, tmp_path: Path
) -> None:
    write_files(tmp_path / "docs", count=5)
    (tmp_path / "docs/GREEDY.txt").write_text("words")
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract", sabotage=SABOTAGE)
    pending = "SELECT FROM files WHERE state = 'pending'"
    stack.wait(lambda: len(stack.rows("SELECT FROM files")) == 6, what="a scan")
    stack.wait(lambda: goes_on(stack, "extract") and not stack.rows(pending), what="an end of the work")
    assert stack.rows("SELECT state, reason, count(*) FROM files GROUP BY 1, 2 ORDER BY 3") == [
        ("failed", "out-of-memory", 1),
        ("indexed", None, 5),
    ]
    stack.processes["extract-1"].terminate()
    assert stack.processes["extract-1"].wait(60) == 0
    with stack.database.transaction() as connection:
        retry_failures(connection)
    stack.start_worker("extract")
    stack.wait(lambda: not stack.rows(pending), what="another try on a machine with more memory")
    assert stack.rows("SELECT DISTINCT state FROM files") == [("indexed",)]
