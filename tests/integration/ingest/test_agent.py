"""What the agent does for one root has no effect on the others."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.heartbeats import record_workers
from magicfs.db.pool import Database
from magicfs.db.roots import request_scan
from magicfs.domain.roots import RegisteredRoot
from magicfs.domain.status import WorkerStatus
from magicfs.errors import HostTaken
from magicfs.ingest import agent as agent_module
from magicfs.ingest import root_keeper
from magicfs.ingest.agent import Agent
from magicfs.ingest.host_claim import HostClaim, machine_id, state_directory_locked
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


def agent(settings: Settings, index: Index, *, machine: str = "this") -> Agent:
    """An agent that has claimed its host."""
    claim = HostClaim(index.database, host=settings.host, machine=machine)
    claim.renew()
    return Agent(settings, index.database, SilentQueue(), claim)


def paths(index: Index) -> set[str]:
    return set(index.states())


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
    with running(agent(settings, index)):
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


def test_a_requested_scan_compares_with_the_database_itself(
    index: Index, settings: Settings, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (index.folder / "one.txt").write_text("words")
    with running(agent(settings, index)):
        wait_until(lambda: scans["docs"] >= 2 and paths(index), seconds=20, failed="the root is not watched")
        index.rows("UPDATE files SET size = 0 RETURNING 1")
        with index.database.transaction() as connection:
            request_scan(connection, name="docs")
        wait_until(
            lambda: index.rows("SELECT size FROM files") == [(5,)], seconds=10, failed="the scan trusted its memory"
        )


def test_a_periodic_scan_compares_with_the_database_itself_from_time_to_time(
    index: Index, settings: Settings, scans: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_keeper, "COMPARE_SECONDS", 1.0)
    (index.folder / "one.txt").write_text("words")
    with running(agent(settings.replace(scan_seconds=1), index)):
        wait_until(lambda: scans["docs"] >= 2 and paths(index), seconds=20, failed="the root is not watched")
        index.rows("UPDATE files SET size = 0 RETURNING 1")
        wait_until(
            lambda: index.rows("SELECT size FROM files") == [(5,)], seconds=20, failed="the scan trusted its memory"
        )


def test_one_machine_has_a_host(index: Index, settings: Settings) -> None:
    first = HostClaim(index.database, host=HOST, machine="first")
    second = HostClaim(index.database, host=HOST, machine="second")
    first.renew()
    with pytest.raises(HostTaken, match=f"the agent of first has the host name '{HOST}': stop it, or set MAGICFS_HOST"):
        second.renew()
    first.renew()
    HostClaim(index.database, host="another", machine="second").renew()
    first.release()
    second.renew()
    index.rows("UPDATE hosts SET agent_until = now() - interval '1 second' WHERE name = %s RETURNING 1", HOST)
    first.renew()
    with pytest.raises(HostTaken):
        second.renew()


def test_an_agent_waits_for_its_host_and_logs_it_once(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    first = HostClaim(index.database, host=HOST, machine="first")
    second = HostClaim(index.database, host=HOST, machine="second")
    first.renew()
    claimed = []
    thread = threading.Thread(target=lambda: claimed.append(second.wait(threading.Event(), poll_s=0.05)))
    thread.start()
    wait_until(lambda: "the agent of first has the host" in caplog.text, seconds=10, failed="the agent does not wait")
    assert not claimed
    first.release()
    thread.join()
    assert claimed == [True]
    assert len(caplog.records) == 1


def test_an_agent_whose_host_was_taken_ends(index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "HEARTBEAT_SECONDS", 0.1)
    mine = agent(settings, index)
    index.rows("UPDATE hosts SET agent_machine = 'another' WHERE name = %s RETURNING 1", HOST)
    with pytest.raises(HostTaken):
        mine.run(threading.Event())
    assert index.rows("SELECT agent_machine FROM hosts WHERE name = %s", HOST) == [("another",)]


def test_one_agent_uses_a_state_directory(settings: Settings) -> None:
    with (
        state_directory_locked(settings.run_dir),
        pytest.raises(HostTaken),
        state_directory_locked(settings.run_dir),
    ):
        pass
    with state_directory_locked(settings.run_dir):
        pass


def test_state_directories_are_different_machines(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert machine_id(tmp_path / "one") == machine_id(tmp_path / "one")
    assert machine_id(tmp_path / "one") != machine_id(tmp_path / "two")


class CountingQueue(SilentQueue):
    """Counts the notifications of embed workers."""

    def __init__(self) -> None:
        self.embed_notifications = 0

    def notify_embed(self, model: str | None = None) -> None:
        self.embed_notifications += 1


def notifications(settings: Settings, index: Index, *, paused: bool) -> int:
    """How many notifications an agent sends when it checks for waiting work once."""
    claim = HostClaim(index.database, host=settings.host, machine="this")
    claim.renew()
    queue = CountingQueue()
    Agent(settings, index.database, queue, claim, embedding_paused=lambda: paused)._look()
    return queue.embed_notifications


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

    one = agent(settings, index)
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
    monkeypatch.setattr(agent_module.files_db, "has_waiting_files", lambda *_, **__: bool(looks.append(1)))
    monkeypatch.setattr(agent_module, "STARTUP_SECONDS", 0.0)
    transactions = []
    transaction = Database.transaction
    monkeypatch.setattr(Database, "transaction", lambda *args: transactions.append(1) or transaction(*args))
    with running(agent(settings, index)):
        wait_until(lambda: scans["docs"] >= 2, seconds=20, failed="the root is not scanned and watched")
        looks.clear()
        transactions.clear()
        time.sleep(4.5)
        # A busy agent would have looked eighteen times.
        assert len(looks) <= 2
        # One for each look, and one or two heartbeats with the workers.
        assert len(transactions) <= 6
        (index.folder / "saved.txt").write_text("words")
        wait_until(lambda: "saved.txt" in paths(index), seconds=10, failed="an idle agent misses an event")


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

    claim = HostClaim(index.database, host=settings.host, machine="this")
    claim.renew()
    one = Agent(settings, index.database, SilentQueue(), claim, start_multilingual=look)
    with running(one):
        wait_until(lambda: len(looks) == 2, seconds=20, failed="the agent does not look")
        (index.folder / "meanwhile.txt").write_text("words")
        wait_until(lambda: "meanwhile.txt" in paths(index), seconds=20, failed="the agent waits for the model")
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
    idle = agent(settings, index)
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
    idle = agent(settings, index)
    with running(idle):
        wait_until(lambda: scans["docs"] >= 2 and idle._is_idle(), seconds=20, failed="the agent is not idle")
        monkeypatch.setattr(agent_module.files_db, "has_waiting_files", lambda *_, **__: bool(looks.append(1)))
        (index.folder / "saved.txt").write_text("words")
        wait_until(lambda: len(looks) >= 3, seconds=10, failed="the agent does not look")


def test_an_agent_refreshes_the_statistics_while_there_is_work(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed = []
    monkeypatch.setattr(agent_module, "STATISTICS_SECONDS", 0.05)
    monkeypatch.setattr(agent_module.planner_statistics, "refresh_statistics", lambda _: refreshed.append(1))
    working = agent(settings, index)
    with running(working):
        wait_until(lambda: len(refreshed) >= 2, seconds=10, failed="statistics grow old")
        working._idle_from = 0.0
        time.sleep(0.2)
        refreshed.clear()
        time.sleep(0.5)
        assert not refreshed, "an idle agent keeps the server busy"


class MaintenanceQueue(SilentQueue):
    """Counts the notifications that maintenance is due."""

    def __init__(self) -> None:
        self.notifications = 0

    def notify_maintenance(self) -> None:
        self.notifications += 1


def test_an_idle_agent_asks_rarely_for_maintenance(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "MAINTENANCE_SECONDS", 0.1)
    monkeypatch.setattr(agent_module, "IDLE_MAINTENANCE_SECONDS", 3600.0)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    claim = HostClaim(index.database, host=settings.host, machine="this")
    claim.renew()
    queue = MaintenanceQueue()
    working = Agent(settings, index.database, queue, claim)
    with running(working):
        wait_until(lambda: queue.notifications >= 3, seconds=10, failed="nobody maintains the index")
        working._idle_from = 0.0
        time.sleep(0.6)
        asked = queue.notifications
        time.sleep(0.6)
        assert queue.notifications == asked
        working._stay_busy()
        working._idle_from = 0.0
        wait_until(lambda: queue.notifications > asked, seconds=10, failed="what has changed is not maintained")


def test_a_model_that_was_started_is_maintained_soon(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "IDLE_MODELS_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "MODELS_SECONDS", 0.05)
    started = threading.Event()
    claim = HostClaim(index.database, host=settings.host, machine="this")
    claim.renew()
    one = Agent(settings, index.database, SilentQueue(), claim, start_multilingual=lambda _: started.is_set())
    with running(one):
        one._idle_from, one._has_changed = 0.0, False
        started.set()
        wait_until(lambda: one._has_changed and not one._is_idle(), seconds=10, failed="nobody looks at its chunks")


class EmbedQueue(SilentQueue):
    """Notes which models' workers are notified."""

    def __init__(self) -> None:
        super().__init__()
        self.models: set[str | None] = set()

    def notify_embed(self, model: str | None = None) -> None:
        self.models.add(model)


def test_an_agent_notifies_workers_of_scores_that_nobody_has_measured(
    settings: Settings, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "VECTOR_INDEX_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "IDLE_SECONDS", 0.05)
    for number in range(40):
        (index.folder / f"{number}.txt").write_text(f"This is text number {number}.")
    index.settle()
    claim = HostClaim(index.database, host=settings.host, machine="this")
    claim.renew()
    queue = EmbedQueue()
    with running(Agent(settings, index.database, queue, claim)):
        time.sleep(0.5)
        assert queue.models == set()
        index.rows("UPDATE models SET scale = NULL RETURNING 1")
        wait_until(lambda: index.embedder.spec.name in queue.models, seconds=10, failed="nobody measures the scores")
