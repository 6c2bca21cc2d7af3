"""Parts end soon when they are told to, also while the database or Redis is gone: whoever stops them waits for it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from magicfs.cli.wiring import job_queue
from magicfs.db.pool import CONNECT_SECONDS
from tasks.broker import SOCKET_SECONDS
from tasks.queue_names import extract_queue
from tests.plugins.broker import Broker
from tests.plugins.servers import Servers
from tests.plugins.stack import HOST, Stack


@pytest.mark.parametrize("broker_is_gone", [False, True], ids=["no database", "neither database nor broker"])
def test_parts_that_wait_for_a_server_end_soon(
    stack: Stack, servers: Servers, broker: Broker, tmp_path: Path, broker_is_gone: bool
) -> None:
    stack.environment["MAGICFS_BROKER_URL"] = broker.url
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("words")
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract")
    stack.wait(lambda: len(stack.rows("SELECT FROM workers")) == 1, what="a worker that answers")
    stack.wait(lambda: stack.rows("SELECT state FROM files") == [("indexed",)], what="the work")
    with servers.without_database(stack.settings.database_dsn):
        job_queue(stack.settings.replace(broker_url=broker.url)).notify_extract(HOST)
        stack.wait(lambda: broker.client.llen(extract_queue(HOST)) == 0, what="a task that waits for the database")
        if broker_is_gone:
            broker.stop()
        began = time.monotonic()
        for process in stack.processes.values():
            process.terminate()
        for process in stack.processes.values():
            assert process.wait(60) == 0
    assert time.monotonic() - began < 1.5 * CONNECT_SECONDS, "the agent waits for one connection after the other"


def test_a_worker_that_waits_for_a_message_ends_at_once(stack: Stack, broker: Broker) -> None:
    stack.environment["MAGICFS_BROKER_URL"] = broker.url
    stack.start_worker("extract", sabotage="tests.faults.sabotage.patient")
    stack.wait(lambda: "ready." in (stack.home / "log/extract-1.log").read_text(), what="a worker")
    stack.wait(lambda: broker.client.info("clients")["blocked_clients"] == 1, what="a worker that waits")
    began = time.monotonic()
    stack.processes["extract-1"].terminate()
    assert stack.processes["extract-1"].wait(60) == 0
    assert time.monotonic() - began < SOCKET_SECONDS, "it waits until Redis says that there is no message"
