"""A parser that misbehaves costs one file at most, and the next file is read."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import logging
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
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from magicfs.text.extract.options import MIB, Limits, Wall
from magicfs.text.extract.process import parser_process, time_limit
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


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """A sandbox for tests of what is refused, after which its process goes on."""
    with contextlib.closing(Sandbox(limits=LIMITS, command=command_of(LIMITS))) as sandbox:
        yield sandbox


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


@pytest.mark.parametrize(
    "action",
    [
        *("write", "overwrite", "append", "cut", "remove", "move", "link", "symlink", "directory", "pipe"),
        *("mode", "owner", "times", "attribute", "signal"),
    ],
)
def test_nothing_outside_is_changed(shared: Sandbox, tmp_path: Path, action: str) -> None:
    if not kernel_has_landlock():
        pytest.skip("this kernel has no Landlock")
    path = tmp_path / "a user's file.txt"
    path.write_text("precious")
    outcome = unreadable(shared.parse(os.fsencode(path), mime_type=action))
    assert outcome.reason is SkipReason.CORRUPT
    assert outcome.detail.startswith("PermissionError"), outcome.detail
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "precious"
    pid_of(shared.parse(b"text", mime_type="good"))


@pytest.mark.parametrize("action", ["write", "open-again", "mode", "flags"])
def test_a_file_that_the_child_reads_itself_is_not_changed(shared: Sandbox, tmp_path: Path, action: str) -> None:
    path = tmp_path / "a user's file.pdf"
    path.write_text("precious")
    path.chmod(0o666)
    with path.open("rb") as file:
        outcome = unreadable(shared.parse_open(file.fileno(), mime_type=action))
        refusal = "OSError: [Errno 9]" if action == "write" else "PermissionError"
        assert outcome.detail.startswith(refusal), outcome.detail
        read = shared.parse_open(file.fileno(), mime_type="good")
    assert isinstance(read, Document)
    assert read.text.endswith(" precious")
    assert path.read_text() == "precious"


@functools.cache
def kernel_has_landlock() -> bool:
    """Return whether the kernel has Landlock. A process of its own asks, since the restriction cannot be undone."""
    program = "from magicfs.text.extract.process import confine; print(confine.restrict_files(writable='/tmp'))"
    return subprocess.check_output([sys.executable, "-P", "-c", program], text=True).strip() == "True"


@pytest.mark.parametrize("action", ["read", "list", "read-proc", "environment-of-parent"])
def test_nothing_of_the_user_is_read(shared: Sandbox, tmp_path: Path, action: str) -> None:
    if not kernel_has_landlock():
        pytest.skip("this kernel has no Landlock")
    path = tmp_path / "a user's file.txt"
    path.write_text("precious")
    path.chmod(0o644)  # so that it is not the user's identity that keeps nobody from it
    outcome = unreadable(shared.parse(os.fsencode(path), mime_type=action))
    assert outcome.detail.startswith("PermissionError"), outcome.detail
    pid_of(shared.parse(b"text", mime_type="good"))


@pytest.mark.parametrize(
    "action",
    [
        *("fork", "vfork", "unshare", "setns", "keyctl", "shmget", "semget", "msgget"),
        *("limit-of-parent", "kill-parent", "signal-thread", "priority", "memory-of-parent", "mount"),
    ],
)
def test_a_parser_has_no_way_to_other_processes(shared: Sandbox, action: str) -> None:
    pid = pid_of(shared.parse(b"text", mime_type="good"))
    outcome = unreadable(shared.parse(b"", mime_type=action))
    assert outcome.detail.startswith("PermissionError"), outcome.detail
    assert pid_of(shared.parse(b"text", mime_type="good")) == pid


def test_a_parser_may_start_threads_and_limit_itself(sandbox: Sandbox) -> None:
    pid = pid_of(sandbox.parse(b"text", mime_type="good"))
    assert pid_of(sandbox.parse(b"", mime_type="thread")) == pid
    assert pid_of(sandbox.parse(b"", mime_type="limit")) == pid


@pytest.mark.parametrize("wall", Wall)
def test_a_wall_that_is_missing_is_reported_and_logged_once(wall: Wall, caplog: pytest.LogCaptureFixture) -> None:
    if os.geteuid() != 0 and wall is Wall.PRIVILEGES:
        pytest.skip("needs root")
    caplog.set_level(logging.INFO)
    limits = dataclasses.replace(LIMITS, files_per_child=1)
    command = command_of(limits, wall.name)
    with contextlib.closing(Sandbox(limits=limits, command=command)) as sandbox:
        assert wall in sandbox.missing_walls()
        for _ in range(2):
            pid_of(sandbox.parse(b"text", mime_type="good"))
    [record] = [record for record in caplog.records if "wall" in record.message]
    assert record.levelname == "WARNING"
    assert wall in record.message


def test_every_wall_stands_around_the_real_parser(caplog: pytest.LogCaptureFixture) -> None:
    if not kernel_has_landlock():
        pytest.skip("this kernel has no Landlock")
    caplog.set_level(logging.INFO)
    with contextlib.closing(Sandbox(limits=Limits(), ocr=find_ocr())) as sandbox:
        assert sandbox.missing_walls() == []
    assert f"walls keep parsers from {', '.join(Wall)}" in caplog.text


def test_without_landlock_little_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    attempt = (
        "import sys\n"
        "from magicfs.text.extract.process import confine\n"
        "confine.limit_resources(memory_bytes=1 << 28)\n"
        "open(sys.argv[1], 'wb', buffering=0).write(bytes(1 << 20))\n"
    )
    subprocess.run([sys.executable, "-P", "-c", attempt, path], check=False)
    assert path.stat().st_size <= 1 << 16


def test_lower_limits_that_were_set_from_outside_stay() -> None:
    """A unit of systemd or a shell sets them, and only root may raise them."""
    script = (
        "import resource\n"
        "from magicfs.text.extract.process import confine\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (7, 7))\n"
        "confine.become_nobody()\n"
        "confine.limit_resources(memory_bytes=1 << 40)\n"
        "confine.limit_cpu(seconds=1000)\n"
        "for what in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU):\n"
        "    print(resource.getrlimit(what)[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [str(1 << 32), "16", "7"]


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
    monkeypatch.setattr(parser_process.Starvation, "seconds", lambda _: time.monotonic() - began)
    monkeypatch.setattr(parser_process, "_START_SECONDS", 0.1)
    monkeypatch.setattr(parser_process, "_PROMPT_SECONDS", 0.01)


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
    assert len(descriptors.text.split()) == 5, "and the file that the parent shares"


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


def test_the_restrictions_hold_for_every_thread_of_the_real_parser() -> None:
    """Kreuzberg starts threads on import, and reads images and pages in them."""
    # A container has filters of its own.
    own_filters = filters_of(Path("/proc/self/status").read_text())
    before = psutil.Process().children()
    with contextlib.closing(Sandbox(limits=Limits())) as sandbox:
        assert isinstance(sandbox.parse(b"<p>some words</p>", mime_type="text/html"), Document)
        [child] = [child for child in psutil.Process().children() if child not in before]
        for thread in child.threads():
            status = Path(f"/proc/{child.pid}/task/{thread.id}/status").read_text()
            assert "NoNewPrivs:\t1" in status
            assert filters_of(status) == own_filters + 2
            assert "CapPrm:\t0000000000000000" in status
            assert "CapEff:\t0000000000000000" in status
            assert "Uid:\t0\t" not in status
        private = child.environ()["TMPDIR"]
        assert len(child.threads()) > 1
    assert not Path(private).exists()


def filters_of(status: str) -> int:
    """How many filters of system calls a thread has, by its `/proc/PID/status`."""
    return int(status.partition("Seccomp_filters:")[2].split()[0])
