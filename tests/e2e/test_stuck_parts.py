"""What a person sees of a part that runs and does nothing, and how long it takes until it is said."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from magicfs.cli import stuck_parts
from magicfs.cli.stuck_parts import parts_and_stuck
from magicfs.config import Settings
from magicfs.ipc.server_lock import answers_ping
from magicfs.runtime.processes import wait_until
from magicfs.runtime.supervisor import Supervisor
from magicfs.runtime.supervisor_client import ANSWER_SECONDS
from tests.plugins.commands import Commands
from tests.plugins.waiting import eventually

pytestmark = pytest.mark.slow

DOCTOR_SECONDS = 30
"""Six seconds until a server that hangs is given up, and the other checks on a busy machine."""


@pytest.fixture(scope="module")
def running(module_commands: Commands) -> Commands:
    """A machine at work."""
    docs = module_commands.home.parent / "docs"
    docs.mkdir()
    (docs / "fact.txt").write_text("Marmots whistle when an eagle is near.\n")
    module_commands.ok("up", docs, "--detach", "--wait")
    return module_commands


def is_stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


@contextmanager
def stopped(*pids: int | None) -> Iterator[None]:
    """Processes that do nothing inside the block."""
    found = [pid for pid in pids if pid is not None]
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        for pid in found:
            # On a busy machine it runs on for a moment.
            wait_until(partial(is_stopped, pid), seconds=60, failed="it runs")
        yield
    finally:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def stopped_child(commands: Commands, worker: str) -> int:
    """Stop the child of a worker, and return its pid. One that has been idle for a while ends, and has a successor."""
    stopped_pids: list[int] = []

    def is_stopped() -> bool:
        with suppress(psutil.Error, ProcessLookupError, IndexError):
            child = psutil.Process(commands.pids()[worker]).children()[0]
            child.suspend()
            wait_until(lambda: child.status() == psutil.STATUS_STOPPED, seconds=60, failed="it runs")
            stopped_pids.append(child.pid)
        return bool(stopped_pids)

    eventually(is_stopped, "a child that is stopped")
    return stopped_pids[0]


def checked(commands: Commands) -> dict[str, tuple[bool, str]]:
    """What the doctor says."""
    checks = json.loads(commands.run("doctor", "--json").stdout)["checks"]
    return {check["name"]: (check["ok"], check["text"]) for check in checks}


def test_all_is_well_first(running: Commands) -> None:
    assert json.loads(running.ok("status", "--json"))["stuck"] == []
    assert "stuck" not in running.ok("status")
    assert all(ok for ok, _ in checked(running).values())


def test_a_database_that_hangs_is_waited_for_once(running: Commands) -> None:
    server = running.pids()["postgres"]
    assert server is not None
    with stopped(server, *(child.pid for child in psutil.Process(server).children(recursive=True))):
        begin = time.monotonic()
        said = checked(running)
        assert time.monotonic() - begin < DOCTOR_SECONDS
    assert not said["database"][0]
    assert said["database"][1].startswith("the database does not answer in time: restart it")
    assert said["languages"] == (True, "not known: the database cannot be read")
    assert said["parts"][1].startswith(f"postgres is stopped (process {server}): run 'kill -CONT {server}'")


@pytest.mark.parametrize("part", ["query-embedder", "extract-1", "agent", "redis"])
def test_a_part_that_is_stopped_is_named(running: Commands, part: str) -> None:
    pid = running.pids()[part]
    line = f"{part} is stopped (process {pid}): run 'kill -CONT {pid}', or run 'magicfs down', then 'magicfs up'"
    with stopped(pid):
        assert json.loads(running.ok("status", "--json"))["stuck"] == [line]
        assert f"stuck    {line}" in running.run("status").stdout
        assert checked(running)["parts"] == (False, line)
        check = running.run("status", "--check")
        assert check.returncode == 1
        assert len(check.stderr.splitlines()) == 1


@pytest.mark.parametrize("part", ["agent", "redis"])
def test_a_wait_says_soon_which_part_is_stopped(running: Commands, part: str) -> None:
    pid = running.pids()[part]
    line = f"{part} is stopped (process {pid}): run 'kill -CONT {pid}', or run 'magicfs down', then 'magicfs up'\n"
    (running.home.parent / "docs" / f"{part}.txt").write_text(f"What is written while {part} is stopped.\n")
    with stopped(pid):
        waiting = running.start("scan", "--wait")
        assert waiting.stderr is not None
        # One line is printed every five seconds.
        assert line in [waiting.stderr.readline() for _ in range(3)]
    _, rest = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, rest


def test_a_part_that_was_killed_once_is_no_reason_to_worry(running: Commands) -> None:
    pid = running.pids()["embed-1"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert checked(running)["parts"] == (True, f"{len(running.pids())} running")
    assert running.pids()["embed-1"] not in {None, pid}


def test_the_child_of_a_worker_that_is_stopped_is_named(running: Commands) -> None:
    child = stopped_child(running, "embed-1")
    try:
        _, [line] = parts_and_stuck(Settings(home=running.home))
    finally:
        os.kill(child, signal.SIGCONT)
    assert line.startswith(f"embed-1 is stopped (process {child})")


def test_a_query_embedder_that_does_not_answer_is_named(running: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=running.home)
    assert answers_ping(settings.embedder_socket, seconds=30)
    monkeypatch.setattr(stuck_parts, "STARTUP_SECONDS", 0.0)
    # Only what it says counts here, as if its process were in an endless loop.
    monkeypatch.setattr(stuck_parts, "stopped_processes", lambda _: {})
    monkeypatch.setattr(stuck_parts, "ANSWER_SECONDS", 0.3)
    with stopped(running.pids()["query-embedder"]):
        _, [line] = parts_and_stuck(settings)
    assert line.startswith("query-embedder does not answer, and searches go by words alone until it is started again: ")


def test_a_search_server_that_does_not_answer_is_named(running: Commands) -> None:
    """And what is to be done about it works, while a search goes on without it."""
    assert checked(running)["searches"] == (True, "the search server answers")
    pid = running.pids()["search-server"]
    with stopped(pid):
        assert "fact.txt" in running.ok("search", "marmots")
        eventually(lambda: not checked(running)["searches"][0], "it has started")
        ok, text = checked(running)["searches"]
        assert not ok
        assert text.startswith("the search server does not answer, and each search takes longer: run ")
        assert f"run 'kill -9 {pid}', and it is started anew" in text
        os.kill(pid or 0, signal.SIGKILL)
    eventually(lambda: checked(running)["searches"] == (True, "the search server answers"))
    assert running.pids()["search-server"] != pid


def test_searches_have_a_query_embedder_that_is_stopped_started_again(running: Commands) -> None:
    pid = running.pids()["query-embedder"]
    with stopped(pid):
        searched = eventually_by_meaning(running)
    assert running.pids()["query-embedder"] != pid
    assert searched > 1
    assert "answers no ping" in running.logs()


def eventually_by_meaning(commands: Commands) -> int:
    """How many searches it takes until one is not by words alone, each about something new."""
    for number in range(1, 60):
        done = commands.run("search", f"alpine animals {number}")
        assert done.returncode == 0
        if "words alone" not in done.stderr:
            return number
    raise AssertionError(f"all searches went by words alone\n{commands.logs()}")


@pytest.mark.parametrize("is_seen", [True, False], ids=["stopped", "in an endless loop"])
def test_a_supervisor_that_hangs_is_named_soon(
    running: Commands, monkeypatch: pytest.MonkeyPatch, *, is_seen: bool
) -> None:
    pid = int(Path(running.home / "run" / "supervisor.pid").read_text())
    if not is_seen:
        monkeypatch.setattr(Supervisor, "stopped_pid", lambda _: None)
    with stopped(pid):
        begin = time.monotonic()
        _, [line] = parts_and_stuck(Settings(home=running.home))
        assert time.monotonic() - begin < ANSWER_SECONDS, "any other call waits as long for a supervisor"
    assert line.startswith(
        f"the supervisor is stopped (process {pid}): run 'kill -CONT {pid}', or run 'magicfs down'"
        if is_seen
        else "the supervisor does not answer, or is about to end: if it stays so, run 'magicfs down'"
    )
