"""Up to which moment the index holds everything that was saved, and what holds that moment back."""

from __future__ import annotations

import errno
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db import as_of
from magicfs.db.as_of import SILENT_SECONDS, WATCH_DELAY_SECONDS, read_as_of
from magicfs.db.pool import Database, fetch_one
from magicfs.domain.results import AsOf
from magicfs.ingest import watcher
from magicfs.ingest.host_lease import HostLease
from magicfs.ingest.scanner import Scanner
from magicfs.linux.inotify import Inotify
from magicfs.runtime.processes import wait_until
from magicfs.search.render import result_json
from magicfs.search.service import SearchService
from tests.integration.ingest.agents import make_agent
from tests.integration.search.corpus import ChosenVectors, Corpus
from tests.plugins.index import HOST, Index

DELAY = timedelta(seconds=WATCH_DELAY_SECONDS)


def read(database: Database) -> AsOf:
    with database.transaction() as connection:
        return read_as_of(connection)


def read_with(database: Database, expression: str) -> tuple[AsOf, datetime]:
    """What is known, and the value of an expression at the same moment: an agent may scan between two."""
    with database.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = read_as_of(connection)
        [value] = fetch_one(connection.execute(f"SELECT {expression}"))
    return found, value


def now(database: Database) -> datetime:
    return moment(database, "now()")


def moment(database: Database, expression: str) -> datetime:
    with database.transaction() as connection:
        row = connection.execute(f"SELECT {expression}").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


@pytest.fixture
def corpus(database: Database) -> Corpus:
    """An index of one root, which an agent watches and has scanned since."""
    made = Corpus(database)
    with database.transaction() as connection:
        connection.execute(
            "UPDATE hosts SET heartbeat = now() - interval '3 s', agent_machine = 'm', "
            "agent_until = now() + interval '1 h'"
        )
        connection.execute("UPDATE roots SET scanned_at = now() - interval '1 h'")
        connection.execute("INSERT INTO meta SELECT 'watched_since@' || id, (now() - interval '2 h')::text FROM roots")
    return made


def execute(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(statement)


def test_a_watched_root_is_known_up_to_the_last_heartbeat_of_its_agent(corpus: Corpus, database: Database) -> None:
    corpus.add(b"a.txt", "words")
    assert read(database) == AsOf(moment(database, "heartbeat FROM hosts") - DELAY)


def test_without_roots_everything_is_there(database: Database) -> None:
    found = read(database)
    assert found.moment is not None
    assert timedelta(0) <= now(database) - found.moment < timedelta(seconds=60)
    assert found.notices == ()


def test_a_file_that_waits_holds_the_moment_back(corpus: Corpus, database: Database) -> None:
    corpus.file(b"a.txt", corpus.content("old words"), state="pending")
    saved = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=7)
    execute(database, f"UPDATE files SET ctime_ns = {int(saved.timestamp())} * 1000000000::bigint")
    assert read(database).moment == saved
    execute(database, "UPDATE files SET changed_at = now() - interval '1 day'")
    assert read(database).moment == moment(database, "changed_at FROM files")


def test_a_chunk_without_a_vector_is_said_and_holds_nothing_back(corpus: Corpus, database: Database) -> None:
    corpus.add(b"a.txt", "words", "more words")
    corpus.file(b"b.txt", None, state="pending")
    execute(database, "UPDATE files SET ctime_ns = 1700000000000000000 WHERE state = 'pending'")
    shown = result_json(SearchService(database, ChosenVectors(), default_limit=9).search("words", deadline_s=10))
    assert shown["as_of"] == "2023-11-14T22:13:20.000+00:00"
    assert shown["notices"][-2:] == [
        "1 file waits to be read",
        "2 chunks have no vector yet: found by words alone",
    ]
    execute(database, "DELETE FROM files WHERE state = 'pending'")
    assert read(database).moment == moment(database, "heartbeat FROM hosts") - DELAY


@pytest.mark.parametrize("change", ["UPDATE roots SET state = 'missing'", "UPDATE roots SET state = 'suspect'",
                                    "DELETE FROM meta WHERE key LIKE 'watched%'",
                                    "UPDATE meta SET value = now()::text WHERE key LIKE 'watched%'"])  # fmt: skip
def test_a_root_that_nobody_watches_is_known_up_to_its_last_scan(
    corpus: Corpus, database: Database, change: str
) -> None:
    """It is missing or suspect, it cannot be watched, or something was missed after the scan."""
    execute(database, change)
    assert read(database) == AsOf(moment(database, "scanned_at FROM roots"))


def test_a_root_that_was_never_scanned_leaves_no_moment(corpus: Corpus, database: Database) -> None:
    execute(database, "UPDATE roots SET scanned_at = NULL")
    found = read(database)
    assert found == AsOf(None, unscanned_roots=("papers",))
    assert found.notices == ("root papers is not scanned yet",)


@pytest.mark.parametrize("is_stopped", [True, False])
def test_an_agent_that_is_down_is_said(corpus: Corpus, database: Database, is_stopped: bool) -> None:
    if is_stopped:
        execute(database, "UPDATE hosts SET agent_machine = NULL, agent_until = NULL")
    else:
        execute(database, f"UPDATE hosts SET heartbeat = now() - interval '{SILENT_SECONDS + 1} s'")
    found = read(database)
    assert found == AsOf(moment(database, "heartbeat FROM hosts") - DELAY, silent_hosts=("box",))
    assert found.notices == ("nobody sees what changes on box: its agent does not run",)


def test_while_many_files_wait_the_moment_is_not_looked_for(
    corpus: Corpus, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of, "MAX_WAITING_FILES", 2)
    for number in range(3):
        corpus.file(b"%d.txt" % number, None, state="pending")
    assert read(database).moment is None
    execute(database, "DELETE FROM files WHERE display = '0.txt'")
    assert read(database).moment == datetime(1970, 1, 1, tzinfo=UTC)


def test_no_file_is_read_that_does_not_wait(corpus: Corpus, database: Database) -> None:
    """Also right after an import, when the statistics of Postgres say that all files wait."""
    for number in range(60):
        corpus.file(b"%d.txt" % number, None, state="pending")
    execute(database, "ANALYZE files")
    with database.transaction() as connection:
        connection.execute("ALTER TABLE files DISABLE TRIGGER USER")
        connection.execute("UPDATE files SET state = 'named'")
        rows = connection.execute(f"EXPLAIN {as_of.AS_OF_SQL}", {"delay": 1, "silent": 1, "waiting": 9}).fetchall()
    plan = "\n".join(line for (line,) in rows)
    assert "Index Scan using files_backlog on files" in plan, plan


@pytest.fixture
def settings(short_path: Path) -> Settings:
    made = Settings(home=short_path / "home", host=HOST)
    made.make_home()
    return made


def test_an_agent_moves_the_moment_on(index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the start of the agent until its roots are watched and scanned, what changes meanwhile is not known."""
    monkeypatch.setattr(watcher, "is_shared_file_system", lambda _: False)
    execute(index.database, "UPDATE roots SET scanned_at = '2020-01-01Z'")
    lease = HostLease(index.database, host=settings.host, machine="this", boot="")
    lease.renew()
    assert read(index.database).moment == datetime(2020, 1, 1, tzinfo=UTC)
    stop = threading.Event()
    thread = threading.Thread(target=make_agent(settings, index.database, lease=lease).run, args=(stop,))
    began = now(index.database)
    thread.start()
    try:
        wait_until(lambda: (read(index.database).moment or began) > began, seconds=60, failed="no moment")
        (index.folder / "a.txt").write_text("words")
        saved = datetime.fromtimestamp((index.folder / "a.txt").stat().st_ctime_ns / 1e9, UTC)
        wait_until(lambda: "a.txt" in {str(path) for path in index.states()}, seconds=60, failed="the file is not seen")
        found = read(index.database).moment
        assert found is not None
        assert found <= saved + timedelta(milliseconds=1), "a file that is not read yet"
    finally:
        stop.set()
        thread.join()
    assert read(index.database).silent_hosts == (HOST,)
    lease.renew()
    assert (read(index.database).moment or began) < now(index.database) - timedelta(0), "forgotten by a new agent"


@pytest.mark.parametrize("reason", ["shared", "limit"])
def test_a_root_of_which_not_each_change_is_seen_is_not_watched(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    if reason == "shared":
        monkeypatch.setattr(watcher, "is_shared_file_system", lambda _: True)
    else:
        monkeypatch.setattr(Inotify, "add", _refuse)
    scans: list[object] = []
    scan = Scanner.scan
    monkeypatch.setattr(Scanner, "scan", lambda *args, **options: scans.append(True) or scan(*args, **options))
    lease = HostLease(index.database, host=settings.host, machine="this", boot="")
    lease.renew()
    stop = threading.Event()
    thread = threading.Thread(target=make_agent(settings, index.database, lease=lease).run, args=(stop,))
    thread.start()
    try:
        # The second one follows the try to watch the root.
        wait_until(lambda: len(scans) >= 2, seconds=60, failed="not scanned")
        found, scanned_at = read_with(index.database, "scanned_at FROM roots")
        assert found.moment == scanned_at
    finally:
        stop.set()
        thread.join()


def _refuse(_: object, path: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
