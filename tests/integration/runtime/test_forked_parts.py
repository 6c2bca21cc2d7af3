"""Parts that go on as forks of supervisord: what of them is as if they had been executed."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from magicfs.domain.parts import Part
from magicfs.runtime.parts import module_command
from magicfs.runtime.processes import dies_with_parent, has_ended, is_listening
from magicfs.runtime.supervisor import Supervisor
from tests.integration.runtime.without_memory_maps import forbid_memory_maps
from tests.plugins.forks import FORKS
from tests.plugins.waiting import eventually

NAME = "query-embedder"


def embedder(home: Path, **environment: str) -> Part:
    """A real part that needs no servers."""
    command = module_command("magicfs.embedding.query_server", "--socket", str(home / "run/embedder.sock"))
    return Part(
        name=NAME,
        command=tuple(dies_with_parent(list(command), signal_name="TERM")),
        place=50,
        environment={"MAGICFS_HOME": str(home), "MAGICFS_LOG_LEVEL": "INFO"} | environment,
    )


def started(supervisor: Supervisor, home: Path, part: Part) -> psutil.Process:
    """The process of the part, when it serves."""
    supervisor.apply([part])
    eventually(lambda: is_listening(home / "run/embedder.sock"), "the part's socket")
    status = supervisor.part(NAME)
    assert status is not None
    assert status.pid is not None
    return psutil.Process(status.pid)


def is_fork(process: psutil.Process) -> bool:
    """Whether a part has what supervisord imports for others: this one uses no database."""
    return any("psycopg" in mapping.path for mapping in process.memory_maps())


def wait_for_the_imports(supervisor: Supervisor) -> None:
    """Wait until supervisord has imported what it forks with. It starts the first parts before."""
    eventually(lambda: is_fork(psutil.Process(supervisor.pid())), "the imports")


def test_a_fork_looks_and_ends_like_a_program_of_its_own(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([Part(name="one", command=("/bin/sleep", "1000"), place=10)])
    wait_for_the_imports(supervisor)
    part = embedder(home, COLOUR="blue, and 50%")
    process = started(supervisor, home, part)
    assert is_fork(process)
    assert tuple(process.cmdline()) == part.command[3:]
    environment = process.environ()
    assert (environment["COLOUR"], environment["SUPERVISOR_PROCESS_NAME"]) == ("blue, and 50%", NAME)
    assert environment["MAGICFS_HOME"] == str(home)
    own = set(os.listdir(f"/proc/{process.pid}/fd"))
    assert len(own) < 10
    supervisor.apply([])
    assert has_ended(process)
    log = (home / "log/query-embedder.log").read_text()
    assert "stopping on signal 15" in log
    assert "supervisor" not in log


def test_a_fork_has_the_time_zone_of_its_own_environment(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([Part(name="one", command=("/bin/sleep", "1000"), place=10)])
    wait_for_the_imports(supervisor)
    assert is_fork(started(supervisor, home, embedder(home, TZ="XYZ-5:17")))
    [line, *_] = (home / "log/query-embedder.log").read_text().splitlines()
    logged = datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert round((logged - datetime.now(UTC)).total_seconds() / 60) in range(5 * 60 + 10, 5 * 60 + 18)


def apply_without_memory_maps(home: Path, parts: list[Part]) -> None:
    forbid_memory_maps()
    Supervisor(home).apply(parts)


def test_a_part_that_cannot_be_shown_as_itself_is_executed(supervisor: Supervisor, home: Path) -> None:
    first = Part(name="one", command=("/bin/sleep", "1000"), place=10)
    start = FORKS.Process(target=apply_without_memory_maps, args=(home, [first]))
    start.start()
    start.join()
    wait_for_the_imports(supervisor)
    part = embedder(home, COLOUR="blue, and 50%")
    process = started(supervisor, home, part)
    assert not is_fork(process)
    assert tuple(process.cmdline()) == part.command[3:]
    assert process.environ()["COLOUR"] == "blue, and 50%"
    assert (home / "run/starts" / NAME).read_bytes() == b"."
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: has_ended(process), "the end of the part")


def test_a_fork_that_dies_is_started_again_alone(supervisor: Supervisor, home: Path) -> None:
    process = started(supervisor, home, embedder(home))
    former = supervisor.pid()
    process.send_signal(signal.SIGSEGV)

    def is_back() -> bool:
        part = supervisor.part(NAME)
        return part is not None and part.restarts == 1 and part.pid not in {None, process.pid}

    eventually(is_back, "the restart")
    assert supervisor.pid() == former


def test_a_fork_ends_when_its_supervisor_is_killed(supervisor: Supervisor, home: Path) -> None:
    process = started(supervisor, home, embedder(home))
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: has_ended(process), "the end of the part")


SPAWN = """
import os, sys, time
from magicfs.runtime import supervisord
options = supervisord.Options()
options.setsignals()
parent = os.getpid()
child = options.fork()
if child:
    {parent}
else:
    {child}
    environment = os.environ | {{"SUPERVISOR_PROCESS_NAME": "x"}}
    options.execve(sys.executable, [sys.executable, supervisord.LAUNCHER], environment)
"""
"""What supervisord does to start a part, with what happens in it and in its child meanwhile."""

WAIT = "print(child, flush=True); print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
END = "os._exit(0)"
WAIT_FOR_THE_END = "while os.getppid() == parent: time.sleep(0.01)"


def spawn(home: Path, *, parent: str, child: str = "pass") -> subprocess.Popen[str]:
    script = SPAWN.format(parent=parent, child=child)
    return subprocess.Popen([sys.executable, "-c", script], cwd=home, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("parent", "child", "runs"), [(WAIT, "pass", True), (END, WAIT_FOR_THE_END, False)])
def test_a_part_does_not_run_whose_supervisor_has_died_before(
    home: Path, parent: str, child: str, *, runs: bool
) -> None:
    command = dies_with_parent(list(module_command("magicfs.embedding.query_server", "--help")), signal_name="TERM")
    (home / "run/starts").mkdir()
    (home / "run/parts.json").write_text(json.dumps({"x": {"command": command, "environment": {}}}))
    with spawn(home, parent=parent, child=child) as process:
        output = process.communicate()[0]
    assert ("Embeds search queries" in output) is runs


def test_a_signal_ends_a_part_that_is_about_to_start(home: Path) -> None:
    os.mkfifo(home / "run/parts.json")
    with spawn(home, parent=WAIT) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        # It reads until the file is closed here.
        with (home / "run/parts.json").open("w"):
            os.kill(child, signal.SIGTERM)
        assert int(process.stdout.readline()) == -signal.SIGTERM


def test_the_log_says_why_a_part_cannot_be_started(supervisor: Supervisor, home: Path) -> None:
    process = started(supervisor, home, embedder(home))
    count = home / "run/starts" / NAME
    count.unlink()
    count.mkdir()
    process.kill()
    eventually(
        lambda: f"Is a directory: 'run/starts/{NAME}'" in (home / "log/query-embedder.log").read_text(), "the reason"
    )
    count.rmdir()
    eventually(lambda: is_listening(home / "run/embedder.sock"), "the part's socket")
