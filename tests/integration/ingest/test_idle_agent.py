"""An agent wakes those who have work, and becomes idle, but not deaf, while nobody has any."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db import planner_statistics
from magicfs.db.cluster.heartbeats import record_workers
from magicfs.db.cluster.roots import request_scan
from magicfs.db.corpus import file_claims
from magicfs.db.pool import Database
from magicfs.db.vectors import score_scale
from magicfs.domain.status import WorkerStatus
from magicfs.ingest import activity, index_upkeep, root_keeper
from magicfs.ingest import agent as agent_module
from magicfs.ingest.index_upkeep import IndexUpkeep
from magicfs.ingest.roots import add_root
from magicfs.logs import Outage
from magicfs.runtime.processes import wait_until
from tests.fakes.queue import SilentQueue
from tests.integration.ingest.agents import NotingQueue, let_idle, make_agent, running, wait_for_looks
from tests.plugins.index import HOST, Index


def notifications(settings: Settings, index: Index, *, paused: bool) -> int:
    """How many notifications an agent sends when it checks for waiting work once."""
    queue = NotingQueue()
    make_agent(settings, index.database, queue, background_paused=lambda: paused).load_roots_and_notify()
    return len(queue.embed)


def test_paused_embed_workers_are_woken_only_for_what_they_embed(settings: Settings, index: Index) -> None:
    (index.folder / "bulk.txt").write_text("found by a scan")
    index.scan()
    index.extraction().run_batch()
    assert notifications(settings, index, paused=False) == 1
    assert notifications(settings, index, paused=True) == 0
    with index.database.transaction() as connection:
        record_workers(connection, [WorkerStatus("embed-1@here", HOST, "embed", 1)])
    assert notifications(settings, index, paused=True) == 0
    with index.database.transaction() as connection:
        record_workers(connection, [WorkerStatus("embed-1@elsewhere", "elsewhere", "embed", 1)])
    assert notifications(settings, index, paused=True) == 1, "the workers of another host are not paused"
    with index.database.transaction() as connection:
        connection.execute("DELETE FROM workers")
        connection.execute("UPDATE embeddings SET priority = 1")
    assert notifications(settings, index, paused=True) == 1, "somebody just saved it"


def test_pages_that_wait_wake_workers_and_keep_no_agent_busy(settings: Settings, index: Index) -> None:
    """Perhaps no worker can read them; and none does on battery."""
    columns = "digest, extractor, kind, size, mime_type, pending_pages, unread_pages"
    values = "substring(sha256('x'), 1, 16), 1, 'application/pdf parse', 1, 'application/pdf', 5, 5"
    index.rows(f"INSERT INTO contents ({columns}) VALUES ({values}) RETURNING 1")
    (index.folder / "book.pdf").write_bytes(b"x")
    index.scan()
    index.rows("UPDATE files SET state = 'indexed', content_id = (SELECT id FROM contents) RETURNING 1")
    for paused, messages in ((False, 1), (True, 0)):
        queue = NotingQueue()
        one = make_agent(settings, index.database, queue, background_paused=partial(bool, paused))
        one.load_roots_and_notify()
        queue.extract.clear()
        one.activity.busy_until = 0.0
        one.load_roots_and_notify()
        assert (len(queue.extract), one.activity.is_idle()) == (messages, True)


def test_an_agent_with_chunks_that_nobody_embeds_becomes_idle(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "IDLE_AFTER_SECONDS", 3600.0)

    def is_idle_after_check() -> bool:
        one.activity.busy_until = 0.0
        one.load_roots_and_notify()
        return one.activity.is_idle()

    one = make_agent(settings, index.database)
    one.load_roots_and_notify()
    assert is_idle_after_check()
    (index.folder / "one.txt").write_text("words\n\nmore words")
    index.scan()
    index.extraction().run_batch()
    assert not is_idle_after_check(), "new work"
    assert is_idle_after_check(), "no worker has the model"
    index.rows("UPDATE embeddings SET priority = 1 RETURNING 1")
    assert not is_idle_after_check(), "more urgent work"
    [(first, *_)] = index.rows("SELECT min(chunk_id) FROM embeddings")
    lease = "lease = 1, leased_by = 'embed-1', leased_until = now() + interval '1 minute'"
    index.rows(f"UPDATE embeddings SET {lease} WHERE chunk_id = {first} RETURNING 1")
    for _ in range(2):
        assert not is_idle_after_check(), "a worker is at work"


def test_an_idle_agent_looks_for_work_every_few_seconds(
    settings: Settings, index: Index, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    transactions: list[float] = []

    def note(times: list[float]) -> bool:
        times.append(time.monotonic())
        return False

    monkeypatch.setattr(activity, "IDLE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 3.0)
    monkeypatch.setattr(agent_module, "STARTUP_SECONDS", 0.0)
    monkeypatch.setattr(file_claims, "has_waiting_files", lambda *_, **__: note(looks))
    transaction = Database.transaction
    monkeypatch.setattr(Database, "transaction", lambda *args: note(transactions) or transaction(*args))
    with running(make_agent(settings, index.database)):
        wait_until(lambda: scans["docs"] >= 2, seconds=60, failed="the root is not scanned and watched")
        looks.clear()
        wait_until(lambda: len(looks) >= 3, seconds=60, failed="the agent does not look")
        # The first one was perhaps under way. A busy agent looks every quarter of a second.
        seconds = looks[2] - looks[1]
        assert seconds > 2.5
        # One is that of the look, and a heartbeat has two at most.
        used = len([time for time in transactions if looks[1] < time < looks[2]])
        assert used <= 1 + 2 * (1 + seconds / agent_module.HEARTBEAT_SECONDS)
        (index.folder / "saved.txt").write_text("words")
        wait_until(lambda: "saved.txt" in index.states(), seconds=60, failed="an idle agent misses an event")


def test_an_agent_looks_at_languages_in_a_thread_of_its_own(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MODELS_SECONDS", 0.05)
    looks: list[str] = []

    def look(stop: threading.Event) -> bool:
        looks.append(threading.current_thread().name)
        # Preparing a model takes long, and ends with the agent.
        assert len(looks) < 2 or stop.wait(600)
        return False

    one = make_agent(settings, index.database, start_multilingual=look)
    with running(one):
        wait_until(lambda: len(looks) == 2, seconds=60, failed="the agent does not look")
        (index.folder / "meanwhile.txt").write_text("words")
        wait_until(lambda: "meanwhile.txt" in index.states(), seconds=60, failed="the agent waits for the model")
    assert looks == ["multilingual"] * 2


@pytest.fixture
def never_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle agents that look for work, new roots and requests only when they are told of them."""
    monkeypatch.setattr(activity, "IDLE_AFTER_SECONDS", 1.0)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 3600.0)
    monkeypatch.setattr(root_keeper, "WATCHES_SECONDS", 3600.0)


@pytest.mark.usefixtures("never_looking")
def test_an_idle_agent_notices_roots_and_requests_at_once(
    settings: Settings, index: Index, scans: Counter[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    idle = make_agent(settings, index.database)
    with running(idle):
        wait_until(lambda: scans["docs"] >= 2 and idle.activity.is_idle(), seconds=60, failed="the agent is not idle")
        add_root(index.database, host=HOST, path=other, home=settings.home)
        wait_until(lambda: scans["other"] >= 2, seconds=60, failed="the new root is not watched")
        wait_until(idle.activity.is_idle, seconds=60, failed="the agent is not idle again")
        before = scans["docs"]
        with index.database.transaction() as connection:
            request_scan(connection, name="docs")
        wait_until(lambda: scans["docs"] > before, seconds=60, failed="the request is not noticed")


@pytest.mark.usefixtures("never_looking")
def test_an_idle_agent_looks_again_for_a_saved_file_whose_reading_is_put_off(
    settings: Settings, index: Index, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    idle = make_agent(settings, index.database)
    with running(idle):
        wait_until(lambda: scans["docs"] >= 2 and idle.activity.is_idle(), seconds=60, failed="the agent is not idle")
        # It has time for several looks before it is idle again.
        monkeypatch.setattr(activity, "IDLE_AFTER_SECONDS", 3600.0)
        monkeypatch.setattr(file_claims, "has_waiting_files", lambda *_, **__: bool(looks.append(1)))
        (index.folder / "saved.txt").write_text("words")
        wait_until(lambda: len(looks) >= 3, seconds=60, failed="the agent does not look")


class Turns(threading.Event):
    """Stops a loop after some turns, between which no time passes."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        self._left -= 1
        return self._left < 0


def test_an_agent_refreshes_the_statistics_while_there_is_work(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed = []
    monkeypatch.setattr(index_upkeep, "STATISTICS_SECONDS", 0.05)
    monkeypatch.setattr(planner_statistics, "refresh_statistics", lambda _: refreshed.append(1))
    working = make_agent(settings, index.database)
    with running(working):
        wait_until(lambda: len(refreshed) >= 2, seconds=60, failed="statistics grow old")
    for is_idle, times in ((True, 0), (False, 3)):
        refreshed.clear()
        outage = Outage(logging.getLogger(__name__))
        IndexUpkeep(index.database, SilentQueue(), outage, is_idle=partial(bool, is_idle)).refresh_statistics(Turns(3))
        assert len(refreshed) == times, "an idle agent keeps the server busy"


def test_an_idle_agent_asks_rarely_for_maintenance(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.0)
    monkeypatch.setattr(agent_module, "IDLE_MAINTENANCE_SECONDS", 3600.0)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    queue = NotingQueue()
    working = make_agent(settings, index.database, queue)
    with running(working):
        wait_until(lambda: queue.maintenance >= 3, seconds=60, failed="nobody maintains the index")
        let_idle(working)
        # The next look may still find it busy; the one after that leads to the last notification.
        wait_for_looks(working, 3)
        asked = queue.maintenance
        wait_for_looks(working, 5)
        assert queue.maintenance == asked
        working.activity.note_work()
        working.activity.busy_until = 0.0
        wait_until(lambda: queue.maintenance > asked, seconds=60, failed="what has changed is not maintained")


def test_an_agent_frees_memory_once_when_it_becomes_idle(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[bool] = []
    monkeypatch.setattr(activity, "IDLE_AFTER_SECONDS", 3600.0)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "trim_heap", lambda: freed.append(True))
    one = make_agent(settings, index.database)

    def has_freed(times: int) -> bool:
        return len(freed) == times

    with running(one):
        for times in (1, 2):
            let_idle(one)
            wait_until(partial(has_freed, times), seconds=60, failed="it keeps its memory")
            wait_for_looks(one, 4)
            assert len(freed) == times
            one.activity.note_work()
            wait_for_looks(one, 2)


def test_a_model_that_was_started_is_maintained_soon(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "IDLE_MODELS_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "MODELS_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.0)
    started = threading.Event()
    one = make_agent(settings, index.database, start_multilingual=lambda _: started.is_set())
    with running(one):
        let_idle(one)
        wait_until(lambda: not one.activity.has_changed, seconds=60, failed="what has changed is not maintained")
        started.set()
        wait_until(
            lambda: one.activity.has_changed and not one.activity.is_idle(),
            seconds=60,
            failed="nobody looks at its chunks",
        )


def test_an_agent_notifies_workers_of_scores_that_nobody_has_measured(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_upkeep, "VECTOR_INDEX_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    for number in range(40):
        (index.folder / f"{number}.txt").write_text(f"This is text number {number}.")
    index.settle()
    queue = NotingQueue()
    looks: list[bool] = []
    waits = score_scale.waits
    monkeypatch.setattr(score_scale, "waits", lambda *args: looks.append(True) or waits(*args))
    with running(make_agent(settings, index.database, queue)):
        wait_until(lambda: len(looks) >= 3, seconds=60, failed="the agent does not look at scores")
        assert not any(queue.embed)
        index.rows("UPDATE models SET scale = NULL RETURNING 1")
        wait_until(lambda: index.embedder.spec.name in queue.embed, seconds=60, failed="nobody measures the scores")
