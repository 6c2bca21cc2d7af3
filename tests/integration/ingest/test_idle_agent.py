"""An agent wakes those who have work, and becomes idle, but not deaf, while nobody has any."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.heartbeats import record_workers
from magicfs.db.pool import Database
from magicfs.db.roots import request_scan
from magicfs.domain.status import WorkerStatus
from magicfs.ingest import agent as agent_module
from magicfs.ingest import root_keeper
from magicfs.ingest.roots import add_root
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import NotingQueue, make_agent, running
from tests.plugins.index import HOST, Index


def notifications(settings: Settings, index: Index, *, paused: bool) -> int:
    """How many notifications an agent sends when it checks for waiting work once."""
    queue = NotingQueue()
    make_agent(settings, index, queue, embedding_paused=lambda: paused)._look()
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


def test_an_agent_with_chunks_that_nobody_embeds_becomes_idle(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "IDLE_AFTER_SECONDS", 0.05)

    def is_idle_after_look() -> bool:
        time.sleep(0.1)
        one._look()
        return one._is_idle()

    one = make_agent(settings, index)
    one._look()
    assert is_idle_after_look()
    (index.folder / "one.txt").write_text("words\n\nmore words")
    index.scan()
    index.extraction().run_batch()
    assert not is_idle_after_look(), "new work"
    assert is_idle_after_look(), "no worker has the model"
    index.rows("UPDATE embeddings SET priority = 1 RETURNING 1")
    assert not is_idle_after_look(), "more urgent work"
    [(first, *_)] = index.rows("SELECT min(chunk_id) FROM embeddings")
    lease = "lease = 1, leased_by = 'embed-1', leased_until = now() + interval '1 minute'"
    index.rows(f"UPDATE embeddings SET {lease} WHERE chunk_id = {first} RETURNING 1")
    for _ in range(2):
        assert not is_idle_after_look(), "a worker is at work"


def test_an_idle_agent_looks_for_work_every_few_seconds(
    settings: Settings, index: Index, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr(agent_module, "IDLE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(agent_module.file_claims, "has_waiting_files", lambda *_, **__: bool(looks.append(1)))
    monkeypatch.setattr(agent_module, "STARTUP_SECONDS", 0.0)
    transactions = []
    transaction = Database.transaction
    monkeypatch.setattr(Database, "transaction", lambda *args: transactions.append(1) or transaction(*args))
    with running(make_agent(settings, index)):
        wait_until(lambda: scans["docs"] >= 2, seconds=20, failed="the root is not scanned and watched")
        looks.clear()
        transactions.clear()
        time.sleep(4.5)
        # A busy agent would have looked eighteen times.
        assert len(looks) <= 2
        # One for each look, and one or two heartbeats with the workers.
        assert len(transactions) <= 6
        (index.folder / "saved.txt").write_text("words")
        wait_until(lambda: "saved.txt" in index.states(), seconds=10, failed="an idle agent misses an event")


def test_an_agent_looks_at_languages_in_a_thread_of_its_own(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MODELS_SECONDS", 0.05)
    looks: list[str] = []

    def look(stop: threading.Event) -> bool:
        looks.append(threading.current_thread().name)
        # Preparing a model takes long, and ends with the agent.
        assert len(looks) < 2 or stop.wait(60)
        return False

    one = make_agent(settings, index, start_multilingual=look)
    with running(one):
        wait_until(lambda: len(looks) == 2, seconds=20, failed="the agent does not look")
        (index.folder / "meanwhile.txt").write_text("words")
        wait_until(lambda: "meanwhile.txt" in index.states(), seconds=20, failed="the agent waits for the model")
    assert looks == ["multilingual"] * 2


@pytest.fixture
def never_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle agents that look for work, new roots and requests only when they are told of them."""
    monkeypatch.setattr(agent_module, "IDLE_AFTER_SECONDS", 1.0)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 3600.0)
    monkeypatch.setattr(root_keeper, "WATCHES_SECONDS", 3600.0)


@pytest.mark.usefixtures("never_looking")
def test_an_idle_agent_notices_roots_and_requests_at_once(
    settings: Settings, index: Index, scans: Counter[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    idle = make_agent(settings, index)
    with running(idle):
        wait_until(lambda: scans["docs"] >= 2 and idle._is_idle(), seconds=20, failed="the agent is not idle")
        add_root(index.database, host=HOST, path=other, home=settings.home)
        wait_until(lambda: scans["other"] >= 2, seconds=10, failed="the new root is not watched")
        wait_until(idle._is_idle, seconds=10, failed="the agent is not idle again")
        before = scans["docs"]
        with index.database.transaction() as connection:
            request_scan(connection, name="docs")
        wait_until(lambda: scans["docs"] > before, seconds=10, failed="the request is not noticed")


@pytest.mark.usefixtures("never_looking")
def test_an_idle_agent_looks_again_for_a_saved_file_whose_reading_is_put_off(
    settings: Settings, index: Index, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    idle = make_agent(settings, index)
    with running(idle):
        wait_until(lambda: scans["docs"] >= 2 and idle._is_idle(), seconds=20, failed="the agent is not idle")
        monkeypatch.setattr(agent_module.file_claims, "has_waiting_files", lambda *_, **__: bool(looks.append(1)))
        (index.folder / "saved.txt").write_text("words")
        wait_until(lambda: len(looks) >= 3, seconds=10, failed="the agent does not look")


def test_an_agent_refreshes_the_statistics_while_there_is_work(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed = []
    monkeypatch.setattr(agent_module, "STATISTICS_SECONDS", 0.05)
    monkeypatch.setattr(agent_module.planner_statistics, "refresh_statistics", lambda _: refreshed.append(1))
    working = make_agent(settings, index)
    with running(working):
        wait_until(lambda: len(refreshed) >= 2, seconds=10, failed="statistics grow old")
        working._idle_from = 0.0
        time.sleep(0.2)
        refreshed.clear()
        time.sleep(0.5)
        assert not refreshed, "an idle agent keeps the server busy"


def test_an_idle_agent_asks_rarely_for_maintenance(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.1)
    monkeypatch.setattr(agent_module, "IDLE_MAINTENANCE_SECONDS", 3600.0)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    queue = NotingQueue()
    working = make_agent(settings, index, queue)
    with running(working):
        wait_until(lambda: queue.maintenance >= 3, seconds=10, failed="nobody maintains the index")
        working._idle_from = 0.0
        time.sleep(0.6)
        asked = queue.maintenance
        time.sleep(0.6)
        assert queue.maintenance == asked
        working._stay_busy()
        working._idle_from = 0.0
        wait_until(lambda: queue.maintenance > asked, seconds=10, failed="what has changed is not maintained")


def test_an_agent_frees_memory_once_when_it_becomes_idle(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[bool] = []
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "trim_heap", lambda: freed.append(True))
    one = make_agent(settings, index)
    with running(one):
        for times in (1, 2):

            def has_freed(times: int = times) -> bool:
                # The first scan keeps it busy.
                one._idle_from = 0.0
                return len(freed) == times

            wait_until(has_freed, seconds=10, failed="it keeps its memory")
            time.sleep(0.3)
            assert len(freed) == times
            one._stay_busy()
            wait_until(lambda: not one._was_idle, seconds=10, failed="it does not notice that there is work")


def test_a_model_that_was_started_is_maintained_soon(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "IDLE_MODELS_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "MODELS_SECONDS", 0.05)
    started = threading.Event()
    one = make_agent(settings, index, start_multilingual=lambda _: started.is_set())
    with running(one):
        one._idle_from, one._has_changed = 0.0, False
        started.set()
        wait_until(lambda: one._has_changed and not one._is_idle(), seconds=10, failed="nobody looks at its chunks")


def test_an_agent_notifies_workers_of_scores_that_nobody_has_measured(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "VECTOR_INDEX_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    for number in range(40):
        (index.folder / f"{number}.txt").write_text(f"This is text number {number}.")
    index.settle()
    queue = NotingQueue()
    with running(make_agent(settings, index, queue)):
        time.sleep(0.5)
        assert not any(queue.embed)
        index.rows("UPDATE models SET scale = NULL RETURNING 1")
        wait_until(lambda: index.embedder.spec.name in queue.embed, seconds=10, failed="nobody measures the scores")
