"""A broker that refuses, is stopped, hangs or is full: commands say so, and workers go on when it is well again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from celery import Celery
from kombu.transport.redis import Channel

from magicfs.config import Settings
from magicfs.db.corpus.file_claims import CLAIM_LOCK
from tasks.app import make_app
from tasks.broker import probe
from tasks.queue import CeleryQueue
from tests.plugins.broker import PASSWORD, Broker, free_port
from tests.plugins.commands import Commands
from tests.plugins.proxy import proxy_to
from tests.plugins.stack import HOST, Stack
from tests.plugins.waiting import SECONDS, eventually

HANG_SECONDS = 40
"""More than a command takes longer for the second or two that it waits for a broker, on a busy machine too. One that
hangs would wait for ever."""


def text_of(found: str | bytes) -> str:
    """A name in Redis as text: the library says that it gives either."""
    return found if isinstance(found, str) else found.decode()


@pytest.fixture
def operator(commands: Commands, broker: Broker, database_url: str) -> Commands:
    """Commands on a machine of a cluster."""
    commands.environment |= {"MAGICFS_DATABASE_URL": database_url, "MAGICFS_BROKER_URL": broker.url}
    return commands


RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +extract-1\[\d+\] [\w.]+: ")

OUTAGE_SECONDS = 12.0

LINES_A_SECOND = 2
"""Errors and warnings of a worker about an outage: two for each reconnection, one a second."""

TROUBLES: dict[str, tuple[Callable[[Broker], object], str]] = {
    "wrong password": (lambda broker: broker.change_password("another"), "password"),
    "stopped": (lambda broker: broker.stop(), "no Redis answers"),
    "full": (lambda broker: broker.fill(), "full"),
    "hangs": (lambda broker: broker.hang(), "does not answer"),
    "read-only": (lambda broker: broker.client.replicaof("127.0.0.1", "1"), "read-only"),
    "a key of another type": (lambda broker: broker.client.set("embed", "text"), "redis-cli"),
}

ASKED_OF_THE_DOCTOR = {"stopped", "hangs"}
"""The others are named in the same way, and the other checks of `doctor` take seconds."""


def test_the_commands_find_nothing_wrong_with_a_broker_that_is_well(operator: Commands) -> None:
    assert operator.run("status", "--check").returncode == 0
    assert json.loads(operator.ok("status", "--json"))["broker"] == {"ok": True, "detail": None}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_commands_say_what_is_wrong_with_the_broker(operator: Commands, broker: Broker, trouble: str) -> None:
    # `status` shows, and is done; `--check` and `doctor` decide.
    commands = {("status",): 0, ("status", "--check"): 1} | ({("doctor",): 1} if trouble in ASKED_OF_THE_DOCTOR else {})
    slowest = list(commands)[-1]
    _, usual_s = timed(operator, *slowest)
    cause, word = TROUBLES[trouble]
    cause(broker)
    for command, code in commands.items():
        done, took_s = timed(operator, *command)
        assert took_s < 2 * usual_s + HANG_SECONDS, command
        assert done.returncode == code, command
        assert word in done.stdout + done.stderr, command
        assert command == ("doctor",) or "messages waiting" not in done.stdout
        assert "Traceback" not in done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    reported = json.loads(operator.ok("status", "--json"))["broker"]
    assert reported["ok"] is False
    assert word in reported["detail"]


@pytest.mark.parametrize("is_away", [False, True])
def test_a_retired_host_leaves_nothing_in_redis(
    operator: Commands, broker: Broker, tmp_path: Path, *, is_away: bool
) -> None:
    (tmp_path / "docs").mkdir()
    operator.environment["MAGICFS_HOST"] = "laptop"
    operator.ok("roots", "add", str(tmp_path / "docs"))
    operator.environment["MAGICFS_HOST"] = "desktop"
    queue = CeleryQueue(make_app(Settings(broker_url=broker.url)))
    for host in ("laptop", "desktop"):
        queue.notify_extract(host)
    if is_away:
        broker.stop()
    assert "is retired" in operator.ok("hosts", "retire", "laptop", "--yes")
    if not is_away:
        kept = {key for key in map(text_of, broker.client.keys()) if "magicfs.probe" not in key}
        bindings = {key for key in kept if key.startswith("_kombu")}
        assert kept - bindings == {"extract.desktop"}
        members = [text_of(member) for key in bindings for member in broker.client.smembers(key)]
        assert not any("laptop" in member for member in members)


def test_a_probe_takes_two_round_trips(broker: Broker) -> None:
    """Five took so long over a network across the world that Redis seemed to hang."""
    with proxy_to(broker.port) as proxy:
        status = probe(broker.url.replace(str(broker.port), str(proxy.port)), "here")
        assert status.ok, status
        assert proxy.round_trips == 2, "the password, and all questions"


def timed(operator: Commands, *command: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """What a command did, and the seconds that it took."""
    started = time.monotonic()
    done = operator.run(*command)
    return done, time.monotonic() - started


def test_an_answer_ends_the_pause_of_notifications(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten seconds without one, nothing would be sent for another thirty."""
    monkeypatch.setattr("tasks.queue.SOCKET_SECONDS", 4.0)
    queue = CeleryQueue(Celery(broker=broker.url))
    broker.hang()
    queue.notify_extract("here")
    broker.go_on()
    assert queue.workers() == []
    queue.notify_extract("here")
    assert broker.client.llen("extract.here") == 1


def test_a_broker_that_goes_away_under_a_question_to_the_workers_holds_nobody_up(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent would neither renew its lease nor stop before the broker is back."""
    send = Channel._put_fanout

    def send_too_late(*arguments: Any, **options: Any) -> Any:
        broker.stop()
        return send(*arguments, **options)

    queue = CeleryQueue(make_app(Settings(broker_url=broker.url)))
    with monkeypatch.context() as patched:
        patched.setattr(Channel, "_put_fanout", send_too_late)
        asking = threading.Thread(target=queue.workers, daemon=True)
        asking.start()
        asking.join(SECONDS)
        assert not asking.is_alive()
    broker.start()
    eventually(lambda: queue.probe("here").ok, "a broker that is back")
    assert queue.workers() == []
    queue.notify_extract("here")
    assert broker.client.llen("extract.here") == 1


def extract_worker(stack: Stack, broker: Broker, folder: Path) -> psutil.Process:
    """A worker and the agent of a root, which has indexed a first file."""
    stack.environment |= {"MAGICFS_BROKER_URL": broker.url}
    folder.mkdir()
    (folder / "first.txt").write_text("A first file.")
    stack.add_root(folder)
    stack.start_agent()
    stack.start_worker("extract")
    stack.wait(lambda: bool(stack.rows("SELECT FROM files WHERE state = 'indexed'")), what="the first file")
    return psutil.Process(stack.processes["extract-1"].pid)


def assert_goes_on(stack: Stack, worker: psutil.Process, folder: Path) -> None:
    (folder / "second.txt").write_text("A second file.")
    stack.wait(
        lambda: len(stack.rows("SELECT FROM files WHERE state = 'indexed'")) == 2, what="the second file", seconds=180
    )
    assert stack.processes["extract-1"].poll() is None
    assert worker.is_running()


LIMIT_SECONDS = 20
"""The time limit of `sabotage.short_limit`."""

NOT_OF_CELERY = [
    b"no JSON",
    b"\xff\xfe",
    b"[]",
    b"{}",
    b'"text"',
    b"null",
    b'{"body": 1, "headers": [], "properties": 7}',
]


def test_a_worker_drops_what_is_no_message(stack: Stack, broker: Broker, tmp_path: Path) -> None:
    worker = extract_worker(stack, broker, tmp_path / "docs")
    for queue in ("extract.testhost", "maintenance"):
        broker.client.lpush(queue, *NOT_OF_CELERY)
    stack.wait(lambda: not broker.client.exists("extract.testhost", "maintenance"), what="empty queues")
    assert_goes_on(stack, worker, tmp_path / "docs")
    stack.wait(lambda: broker.client.hlen("unacked") == 0, what="an end of what would come back after an hour")


@pytest.mark.parametrize("trouble", ["full", "a key of another type", "wrong password"])
def test_a_worker_outlives_a_broker_that_refuses(stack: Stack, broker: Broker, tmp_path: Path, trouble: str) -> None:
    worker = extract_worker(stack, broker, tmp_path / "docs")
    if trouble == "full":
        broker.fill()
    elif trouble == "wrong password":
        broker.change_password("another")
    else:
        broker.client.delete("maintenance")
        broker.client.set("maintenance", "text")
    (tmp_path / "docs" / "meanwhile.txt").write_text("Written meanwhile.")
    before = sum(worker.cpu_times()[:2])
    began = time.monotonic()
    time.sleep(OUTAGE_SECONDS)
    assert sum(worker.cpu_times()[:2]) - before < 4, "the worker tries again without a pause"
    os.remove(tmp_path / "docs" / "meanwhile.txt")
    if trouble == "full":
        broker.make_room()
    elif trouble == "wrong password":
        broker.change_password(PASSWORD)
    else:
        broker.client.delete("maintenance")
    outage_s = time.monotonic() - began
    assert_goes_on(stack, worker, tmp_path / "docs")
    log = (stack.home / "log" / "extract-1.log").read_text().splitlines()
    assert [line for line in log if not RECORD.match(line)] == [], "a record is not one line"
    assert len([line for line in log if "ERROR" in line or "WARNING" in line]) < LINES_A_SECOND * (outage_s + 1)


def test_a_worker_goes_on_after_a_message_that_it_could_not_acknowledge(
    stack: Stack, broker: Broker, tmp_path: Path
) -> None:
    """A worker has one such message at a time, and asks for no other one meanwhile."""
    worker = extract_worker(stack, broker, tmp_path / "docs")
    with stack.database.transaction() as connection:
        # The task that runs waits for it, and the next message for the end of the task.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (HOST, CLAIM_LOCK))
        (tmp_path / "docs" / "meanwhile.txt").write_text("Written meanwhile.")
        stack.wait(lambda: broker.client.hlen("unacked") == 1, what="a message that waits for the child")
        broker.change_password("another")
    log = stack.home / "log" / "extract-1.log"
    stack.wait(lambda: "Connection to broker lost" in log.read_text(), what="a worker that asks for more")
    broker.change_password(PASSWORD)
    os.remove(tmp_path / "docs" / "meanwhile.txt")
    assert_goes_on(stack, worker, tmp_path / "docs")


def test_a_child_that_worked_during_an_outage_is_not_killed_after_it(
    stack: Stack, broker: Broker, tmp_path: Path
) -> None:
    """The outage is longer than the time limit: the parent reads the result of the task too late."""
    stack.environment |= {"MAGICFS_BROKER_URL": broker.url}
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(200):
        (docs / f"{number}.txt").write_text(f"File {number} is about the number {number} alone.\n\n" * 20)
    stack.add_root(docs)
    stack.start_agent()
    stack.start_worker("extract")
    stack.start_worker("embed", sabotage="tests.faults.sabotage.short_limit")
    stack.wait(lambda: stack.rows("SELECT count(*) FROM embeddings WHERE state = 'done'")[0][0] > 5, what="progress")
    child = stack.child_of("embed-1")
    broker.stop()
    time.sleep(LIMIT_SECONDS + 1)
    broker.start()
    stack.wait(stack.settled, seconds=300, what="an index of everything")
    assert stack.child_of("embed-1") == child, stack.logs()


def test_flower_says_in_a_line_that_redis_is_away_and_goes_on(stack: Stack, broker: Broker) -> None:
    port = str(free_port())
    stack.environment |= {
        "MAGICFS_BROKER_URL": broker.url,
        "MAGICFS_FLOWER_PASSWORD": PASSWORD,
        "MAGICFS_FLOWER_PORT": port,
    }
    stack.start_part("flower", sabotage="tests.faults.sabotage.eager_flower")
    log = stack.home / "log/flower.log"
    stack.wait(lambda: "Connected to" in log.read_text(), what="its connection")
    broker.stop()
    stack.wait(lambda: "trying again" in log.read_text(), what="a line about Redis")
    broker.start()
    stack.wait(lambda: log.read_text().count("Connected to") >= 2, what="its next connection")
    assert "Traceback" not in log.read_text()
