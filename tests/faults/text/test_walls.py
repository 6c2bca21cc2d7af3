"""What a parser process cannot do: change or read files of others, and reach other processes and the network."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from magicfs.domain.contents import Document
from magicfs.domain.files import SkipReason
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from magicfs.text.extract.options import Limits, Wall
from magicfs.text.extract.process.sandbox import Sandbox
from tests.faults.text.sandboxes import LIMITS, command_of, pid_of, unreadable


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """A sandbox for tests of what is refused, after which its process goes on."""
    with contextlib.closing(Sandbox(limits=LIMITS, command=command_of(LIMITS))) as sandbox:
        yield sandbox


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
    assert "PermissionError" in outcome.detail, outcome.detail
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
        assert refusal in outcome.detail, outcome.detail
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
    assert "PermissionError" in outcome.detail, outcome.detail
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
    assert "PermissionError" in outcome.detail, outcome.detail
    assert pid_of(shared.parse(b"text", mime_type="good")) == pid


def test_a_parser_may_start_threads_and_limit_itself() -> None:
    with contextlib.closing(Sandbox(limits=LIMITS, command=command_of(LIMITS))) as sandbox:
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
            # The main thread of root's may read code, which Landlock limits it to.
            allowed = {0, 1 << 2} if kernel_has_landlock() and thread.id == child.pid else {0}
            assert {capabilities_of(status, name) for name in ("CapPrm", "CapEff")} <= allowed
            assert "Uid:\t0\t" not in status
        private = child.environ()["TMPDIR"]
        assert len(child.threads()) > 1
    assert not Path(private).exists()


def test_what_a_library_loads_later_may_lie_where_only_root_reads(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not kernel_has_landlock():
        pytest.skip("a parser of root's that Landlock confines")
    packages = tmp_path / "private" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "loaded_later.py").write_text("print('loaded')")
    secret = tmp_path / "private" / "secret.txt"
    secret.write_text("precious")
    packages.parent.chmod(0o700)
    script = (
        "import sys, tempfile\n"
        "from magicfs.text.extract.process import confine\n"
        "confine.restrict_files(writable=tempfile.gettempdir())\n"
        "confine.refuse_dangerous_calls()\n"
        "confine.drop_capabilities()\n"
        "confine.become_nobody()\n"
        "import loaded_later\n"
        "try:\n"
        "    open(sys.argv[1])\n"
        "except PermissionError:\n"
        "    print(*confine.standing_walls(), sep='|')\n"
    )
    (tmp_path / "temporary").mkdir()
    environment = os.environ | {"PYTHONPATH": str(packages), "TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-c", script, str(secret)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.stdout.split()[:1] == ["loaded"], done.stderr
    assert {Wall.READING, Wall.PRIVILEGES} <= set(done.stdout.splitlines()[1].split("|"))


def capabilities_of(status: str, name: str) -> int:
    """One of the sets of capabilities of a thread, by its `/proc/PID/status`."""
    return int(status.partition(f"{name}:")[2].split()[0], 16)


def filters_of(status: str) -> int:
    """How many filters of system calls a thread has, by its `/proc/PID/status`."""
    return int(status.partition("Seccomp_filters:")[2].split()[0])
