"""What a wait for the index says when nothing moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magicfs.cli.stalled import Situation, explain
from magicfs.domain.status import BrokerStatus, ChunkCounts, FileCounts, IndexProgress, WorkerStatus

HERE, THERE = (
    [WorkerStatus(name=f"{kind}-1@{host}", host=host, kind=kind, pid=1) for kind in ("extract", "embed")]
    for host in ("here", "there")
)


def situation(*, pending: int = 0, chunks: int = 0) -> Situation:
    """Everything runs, and something waits."""
    return Situation(
        host="here",
        unscanned=[],
        progress=IndexProgress(
            files=FileCounts(total=pending, pending=pending, indexed=0, skipped=0, failed=0),
            chunks=ChunkCounts(total=chunks, embedded=0, failed=0),
        ),
        has_agent=True,
        broker=BrokerStatus(ok=True, detail=None, queues={}),
        workers=HERE,
    )


def test_without_an_agent_nothing_is_scanned() -> None:
    said = explain(replace(situation(), unscanned=["docs"], has_agent=False))
    assert said == "waiting for the scan of docs: no agent runs on here: start 'magicfs up' or 'magicfs agent' there"


def test_a_scan_that_goes_on_is_said_so_and_few_roots_are_named() -> None:
    said = explain(replace(situation(), unscanned=["a", "b", "c", "d", "e"]))
    assert said.startswith("waiting for the scan of a, b, c and 2 more: the agent is at it")


def test_files_are_read_on_their_own_host() -> None:
    assert "one large file may take a minute" in explain(situation(pending=2))
    said = explain(replace(situation(pending=2), workers=THERE))
    assert said.startswith("waiting for 2 files to be read: no extract worker answers on here: start ")


def test_chunks_are_embedded_on_any_host() -> None:
    assert "1 embed worker at work" in explain(replace(situation(chunks=5), workers=THERE))
    said = explain(replace(situation(chunks=5), workers=THERE[:1]))
    assert said.startswith("waiting for the vectors of 5 chunks: no embed worker answers: start ")


def test_a_model_that_no_machine_has_is_named() -> None:
    said = explain(replace(situation(chunks=5), lacked="org/every-language"))
    assert said.endswith("no machine with an embed worker has the model: run 'magicfs model pull org/every-language'")
    assert "model pull" not in explain(replace(situation(pending=5), lacked="org/every-language"))


@pytest.mark.parametrize("waiting", [situation(pending=1), situation(chunks=1)])
def test_a_broker_in_trouble_comes_before_the_workers_which_cannot_be_asked(waiting: Situation) -> None:
    broker = BrokerStatus(ok=False, detail="Redis is full", queues={})
    assert explain(replace(waiting, broker=broker, workers=[])).endswith(": Redis is full")


def test_without_an_agent_nobody_notifies_the_workers() -> None:
    assert "no agent runs on here to notify" in explain(replace(situation(pending=1), has_agent=False))


def test_a_full_disk_is_said_before_anything_else() -> None:
    said = explain(replace(situation(pending=2), free_bytes=7 << 20, workers=[]))
    assert said == (
        "waiting for 2 files to be read: the disk of the database has 7 MB left: make room, and the work goes on"
    )


def test_a_program_that_was_replaced_while_it_ran_is_named() -> None:
    said = explain(replace(situation(pending=2), has_changed_program=True))
    assert said.startswith("waiting for 2 files to be read: the program on the disk is not the one that runs")
    assert said.endswith("run 'magicfs up'")
