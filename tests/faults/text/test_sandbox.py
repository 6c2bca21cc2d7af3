"""A parser that misbehaves costs one file at most, and the next file is read."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.errors import ServerError
from magicfs.linux.starvation import Starvation
from magicfs.text.extract.options import MIB, Limits
from magicfs.text.extract.process import file_reading, parser_process, time_limit
from magicfs.text.extract.process.sandbox import Sandbox
from tests.faults.text.sandboxes import CHILD, LIMITS, command_of, pid_of, unreadable

MakeSandbox = Callable[[Limits], Sandbox]


@pytest.fixture
def make_sandbox() -> Iterator[MakeSandbox]:
    made: list[Sandbox] = []

    def make(limits: Limits) -> Sandbox:
        command = command_of(limits)
        made.append(Sandbox(limits=limits, command=command))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def sandbox(make_sandbox: MakeSandbox) -> Sandbox:
    return make_sandbox(LIMITS)


@contextlib.contextmanager
def crowded_processor() -> Iterator[Callable[[int], None]]:
    """A function that moves a process to a processor that another one has nearly all of the time."""
    processor = min(os.sched_getaffinity(0))
    greedy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(greedy.pid, {processor})

    def join(pid: int) -> None:
        os.sched_setaffinity(pid, {processor})
        os.setpriority(os.PRIO_PROCESS, pid, 5)

    try:
        yield join
    finally:
        greedy.kill()
        greedy.wait()


def test_one_process_serves_many_files(sandbox: Sandbox) -> None:
    pids = {pid_of(sandbox.parse(b"text", mime_type="good")) for _ in range(5)}
    assert len(pids) == 1


@pytest.mark.parametrize(
    ("action", "reason", "detail"),
    [
        ("crash", SkipReason.CRASHED, "SIGSEGV"),
        ("abort", SkipReason.CRASHED, "SIGABRT"),
        ("exit", SkipReason.CRASHED, "exit code 3"),
        ("kill", SkipReason.CRASHED, "killed twice"),
        ("allocate", SkipReason.BOMB, "256 MiB"),
        ("native-allocation", SkipReason.BOMB, "memory"),
        ("raise", SkipReason.CORRUPT, "the parser's own error"),
        ("recurse", SkipReason.CORRUPT, "RecursionError"),
        ("nonsense", SkipReason.CRASHED, ""),
        ("wrong-types", SkipReason.CRASHED, "malformed"),
        ("wrong-pictures", SkipReason.CRASHED, "malformed"),
        ("network", SkipReason.CORRUPT, "PermissionError"),
        ("program", SkipReason.CORRUPT, "PermissionError"),
    ],
)
def test_a_bad_file_gets_its_reason_and_the_next_is_read(
    sandbox: Sandbox, action: str, reason: SkipReason, detail: str
) -> None:
    for which in ("the first file of a process", "a later one"):
        outcome = unreadable(sandbox.parse(b"", mime_type=action))
        assert outcome.reason is reason, which
        assert detail in outcome.detail, which
        pid_of(sandbox.parse(b"text", mime_type="good"))


@pytest.mark.parametrize(("kills", "reason"), [(2, SkipReason.OUT_OF_MEMORY), (1, SkipReason.CRASHED)])
def test_two_kills_for_want_of_memory_are_told_from_others(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, kills: int, reason: SkipReason
) -> None:
    monkeypatch.setattr(file_reading, "count_memory_kills", iter([5, 5 + kills]).__next__)
    assert unreadable(sandbox.parse(b"", mime_type="kill")).reason is reason


@pytest.mark.parametrize("action", ["hang", "spin"])
def test_a_hang_ends_at_the_limit(make_sandbox: MakeSandbox, action: str) -> None:
    sandbox = make_sandbox(dataclasses.replace(LIMITS, seconds=3))
    pid = pid_of(sandbox.parse(b"text", mime_type="good"))
    assert unreadable(sandbox.parse(b"", mime_type=action)).reason is SkipReason.TIMEOUT
    assert not psutil.pid_exists(pid)
    pid_of(sandbox.parse(b"text", mime_type="good"))


def test_a_parser_that_gets_no_processor_has_time(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(dataclasses.replace(LIMITS, seconds=1))
    with crowded_processor() as join:
        join(pid_of(sandbox.parse(b"text", mime_type="good")))
        pid_of(sandbox.parse(b"text", mime_type="work"))


@pytest.fixture
def starving(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process has waited for a processor ever since, and has a tenth of a second beside that to start."""
    began = time.monotonic()
    monkeypatch.setattr(Starvation, "seconds", lambda _: time.monotonic() - began)
    monkeypatch.setattr(parser_process, "START_SECONDS", 0.1)
    monkeypatch.setattr(parser_process, "PROMPT_SECONDS", 0.01)


@pytest.mark.usefixtures("starving")
def test_a_parser_that_gets_no_processor_has_time_to_start(make_sandbox: MakeSandbox) -> None:
    pid_of(make_sandbox(dataclasses.replace(LIMITS, seconds=100)).parse(b"text", mime_type="good"))


@pytest.mark.usefixtures("starving")
def test_patience_with_a_parser_that_never_starts_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "PATIENCE_SECONDS", 0.5)
    sandbox = Sandbox(limits=LIMITS, command=[sys.executable, "-c", "import time; time.sleep(3600)"])
    with pytest.raises(ServerError, match="does not start: timed out"):
        sandbox.parse(b"", mime_type="good")


def test_a_large_file_for_a_hanging_parser_does_not_block(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(dataclasses.replace(LIMITS, seconds=3))
    os.kill(pid_of(sandbox.parse(b"text", mime_type="good")), signal.SIGSTOP)
    assert unreadable(sandbox.parse(bytes(32 * MIB), mime_type="good")).reason is SkipReason.TIMEOUT


def test_a_child_killed_between_files_costs_no_file(sandbox: Sandbox) -> None:
    for _ in range(3):
        pid = pid_of(sandbox.parse(b"text", mime_type="good"))
        os.kill(pid, signal.SIGKILL)
        assert pid_of(sandbox.parse(b"text", mime_type="good")) != pid


def test_a_child_killed_while_it_reads_a_file_costs_no_file(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(LIMITS)
    pid = pid_of(sandbox.parse(b"text", mime_type="good"))
    os.kill(pid, signal.SIGSTOP)  # so that it is certain to hold the file when it is killed
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    assert pid_of(sandbox.parse(b"text", mime_type="good")) != pid
    killer.join()


def test_a_child_is_replaced_after_files_per_child(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(dataclasses.replace(LIMITS, files_per_child=2))
    pids = [pid_of(sandbox.parse(b"text", mime_type="good")) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_child_that_has_grown_is_replaced(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(dataclasses.replace(LIMITS, child_rss_bytes=1))
    assert pid_of(sandbox.parse(b"text", mime_type="good")) != pid_of(sandbox.parse(b"text", mime_type="good"))


def test_output_is_bounded(sandbox: Sandbox) -> None:
    outcome = sandbox.parse(b"", mime_type="long")
    assert isinstance(outcome, Document)
    assert len(outcome.text) <= 1 * MIB
    pid_of(sandbox.parse(b"text", mime_type="chatter"))


def test_reasons_of_the_parser_arrive_in_one_clean_line(sandbox: Sandbox) -> None:
    assert sandbox.parse(b"", mime_type="refuse") == Unreadable(SkipReason.ENCRYPTED, "detail of two lines \ufffd")


def test_the_child_knows_no_secrets_and_has_no_files(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGICFS_DATABASE_URL", "postgresql://user:secret@host/db")
    environment = sandbox.parse(b"", mime_type="environment")
    assert isinstance(environment, Document)
    assert "secret" not in environment.text
    descriptors = sandbox.parse(b"", mime_type="descriptors")
    assert isinstance(descriptors, Document)
    assert descriptors.text.split()[:4] == ["0", "1", "2", "3"]  # the last one reads the own memory use
    # And the file that the parent shares. Newer versions of libffi keep their own library open.
    assert len(descriptors.text.split()) in (5, 6)


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import json, os, dataclasses, sys\n"
        "from magicfs.text.extract.options import Limits\n"
        "from magicfs.text.extract.process.sandbox import Sandbox\n"
        "limits = Limits()\n"
        "command = [sys.executable, '-P', sys.argv[1], json.dumps(dataclasses.asdict(limits))]\n"
        "sandbox = Sandbox(limits=limits, command=command)\n"
        "print(sandbox.parse(b'', mime_type='good').text, flush=True)\n"
        "sandbox.parse(b'', mime_type='hang')\n"
    )
    with subprocess.Popen([sys.executable, script, CHILD], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_no_child_and_no_descriptor_is_left_behind(make_sandbox: MakeSandbox) -> None:
    us = psutil.Process()
    # What earlier tests have left to the collector is not to be closed meanwhile.
    gc.collect()
    before, others = us.num_fds(), us.children()
    sandbox = make_sandbox(LIMITS)
    for action in ("good", "crash", "exit", "good"):
        sandbox.parse(b"x", mime_type=action)
    sandbox.close()
    sandbox.close()
    assert us.num_fds() == before
    assert not [child for child in us.children() if child.cmdline()[2:3] == [str(CHILD)] and child not in others]


@pytest.mark.parametrize(
    "command", [["/nonexistent/program"], [sys.executable, "-c", "raise SystemExit('no library')"]]
)
def test_a_child_that_cannot_start_is_no_fault_of_the_file(command: list[str]) -> None:
    sandbox = Sandbox(limits=LIMITS, command=command)
    with pytest.raises(ServerError, match="process for reading files"):
        sandbox.parse(b"", mime_type="good")
