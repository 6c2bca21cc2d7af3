"""The lease of a host fences what an agent writes: another machine may have the host before the agent knows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from magicfs.config import Settings
from magicfs.domain.files import FileStat, SeenFile
from magicfs.errors import HostTaken
from magicfs.ingest import agent as agent_module
from magicfs.ingest import host_lease
from magicfs.ingest.host_lease import HostLease, machine_id, state_directory_locked
from magicfs.ingest.scanner import Scanner
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import NotingQueue, make_agent
from tests.plugins.index import HOST, Index
from tests.plugins.services import make_scanner


@pytest.fixture(autouse=True)
def _lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that is held up loses no lease: leases run out when it says so."""
    monkeypatch.setattr(host_lease, "LEASE_SECONDS", 3600.0)


@pytest.fixture
def ours(index: Index) -> HostLease:
    lease = HostLease(index.database, host=HOST, machine="ours", boot="our boot")
    lease.renew()
    return lease


@pytest.fixture
def theirs(index: Index) -> HostLease:
    return HostLease(index.database, host=HOST, machine="theirs", boot="their boot")


@pytest.fixture
def leases(ours: HostLease, theirs: HostLease) -> tuple[HostLease, HostLease]:
    return ours, theirs


@pytest.fixture
def scanner(index: Index, ours: HostLease) -> Scanner:
    """Ours, which has indexed two files."""
    scanner = make_scanner(index.database, hold=ours.hold)
    for name in ("one.txt", "two.txt"):
        (index.folder / name).write_text("words")
    scanner.scan(index.registered())
    assert set(index.states()) == {"one.txt", "two.txt"}
    return scanner


def run_out(index: Index) -> None:
    """Let the lease run out, as if its machine had been cut off for half a minute."""
    index.rows("UPDATE hosts SET agent_until = now() - interval '1 second' WHERE name = %s RETURNING 1", HOST)


def take_over(index: Index, theirs: HostLease) -> None:
    """Take the host while its agent works, whose transactions hold it one after another."""

    def is_taken() -> bool:
        try:
            theirs.renew()
        except HostTaken:
            return False
        return True

    run_out(index)
    wait_until(is_taken, seconds=60, failed="the host is never free")


def seen(folder: Path, name: str) -> SeenFile:
    return SeenFile(name.encode(), FileStat.of((folder / name).lstat()))


WRITERS: dict[str, Callable[[Scanner, Index], object]] = {
    "a scan": lambda scanner, index: scanner.scan(index.registered()),
    "a scan of all": lambda scanner, index: scanner.scan(index.registered(), use_cache=False),
    "a directory": lambda scanner, index: scanner.scan_directory(index.root, b""),
    "an ignored directory": lambda scanner, index: scanner.scan_directory(index.root, b".git"),
    "an event": lambda scanner, index: scanner.record(index.root, [seen(index.folder, "three.txt")]),
    "a deletion": lambda scanner, index: scanner.delete(index.root, [b"one.txt"]),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_is_written_for_a_host_that_another_machine_has(
    index: Index, scanner: Scanner, theirs: HostLease, writer: str
) -> None:
    run_out(index)
    theirs.renew()
    before = index.rows("SELECT display, size, changed_at FROM files ORDER BY display")
    roots = index.rows("SELECT * FROM roots")
    (index.folder / ".git").mkdir()
    (index.folder / "three.txt").write_text("words")
    (index.folder / "two.txt").write_text("other words")
    (index.folder / "one.txt").unlink()
    with pytest.raises(HostTaken, match="the agent of theirs has the host name"):
        WRITERS[writer](scanner, index)
    assert index.rows("SELECT display, size, changed_at FROM files ORDER BY display") == before
    assert index.rows("SELECT * FROM roots") == roots


def test_an_absent_root_is_not_reported_for_a_host_that_another_machine_has(
    index: Index, scanner: Scanner, theirs: HostLease, tmp_path: Path
) -> None:
    run_out(index)
    theirs.renew()
    index.folder.rename(tmp_path / "away")
    with pytest.raises(HostTaken):
        scanner.scan(index.registered())
    assert index.rows("SELECT state FROM roots") == [("present",)]


def test_a_host_is_not_taken_from_under_a_transaction(index: Index, ours: HostLease, theirs: HostLease) -> None:
    run_out(index)
    with index.database.transaction() as connection:
        ours.hold(connection)
        with pytest.raises(HostTaken, match="the agent of ours has"):
            theirs.renew()
        ours.renew()
    with pytest.raises(HostTaken):
        theirs.renew()
    run_out(index)
    theirs.renew()
    with pytest.raises(HostTaken), index.database.transaction() as connection:
        ours.hold(connection)


def test_a_transaction_does_not_wait_for_the_heartbeat(index: Index, ours: HostLease, database_url: str) -> None:
    with psycopg.connect(database_url) as heartbeat, index.database.transaction() as connection:
        heartbeat.execute("UPDATE hosts SET heartbeat = now() WHERE name = %s", (HOST,))
        connection.execute("SET LOCAL lock_timeout = '20s'")
        ours.hold(connection)


def test_a_host_that_another_machine_had_meanwhile_is_not_taken_again(
    index: Index, ours: HostLease, theirs: HostLease
) -> None:
    """What this agent believes to be in the index may have changed."""
    run_out(index)
    theirs.renew()
    theirs.release()
    with pytest.raises(HostTaken, match="another agent had the host name 'here' meanwhile: start this one again"):
        ours.renew()
    HostLease(index.database, host=HOST, machine="ours", boot="").renew()


def test_an_agent_that_finds_its_host_taken_ends_and_logs_nothing(
    index: Index,
    settings: Settings,
    leases: tuple[HostLease, HostLease],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Long before its next heartbeat."""
    ours, theirs = leases
    monkeypatch.setattr(agent_module, "HEARTBEAT_SECONDS", 3600.0)
    monkeypatch.setattr(agent_module, "STARTUP_SECONDS", -1.0)
    queue = NotingQueue()
    failures: list[HostTaken] = []

    def run() -> None:
        try:
            make_agent(settings, index.database, queue, lease=ours).run(threading.Event())
        except HostTaken as error:
            failures.append(error)

    with started(run) as thread:
        wait_until(lambda: queue.asked_for_workers > 0, seconds=60, failed="the agent sends no heartbeat")
        wait_for_file(index, "before.txt")
        take_over(index, theirs)
        (index.folder / "after.txt").write_text("words")
        thread.join(60)
        assert not thread.is_alive()
    assert str(failures[0]).startswith("the agent of theirs has the host name")
    assert set(index.states()) == {"before.txt"}
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []


@contextmanager
def started(function: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    yield thread


def wait_for_file(index: Index, name: str) -> None:
    (index.folder / name).write_text("words")
    wait_until(lambda: name in index.states(), seconds=60, failed="the agent does not work")


def test_extract_workers_of_another_machine_claim_no_file(index: Index, scanner: Scanner, theirs: HostLease) -> None:
    assert index.extraction(boot="their boot").run_batch() == 0
    assert index.extraction(boot="our boot").run_batch() == 2
    (index.folder / "two.txt").write_text("other words")
    scanner.scan(index.registered())
    index.end_pauses()
    run_out(index)
    theirs.renew()
    assert index.extraction(boot="our boot").run_batch() == 0
    theirs.release()
    assert index.extraction(boot="our boot").run_batch() == 0, "the other machine had the name last"
    assert index.extraction(boot="their boot").run_batch() == 1


def test_one_machine_has_a_host(index: Index, settings: Settings) -> None:
    first = HostLease(index.database, host=HOST, machine="first", boot="")
    second = HostLease(index.database, host=HOST, machine="second", boot="")
    first.renew()
    with pytest.raises(HostTaken, match=f"the agent of first has the host name '{HOST}': stop it, or set MAGICFS_HOST"):
        second.renew()
    first.renew()
    HostLease(index.database, host="another", machine="second", boot="").renew()
    first.release()
    second.renew()
    index.rows("UPDATE hosts SET agent_until = now() - interval '1 second' WHERE name = %s RETURNING 1", HOST)
    first.renew()
    with pytest.raises(HostTaken):
        second.renew()


def test_an_agent_waits_for_its_host_and_logs_it_once(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    first = HostLease(index.database, host=HOST, machine="first", boot="")
    second = HostLease(index.database, host=HOST, machine="second", boot="")
    first.renew()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(second.wait(threading.Event(), poll_s=0.05)))
    thread.start()
    wait_until(lambda: "the agent of first has the host" in caplog.text, seconds=60, failed="the agent does not wait")
    assert not taken
    first.release()
    thread.join()
    assert taken == [True]
    assert len(caplog.records) == 1


def test_an_agent_whose_host_was_taken_ends(index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "HEARTBEAT_SECONDS", 0.1)
    mine = make_agent(settings, index.database)
    index.rows("UPDATE hosts SET agent_machine = 'another' WHERE name = %s RETURNING 1", HOST)
    with pytest.raises(HostTaken):
        mine.run(threading.Event())
    assert index.rows("SELECT agent_machine FROM hosts WHERE name = %s", HOST) == [("another",)]


def test_one_agent_uses_a_state_directory(settings: Settings) -> None:
    with (
        state_directory_locked(settings),
        pytest.raises(HostTaken),
        state_directory_locked(settings),
    ):
        pass
    with state_directory_locked(settings):
        pass


def test_state_directories_are_different_machines(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert machine_id(tmp_path / "one") == machine_id(tmp_path / "one")
    assert machine_id(tmp_path / "one") != machine_id(tmp_path / "two")
