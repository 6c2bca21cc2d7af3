"""Connections to Redis break in every way: a worker goes on, and one that stops consuming is ended and replaced."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import re
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import RedisError

from magicfs.config import Settings
from tasks.app import EXTRACT_TASK, declared_queue, make_app
from tasks.queue_names import MAINTENANCE_QUEUE, extract_queue
from tests.plugins.broker import PASSWORD, Broker
from tests.plugins.proxy import proxy_to
from tests.plugins.stack import HOST, Stack

MINUTE = 60
BLOCK_BYTES = 1 << 20

TROUBLE_SECONDS = 5.0
"""After so many seconds, the watchdog of `sabotage.deaf` ends a worker. The module is for workers alone."""

HALF_OPEN_SECONDS = 150.0
"""Fifteen until a worker notices that no answer comes, five for each connection that it still waits for, and time for a
busy machine: a worker that its watchdog ends after a minute says so."""

ENDS = " the worker ends, to be started again: "


def begin(stack: Stack, broker: Broker, folder: Path, *, url: str | None = None, sabotage: str | None = None) -> None:
    """An agent and an extract worker, which have indexed a first file. The worker reaches the broker by `url`."""
    stack.environment |= {"MAGICFS_BROKER_URL": broker.url}
    folder.mkdir()
    stack.add_root(folder)
    stack.start_agent()
    stack.environment |= {"MAGICFS_BROKER_URL": url or broker.url}
    stack.start_worker("extract", sabotage=sabotage)
    write_and_wait(stack, folder, "first.txt")


def write_and_wait(stack: Stack, folder: Path, name: str, *, seconds: float = 180) -> None:
    (folder / name).write_text(f"The file {name} is written.")
    state = "SELECT state FROM files WHERE display = %s"
    stack.wait(lambda: stack.rows(state, name) == [("indexed",)], seconds=seconds, what=f"the index of {name}")


def log_of(stack: Stack) -> str:
    return (stack.home / "log" / "extract-1.log").read_text()


UNTAKEN = "messages wait, and it takes none"
UNBEGUN = "it begins no task for the messages that it takes"
UNLEARNED = "it does not learn that its task has ended"
REASONS = {
    "asks for none": {UNTAKEN},
    # It may take one more message before it hangs.
    "hangs": {UNTAKEN, UNBEGUN},
    "loses them": {UNBEGUN},
    "loses results": {UNLEARNED},
}


@pytest.mark.parametrize("trouble", REASONS)
def test_a_worker_that_stops_consuming_ends_so_that_it_is_started_again(
    stack: Stack, broker: Broker, tmp_path: Path, trouble: str
) -> None:
    begin(stack, broker, tmp_path / "docs", sabotage="tests.faults.sabotage.deaf")
    child = stack.child_of("extract-1")
    assert child is not None
    (stack.home / "trouble").write_text(trouble)
    (tmp_path / "docs" / "second.txt").write_text("A second file.")
    worker = stack.processes["extract-1"]
    for number in range(300):
        # The message of the file before may have been taken before the trouble began.
        (tmp_path / "docs" / f"{number}.txt").write_text(f"File number {number}.")
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(1)
            break
    # Every supervisor starts a part again that has failed.
    assert worker.poll() == 1
    assert log_of(stack).count(ENDS) == 1
    assert any(f"{ENDS}{reason}, for " in log_of(stack) for reason in REASONS[trouble])
    stack.wait(lambda: not psutil.pid_exists(child), what="the end of its child")
    (stack.home / "trouble").unlink()
    stack.start_worker("extract")
    state = "SELECT state FROM files WHERE display = 'second.txt'"
    stack.wait(lambda: stack.rows(state) == [("indexed",)], what="the second file")


def test_messages_for_which_no_task_is_to_begin_end_no_worker(stack: Stack, broker: Broker, tmp_path: Path) -> None:
    """They are for other programs, or too late."""
    begin(stack, broker, tmp_path / "docs", sabotage="tests.faults.sabotage.deaf")
    app = make_app(Settings(home=stack.home, host=HOST, broker_url=broker.url))
    queue = declared_queue(extract_queue(HOST))

    def send(task: str, **options: float) -> None:
        app.send_task(task, queue=queue, ignore_result=True, **options)
        stack.wait(lambda: broker.client.llen(queue.name) == 0, what="a worker that takes the message")
        time.sleep(2 * TROUBLE_SECONDS)
        assert stack.processes["extract-1"].poll() is None

    send("tasks.of.another.program")
    send(EXTRACT_TASK, expires=-1)
    assert ENDS not in log_of(stack)
    assert stack.processes["extract-1"].poll() is None


COMMANDS: dict[str, dict[str, object]] = {
    "pool_grow": {"n": 3},
    "pool_shrink": {"n": 1},
    "time_limit": {"task_name": EXTRACT_TASK, "hard": 1_000_000},
    "rate_limit": {"task_name": EXTRACT_TASK, "rate_limit": "1/h"},
    "cancel_consumer": {"queue": extract_queue(HOST)},
    "add_consumer": {"queue": "another"},
    "disable_events": {},
    "hello": {"from_node": "x", "revoked": {}},
    "shutdown": {},
}


def test_a_worker_goes_on_whatever_it_is_told(stack: Stack, broker: Broker, tmp_path: Path) -> None:
    """Every host of a cluster reaches the workers of all: one could end them, or take the memory of a machine."""
    begin(stack, broker, tmp_path / "docs")
    app = make_app(Settings(home=stack.home, host=HOST, broker_url=broker.url))
    worker = psutil.Process(stack.processes["extract-1"].pid)
    before = worker.children()
    for command, arguments in COMMANDS.items():
        app.control.broadcast(command, arguments=arguments)
    app.send_task(EXTRACT_TASK, queue=declared_queue(extract_queue(HOST)), ignore_result=True, countdown=3600)
    # It waits no longer than until the one worker has answered.
    inspect = app.control.inspect(timeout=60, limit=1)
    assert inspect.ping(), "it answers what is asked afterwards"
    assert "refuse 'pool_grow'" in str(app.control.pool_grow(3, reply=True, timeout=60, limit=1))
    app.control.broadcast("heartbeat")
    assert inspect.ping()
    assert "Traceback" not in log_of(stack), "Flower sends a command when it starts"
    stack.wait(lambda: broker.client.llen(extract_queue(HOST)) == 0, what="a worker that takes the message")
    assert list(inspect.scheduled().values()) == [[]], "no message waits in its memory"
    queues = next(iter(inspect.active_queues().values()))
    assert {queue["name"] for queue in queues} == {extract_queue(HOST), MAINTENANCE_QUEUE}
    for name in ("second.txt", "third.txt"):
        write_and_wait(stack, tmp_path / "docs", name)
    assert worker.children() == before


def test_a_worker_unpacks_nothing(stack: Stack, broker: Broker, tmp_path: Path) -> None:
    begin(stack, broker, tmp_path / "docs")
    app = make_app(Settings(home=stack.home, host=HOST, broker_url=broker.url))
    worker = psutil.Process(stack.processes["extract-1"].pid)
    before = most_memory(worker)
    # No worker takes it from this queue.
    app.send_task(EXTRACT_TASK, queue=declared_queue("aside"), ignore_result=True)
    (message,) = map(json.loads, broker.client.lrange("aside", 0, -1))
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(bytes(BLOCK_BYTES)) for _ in range(500)) + packed.flush()
    message["body"] = base64.b64encode(body).decode()
    message["headers"]["compression"] = "application/x-gzip"
    broker.client.lpush(extract_queue(HOST), json.dumps(message))
    stack.wait(lambda: broker.client.llen(extract_queue(HOST)) == 0, what="a worker that takes the message")
    write_and_wait(stack, tmp_path / "docs", "second.txt")
    assert most_memory(worker) - before < 100 * BLOCK_BYTES


def most_memory(process: psutil.Process) -> int:
    """The most memory that a process has had, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def test_a_worker_whose_connections_are_half_open_goes_on(stack: Stack, broker: Broker, tmp_path: Path) -> None:
    """Both ends believe in them: no keepalive of the kernel tells. The watchdog would end the worker after a minute."""
    with proxy_to(broker.port) as proxy:
        url = broker.url.replace(f":{broker.port}/", f":{proxy.port}/")
        begin(stack, broker, tmp_path / "docs", url=url)
        for number in range(2):
            proxy.swallow()
            write_and_wait(stack, tmp_path / "docs", f"{number}.txt", seconds=HALF_OPEN_SECONDS)
        assert ENDS not in log_of(stack)
        stack.stop()


def cut(broker: Broker) -> None:
    """Close all connections of workers and agents, as a firewall or a restart does."""
    with contextlib.suppress(RedisError):
        broker.client.client_kill_filter(_type="normal", skipme=True)
        broker.client.client_kill_filter(_type="pubsub", skipme=True)


def restart(broker: Broker) -> None:
    broker.stop()
    time.sleep(0.2)
    broker.start()


def refuse(broker: Broker) -> None:
    broker.change_password("another")
    time.sleep(0.5)
    broker.change_password(PASSWORD)


def fill(broker: Broker) -> None:
    broker.fill()
    time.sleep(0.5)
    broker.make_room()


def test_a_worker_goes_on_whose_child_died_over_an_unread_message_before_a_connection_broke(
    stack: Stack, broker: Broker, tmp_path: Path
) -> None:
    """Celery closes the child's pipes then. Those of the next one may get their descriptors, but no other meaning."""
    docs = tmp_path / "docs"
    begin(stack, broker, docs, sabotage="tests.faults.sabotage.taken_descriptors")
    for number in range(2):
        child = psutil.Process(stack.child_of("extract-1"))
        child.suspend()
        (docs / f"unread-{number}.txt").write_text("Nobody reads the message of this file.")
        stack.wait(lambda: broker.client.hlen("unacked") > 0, what="a worker that has taken a message")
        child.kill()
        write_and_wait(stack, docs, f"after-{number}.txt")
        cut(broker)
        write_and_wait(stack, docs, f"connected-{number}.txt")
    assert ENDS not in log_of(stack)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_a_worker_goes_on_after_many_broken_connections(
    stack: Stack, broker: Broker, tmp_path: Path, seed: int
) -> None:
    docs = tmp_path / "docs"
    begin(stack, broker, docs)
    randomness = random.Random(seed)
    for number in range(12):
        for file in range(randomness.randint(1, 30)):
            (docs / f"{number}-{file}.txt").write_text(f"File {file} of round {number}, seed {seed}.")
        time.sleep(randomness.uniform(0.0, 0.6))
        randomness.choices([cut, restart, refuse, fill], weights=[6, 2, 1, 1])[0](broker)
        if number % 4 == 3:
            write_and_wait(stack, docs, f"after-{number}.txt", seconds=180)
    files = len(list(docs.iterdir()))
    indexed = "SELECT count(*) FROM files WHERE state = 'indexed'"
    stack.wait(lambda: stack.rows(indexed) == [(files,)], seconds=180, what="an index of everything")
    assert ENDS not in log_of(stack)
    assert stack.processes["extract-1"].poll() is None


TROUBLES: dict[str, tuple[Callable[[Broker], object], Callable[[Broker], object]]] = {
    "it is stopped": (Broker.hang, Broker.go_on),
    "it pauses its clients": (
        lambda broker: broker.client.client_pause(MINUTE * 1000),
        lambda broker: broker.client.ping(),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_worker_goes_on_after_a_minute_without_an_answer(
    stack: Stack, broker: Broker, tmp_path: Path, trouble: str
) -> None:
    docs = tmp_path / "docs"
    begin(stack, broker, docs)
    cause, end = TROUBLES[trouble]
    cause(broker)
    began = time.monotonic()
    for number in range(20):
        (docs / f"{number}.txt").write_text(f"File {number} is written meanwhile.")
    os.remove(docs / "0.txt")
    time.sleep(max(0.0, began + MINUTE - time.monotonic()))
    end(broker)
    write_and_wait(stack, docs, "afterwards.txt", seconds=180)
    assert ENDS not in log_of(stack)
