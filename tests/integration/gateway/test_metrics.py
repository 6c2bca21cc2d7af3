"""The metrics of a real index say what is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from magicfs.cli.commands import metrics
from magicfs.config import Settings
from magicfs.db.cluster.heartbeats import LeaseTerms, record_mount, record_workers, take_host
from magicfs.db.pool import Database
from magicfs.db.status import read_measures, read_status
from magicfs.domain.status import BrokerStatus, WorkerStatus
from magicfs.errors import ServerError
from magicfs.gateway.metrics import Observation, text
from magicfs.runtime.supervisor import Supervisor
from tests.plugins.index import HOST, Index
from tests.unit.gateway.test_metrics import Samples, parsed, value


def measured(database: Database) -> Samples:
    with database.transaction() as connection:
        index = read_status(connection), read_measures(connection)
    return parsed(text(Observation("1", index, BrokerStatus(ok=True, detail=None, queues={}), ())))


def test_an_empty_index_has_metrics(database: Database) -> None:
    samples = measured(database)
    assert value(samples, "magicfs_database_up") == 1
    assert value(samples, "magicfs_database_size_bytes") > 1_000_000
    assert value(samples, "magicfs_chunks", state="embedded") == 0
    assert not {name for name, _ in samples} & {"magicfs_files", "magicfs_agent_up"}


def test_the_metrics_of_an_index_are_those_of_its_rows(index: Index) -> None:
    for number in range(3):
        (index.folder / f"text{number}.txt").write_text(f"words {number}\n\nmore words {number}")
    (index.folder / "secret.txt").write_text("locked")
    index.settle()
    (index.folder / "late.txt").write_text("later words")
    index.scan()
    index.rows("UPDATE files SET state = 'failed', reason = 'crashed' WHERE display = 'text2.txt' RETURNING 1")
    index.rows(
        "UPDATE embeddings SET state = 'failed', reason = 'crashed', vector = NULL"
        " WHERE chunk_id = (SELECT min(id) FROM chunks) RETURNING 1"
    )
    with index.database.transaction() as connection:
        take_host(connection, LeaseTerms(HOST, "machine", "", 30))
        record_workers(connection, [WorkerStatus("w", HOST, "embed", 1), WorkerStatus("v", "far", "embed", 1)])
        record_mount(connection, host=HOST, path=b"/mnt", pid=1)
        [(now,)] = connection.execute("SELECT extract(epoch FROM now())::float8").fetchall()
    samples = measured(index.database)

    files = {"root": index.root.name, "host": HOST}
    counts = {
        state: value(samples, "magicfs_files", **files, state=state)
        for state in ("pending", "indexed", "named", "skipped", "failed")
    }
    assert counts == {"pending": 1, "indexed": 2, "named": 0, "skipped": 1, "failed": 1}
    assert value(samples, "magicfs_files_not_indexed", reason="encrypted") == 1
    assert value(samples, "magicfs_files_not_indexed", reason="crashed") == 1
    assert value(samples, "magicfs_chunks", state="failed") == 1
    name = index.embedder.spec.name
    assert value(samples, "magicfs_failed_chunks", model=name, reason="crashed") == 1
    assert value(samples, "magicfs_root_present", **files) == 1
    assert 0 <= now - value(samples, "magicfs_root_last_scan_timestamp_seconds", **files) < 600
    assert value(samples, "magicfs_workers", host=HOST, kind="embed") == 1
    assert value(samples, "magicfs_workers", host=HOST, kind="extract") == 0
    assert value(samples, "magicfs_workers", host="far", kind="embed") == 1
    assert value(samples, "magicfs_mounts", host=HOST) == 1
    assert value(samples, "magicfs_agent_up", host=HOST) == 1
    assert abs(now - value(samples, "magicfs_agent_last_heartbeat_timestamp_seconds", host=HOST)) < 5
    # The file that waits holds it back.
    assert value(samples, "magicfs_complete_until_timestamp_seconds") <= now


def test_a_database_that_hangs_is_down_after_a_while(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "home", host=HOST, database_url=database_url)
    assert metrics.observe(settings).index is not None
    monkeypatch.setattr(metrics, "MAX_READING_SECONDS", 1.0)
    with database.transaction() as connection:
        connection.execute("LOCK TABLE files")
        observation = metrics.observe(settings)
    assert observation.index is None
    # A busy machine may need the second for the connection.
    assert re.search("(took too long|in time): try again", observation.trouble or "")


def test_a_supervisor_that_ends_meanwhile_has_no_parts(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_: Supervisor) -> None:
        raise ServerError("the supervisor does not answer")

    settings = Settings(home=tmp_path / "home", host=HOST, database_url=database_url)
    settings.run_dir.mkdir(parents=True)
    monkeypatch.setattr(Supervisor, "parts", end)
    observation = metrics.observe(settings)
    assert observation.index is not None
    assert list(observation.parts) == []
