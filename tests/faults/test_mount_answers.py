"""The mount answers while workers, Redis and the query embedder die: real parts under the real supervisor."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import redis

from magicfs.config import Settings
from magicfs.db.pool import Database
from tasks.broker import redis_url
from tests.faults.word_files import WORDS, write_files
from tests.plugins.commands import Commands

pytestmark = pytest.mark.skipif(not Path("/dev/fuse").exists() and "CI" not in os.environ, reason="needs /dev/fuse")

CRASHES = 3
"""What ten of them lose is tested in `test_workers`; this test is about the mount meanwhile."""
FILES = 40
WORDS_OF_A_FILE = 400
"""So many that a child is found at work."""
SEARCH_SECONDS = 20.0
ANSWER_SECONDS = 60.0
"""A listing takes MAGICFS_SEARCH_SECONDS and a moment at most; one that takes this long hangs."""


@dataclass(eq=False)
class Reader(threading.Thread):
    """Lists a new search every fifth of a second, like a person at another shell."""

    mount: Path
    failures: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.enough = threading.Event()

    def run(self) -> None:
        randomness = random.Random(5)
        while not self.enough.wait(0.2):
            query = " ".join(randomness.choices(WORDS, k=3))
            began = time.monotonic()
            try:
                os.listdir(self.mount / "search" / query)
            except OSError as error:
                self.failures.append(f"{query}: {error}")
            self.times.append(time.monotonic() - began)


def child_that_embeds(commands: Commands, database: Database) -> int | None:
    """The pid of a child that has claimed chunks now."""
    with database.transaction() as connection:
        rows = connection.execute("SELECT DISTINCT leased_by FROM embeddings WHERE lease IS NOT NULL").fetchall()
    names = {row[0].partition("@")[0] for row in rows}
    for process in commands.processes():
        with suppress(psutil.NoSuchProcess):
            children = process.children() if names & set(process.cmdline()) else []
            if children:
                return children[0].pid
    return None


def kill_query_embedder(commands: Commands) -> bool:
    """Kill the process that embeds questions, if there is one now."""
    for process in commands.processes():
        with suppress(psutil.NoSuchProcess):
            if "magicfs.embedding.query_server" in process.cmdline():
                process.kill()
                return True
    return False


def states_of_chunks(database: Database) -> list[str]:
    with database.transaction() as connection:
        return [row[0] for row in connection.execute("SELECT DISTINCT state::text FROM embeddings")]


def eventually(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in {seconds} s"
        time.sleep(0.5)


def test_crashes_flushes_and_a_killed_query_embedder_lose_nothing_and_the_mount_answers(commands: Commands) -> None:
    docs, mount = commands.home.parent / "docs", commands.home.parent / "mnt"
    write_files(docs, count=FILES, words=WORDS_OF_A_FILE)
    mount.mkdir()
    commands.environment |= {"MAGICFS_WORKERS": "2", "MAGICFS_SEARCH_SECONDS": str(SEARCH_SECONDS)}
    commands.ok("up", docs, "--mount", mount, "--detach")
    settings = Settings(home=commands.home, host="here")
    reader = Reader(mount)
    reader.start()
    randomness = random.Random(11)
    with Database(settings.database_dsn, application="test", size=2) as database:
        crashes = 0
        deadline = time.monotonic() + 300
        while crashes < CRASHES and time.monotonic() < deadline:
            child = child_that_embeds(commands, database)
            if child is None:
                write_files(docs, count=FILES, words=WORDS_OF_A_FILE, seed=crashes + 100)
                time.sleep(0.2)
                continue
            try:
                os.kill(child, signal.SIGSEGV)
            except ProcessLookupError:
                continue
            crashes += 1
            if crashes == 1:
                redis.Redis.from_url(redis_url(settings.broker_dsn)).flushall()
            if crashes == 2:
                eventually(lambda: kill_query_embedder(commands), "a query embedder")
            time.sleep(randomness.uniform(0.2, 1.0))
        assert crashes == CRASHES

        def settled() -> bool:
            status = json.loads(commands.ok("status", "--json"))
            return (
                status["files"]["indexed"] == status["files"]["total"] == FILES
                and status["chunks"]["embedded"] == status["chunks"]["total"]
            )

        commands.ok("scan", "--wait")
        eventually(settled, "an index of everything")
        # Texts that no file has any more are embedded too, but the status does not count them.
        eventually(lambda: states_of_chunks(database) == ["done"], "vectors of all chunks")
        with database.transaction() as connection:
            twice = connection.execute("SELECT count(*) - count(DISTINCT path) FROM files").fetchone()
    reader.enough.set()
    reader.join(ANSWER_SECONDS)
    assert twice == (0,)
    assert reader.failures == []
    assert len(reader.times) > CRASHES
    assert max(reader.times) < ANSWER_SECONDS
    assert os.listdir(mount / "search" / "river stone market")
    commands.ok("down")
