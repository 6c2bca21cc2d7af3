"""Workers that are killed and messages that are lost during real work with the real model."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from magicfs.db.vectors.embeddings import MAX_ATTEMPTS
from tasks.app import make_app
from tasks.queue import CeleryQueue
from tests.faults.word_files import write_files
from tests.plugins.stack import HOST, Stack

ALMOST_QUARANTINED = "SELECT FROM embeddings WHERE state = 'pending' AND attempts >= %s LIMIT 1"

LONG = 400
"""Words of a file whose embedding takes so long that a fault meets work."""


def knows_all(stack: Stack, folder: Path) -> bool:
    """Whether the index has the row of each file as it is on the disk now."""
    rows = stack.rows("SELECT display, size, mtime_ns FROM files")
    on_disk = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()]
    return sorted(rows) == sorted(on_disk)


def assert_everything_once(stack: Stack, *, files: int) -> None:
    assert stack.rows("SELECT state, count(*) FROM files GROUP BY 1") == [("indexed", files)]
    assert stack.rows("SELECT state, count(*) > 0 FROM embeddings GROUP BY 1") == [("done", True)]
    missing = (
        "SELECT count(*) FROM content_chunks JOIN files USING (content_id) "
        "WHERE chunk_id NOT IN (SELECT chunk_id FROM embeddings)"
    )
    assert stack.rows(missing) == [(0,)]


def test_a_child_that_dies_ten_times_by_sigsegv_loses_nothing(stack: Stack, tmp_path: Path) -> None:
    write_files(tmp_path / "docs", count=60)
    stack.add_root(tmp_path / "docs")
    stack.start_all()
    randomness = random.Random(11)
    kills = 0
    # Celery ends a worker whose first child dies before it has begun.
    logs = [stack.home / "log" / f"embed-{number}.log" for number in (1, 2)]
    stack.wait(lambda: all(" ready." in log.read_text() for log in logs), what="both workers")
    stack.wait(lambda: bool(stack.rows("SELECT FROM embeddings WHERE state = 'done' LIMIT 1")), what="a first chunk")
    deadline = time.monotonic() + 300
    while kills < 10 and time.monotonic() < deadline:
        time.sleep(randomness.uniform(0.1, 0.6))
        if stack.waiting() < 20:
            write_files(tmp_path / "docs", count=60 + kills, seed=kills)
        # A chunk that is hit once more is quarantined, as happens by chance where embedding takes long.
        stack.wait(lambda: not stack.rows(ALMOST_QUARANTINED, MAX_ATTEMPTS - 1), what="the chunks that were hit before")
        child = stack.child_of(f"embed-{randomness.randint(1, 2)}")
        # One that has died meanwhile is no crash of ours.
        with suppress(ProcessLookupError):
            if child is not None:
                os.kill(child, signal.SIGSEGV)
                kills += 1
    assert kills == 10
    stack.wait(lambda: knows_all(stack, tmp_path / "docs"), what="the last change")
    stack.wait(stack.settled, seconds=300, what="an index of everything")
    assert_everything_once(stack, files=len(list((tmp_path / "docs").iterdir())))


def test_a_flushed_broker_loses_nothing(stack: Stack, tmp_path: Path) -> None:
    import redis

    from tasks.broker import redis_url

    write_files(tmp_path / "docs", count=60, words=LONG)
    stack.add_root(tmp_path / "docs")
    stack.start_all()
    stack.wait(lambda: stack.rows("SELECT count(*) FROM embeddings WHERE state = 'done'")[0][0] > 5, what="progress")
    client = redis.Redis.from_url(redis_url(stack.settings.broker_dsn))
    for _ in range(3):
        client.flushdb()
        time.sleep(0.3)
    stack.wait(stack.settled, seconds=300, what="an index of everything")
    assert_everything_once(stack, files=60)


def test_a_worker_killed_whole_and_an_agent_killed_are_replaced_without_loss(stack: Stack, tmp_path: Path) -> None:
    write_files(tmp_path / "docs", count=40, words=LONG)
    stack.add_root(tmp_path / "docs")
    stack.start_all(embedders=1)
    stack.wait(lambda: stack.rows("SELECT count(*) FROM embeddings WHERE state = 'done'")[0][0] > 5, what="progress")
    for name in ("embed-1", "extract-1", "agent"):
        os.killpg(stack.processes[name].pid, signal.SIGKILL)
        stack.processes[name].wait()
    write_files(tmp_path / "docs", count=50, seed=3)
    stack.start_all(embedders=1)
    stack.wait(lambda: knows_all(stack, tmp_path / "docs"), what="the new and the changed files")
    stack.wait(stack.settled, seconds=300, what="an index of everything")
    assert_everything_once(stack, files=50)


def test_an_older_program_stops_when_the_schema_becomes_newer(stack: Stack, tmp_path: Path) -> None:
    write_files(tmp_path / "docs", count=3)
    stack.add_root(tmp_path / "docs")
    stack.start_all(embedders=1)
    stack.wait(lambda: stack.settled() and stack.rows("SELECT count(*) FROM files")[0][0] == 3, what="an index")
    stack.wait(lambda: stack.rows("SELECT count(*) FROM workers")[0][0] == 2, what="all workers")
    with psycopg.connect(stack.settings.database_dsn, autocommit=True) as newer:
        newer.execute("INSERT INTO schema_migrations (version, digest) VALUES (9999, 'x')")
        upgraded_at = newer.execute("SELECT now()").fetchone()
        write_files(tmp_path / "docs", count=4, seed=8)
        # What the agent of the newer version does.
        queue = CeleryQueue(make_app(stack.settings))
        queue.notify_extract(HOST)
        queue.notify_embed()
        for name, process in stack.processes.items():
            assert process.wait(120) == 0, name
            log = (stack.home / "log" / f"{name}.log").read_text()
            assert log.count(" ends: the database has schema version 9999") == 1
        assert newer.execute("SELECT count(*) FROM files").fetchone() == (3,)
        assert newer.execute("SELECT count(*) FROM workers WHERE seen_at > %s", upgraded_at).fetchone() == (0,)
    stack.start_agent()
    assert stack.processes["agent"].wait(120) == 1
