"""A search server answers `magicfs search` as the command itself would, and takes nothing away when it does not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from magicfs.cli.search_client import LOG_NAME, SOCKET_NAME
from magicfs.ipc.framing import Disconnected, FramingError, Message, receive, send
from magicfs.ipc.server_lock import holders, is_served, server_sockets, stop_server
from magicfs.runtime.processes import has_ended
from tests.integration.search.corpus import Corpus
from tests.plugins.commands import short_folder
from tests.plugins.forks import run_command
from tests.plugins.waiting import eventually

SECONDS = 120.0
"""Only a failure takes so long."""

PING: dict[str, object] = {"do": "ping"}

SEARCH_SECONDS = "60"
"""Servers and commands have the time of a busy machine for a search."""
PATIENT = {"magicfs.cli.search_client.TAKEN_SECONDS": 60.0}
"""For a command, a server that is slow on a busy machine is none that hangs."""
PATIENT_DOWN = """
import sys
from magicfs.ipc import server_lock
from magicfs.cli import execution, stopping
stopping.STOP_SECONDS = server_lock.stop_server.__kwdefaults__["seconds"] = 20.0
sys.exit(execution.run(sys.argv[1:]))
"""
PROGRAM = """
import sys
before = set(sys.modules)
from magicfs.cli import execution, search_client
search_client.TAKEN_SECONDS = 60.0
code = execution.run(sys.argv[1:])
print(*sorted(set(sys.modules) - before), file=sys.stderr)
sys.exit(code)
"""
LIGHT = 60
"""A search that a server answers imports no more modules than these, most of them parts of Python that are small."""
HEAVY = {
    "asyncio", "concurrent", "dataclasses", "inspect", "logging", "magicfs.config", "numpy", "pathlib", "platformdirs",
    "psutil", "psycopg", "subprocess", "tempfile", "typer", "unicodedata", "urllib",
}  # fmt: skip


@dataclass
class Machine:
    """A state directory whose settings lead to the test's database."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str, constants: Mapping[str, float] = PATIENT, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `magicfs` in a fork of a process that has imported the libraries."""
        environment = os.environ | self.environment | settings
        folder = self.home.parent
        return run_command([*arguments], environment=environment, folder=folder, timeout=SECONDS, constants=constants)

    def run_program(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program that runs `magicfs`, in an interpreter of its own."""
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            cwd=self.home.parent,
            timeout=SECONDS,
            check=False,
        )

    def sockets(self) -> list[Path]:
        return sorted((self.home / "run").glob("search-*.sock"))

    def told_of_servers(self) -> str:
        """What the servers have logged, and where they are now."""
        log = self.home / "log" / LOG_NAME
        return f"{self.sockets()}\n{log.read_text() if log.exists() else 'no log'}"

    def served(self, *, servers: int = 1) -> list[Path]:
        """The sockets of servers that are ready."""
        eventually(lambda: len(self.sockets()) == servers and all(map(answers, self.sockets())))
        return self.sockets()


def answers(path: Path, *, unlike: int | None = None) -> bool:
    """Whether a process answers, and another one than that."""
    with contextlib.suppress(OSError, FramingError):
        return told(path)["pid"] != unlike
    return False


def told(path: Path, request: dict[str, object] = PING) -> dict[str, Any]:
    """What a server answers first."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(SECONDS)
        channel.connect(str(path))
        send(channel, Message(request))
        return receive(channel, max_body_bytes=0).head


@pytest.fixture
def machine(corpus: Corpus, database_url: str) -> Iterator[Machine]:
    corpus.add(b"invoice.txt", "the tax invoice of March,\npaid in time")
    corpus.add(b"caf\xe9/menu.txt", "the menu of the café: no invoice without coffee")
    corpus.add(b"other.txt", "something else")
    with short_folder() as folder:
        home = folder / "home"
        for path in (home, home / "run", home / "log", home / "models"):
            path.mkdir(mode=0o700)
        settings = {"HOME": str(home), "DATABASE_URL": database_url, "HOST": "box", "SEARCH_SECONDS": SEARCH_SECONDS}
        yield Machine(home, {f"MAGICFS_{name}": value for name, value in settings.items()})
        for path in server_sockets(home / "run"):
            assert stop_server(path, seconds=SECONDS)


def without_time(done: subprocess.CompletedProcess[str]) -> tuple[int, object, str]:
    """The exit code and the output of a command, but for what differs between two runs."""
    if not done.stdout.startswith("{"):
        return done.returncode, done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert list(document)[:2] == ["query", "took_ms"]
    return done.returncode, document | {"took_ms": 0}, done.stderr


ARGUMENTS = [
    ["tax invoice", "-n", "2"],
    ["invoice", "--json"],
    ["--passages", "--json", "invoice"],
    ["ext:txt", "--json"],
    ["name:nothing-is-called-so"],
    ["invoice", os.fsdecode(b"caf\xe9")],
    [""],
]


def test_a_served_search_prints_the_same(machine: Machine) -> None:
    # Without the folder of its log, no server starts.
    (machine.home / "log").rename(machine.home / "away")
    own = [without_time(machine.run("search", *arguments)) for arguments in ARGUMENTS]
    assert [code for code, _, _ in own] == [0] * 6 + [2]
    assert machine.sockets() == []
    (machine.home / "away").rename(machine.home / "log")
    machine.run("search", "invoice")
    [path] = machine.served()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [without_time(machine.run("search", *arguments)) for arguments in ARGUMENTS] == own
    assert told(path)["served"] == 6, machine.told_of_servers()
    unknown = machine.run("search", "invoice", MAGICFS_NONSENSE="1")
    machine.served(servers=2)
    assert without_time(machine.run("search", "invoice", MAGICFS_NONSENSE="1")) == without_time(unknown)
    assert "MAGICFS_NONSENSE is no setting" in unknown.stderr
    assert told(path)["served"] == 6
    with part_of_up(machine):
        eventually(lambda: answers(machine.home / "run" / SOCKET_NAME))
        assert without_time(machine.run("search", "invoice", MAGICFS_NONSENSE="1")) == without_time(unknown)
        assert told(machine.home / "run" / SOCKET_NAME)["served"] == 1


def test_a_served_grep_prints_the_same(machine: Machine) -> None:
    (machine.home / "log").rename(machine.home / "away")
    ways = (["invoice"], ["invoice", "-l"], ["invoice", "--json"], ["name:nothing-is-called-so"], [""], ["x", "/proc"])
    own = [without_time(machine.run("grep", *arguments)) for arguments in ways]
    assert [code for code, _, _ in own] == [0, 0, 0, 1, 2, 2]
    assert machine.sockets() == []
    (machine.home / "away").rename(machine.home / "log")
    machine.run("grep", "invoice")
    [path] = machine.served()
    assert [without_time(machine.run("grep", *arguments)) for arguments in ways] == own
    assert told(path)["served"] == 4, machine.told_of_servers()
    assert "/data/invoice.txt:1:the tax invoice of March,\n" in machine.run("grep", "invoice").stdout


def test_grep_says_that_it_failed_by_its_own_exit_code(machine: Machine) -> None:
    failed = machine.run("grep", "invoice", MAGICFS_DATABASE_URL="postgresql://127.0.0.1:1/none")
    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (2, "", 1)
    wrong = machine.run("grep", "invoice", "nowhere")
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "magicfs: nowhere: no such file or directory: check the spelling\n",
    )


def test_a_served_search_imports_little(machine: Machine) -> None:
    machine.run("search", "invoice")
    [path] = machine.served()
    for arguments in (["invoice"], ["invoice", "--json"]):
        before = told(path)["served"]
        done = machine.run_program(PROGRAM, "search", *arguments)
        assert told(path)["served"] == before + 1, machine.told_of_servers()
        modules = set(done.stderr.splitlines()[-1].split())
        assert [name for name in HEAVY if name in modules] == []
        assert len(modules) <= LIGHT, modules


def test_other_settings_have_another_server(machine: Machine) -> None:
    machine.run("search", "invoice")
    [first] = machine.served()
    served = told(first)["served"]
    one = json.loads(machine.run("search", "invoice", "--json", MAGICFS_SEARCH_LIMIT="1").stdout)["results"]
    assert len(one) == 1
    machine.served(servers=2)
    again = machine.run("search", "invoice", "--json", MAGICFS_SEARCH_LIMIT="1")
    assert json.loads(again.stdout)["results"] == one
    assert told(first)["served"] == served
    machine.run("search", "invoice", TZ="Asia/Tokyo")
    machine.served(servers=3)


def test_a_server_of_former_settings_ends(machine: Machine) -> None:
    machine.run("search", "invoice")
    [former] = machine.served()
    (machine.home / "config.toml").write_text("search_limit = 1\n")
    assert len(json.loads(machine.run("search", "invoice", "--json").stdout)["results"]) == 1
    eventually(lambda: not is_served(former))
    [latter] = machine.served()
    assert latter != former
    assert len(json.loads(machine.run("search", "invoice", "--json").stdout)["results"]) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_an_answer_the_command_searches_itself(machine: Machine, number: signal.Signals) -> None:
    machine.run("search", "invoice")
    [path] = machine.served()
    served = without_time(machine.run("search", "invoice", "--json"))
    pid = told(path)["pid"]
    server = psutil.Process(pid)
    os.kill(pid, number)
    try:
        assert without_time(machine.run("search", "invoice", "--json", constants={})) == served
        # Of one that does not listen, the server that is started next says enough.
        assert ("a search was not served: TimeoutError" in machine.told_of_servers()) == (number == signal.SIGSTOP)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # Until then no other server starts.
    eventually(lambda: has_ended(server))
    machine.run("search", "invoice")
    eventually(lambda: answers(path, unlike=pid))
    assert without_time(machine.run("search", "invoice", "--json")) == served


def test_requests_that_are_not_the_commands_own_are_refused(machine: Machine) -> None:
    machine.run("search", "invoice")
    [path] = machine.served()
    search: dict[str, object] = {"do": "search", "query": "invoice", "number": None, "as_json": True, "passages": False}
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(SECONDS)
        channel.connect(str(path))
        send(channel, Message(search | {"caller": [[], [], {}]}))
        assert receive(channel, max_body_bytes=0).head["serves"] is False
        with pytest.raises(Disconnected):
            receive(channel, max_body_bytes=0)
    assert told(path, search)["error"] == "MalformedRequest"
    assert told(path, search | {"caller": [[], [], {"MAGICFS_HOST": 1}]})["error"] == "MalformedRequest"
    assert told(path, {"do": "dance"})["error"] == "MalformedRequest"
    assert told(path, {})["error"] == "MalformedRequest"


def test_errors_of_the_database_are_those_of_the_command(machine: Machine, database_url: str) -> None:
    machine.run("search", "invoice")
    [path] = machine.served()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO schema_migrations (version, digest) VALUES (9999, 'later')")
    failed = machine.run("search", "invoice")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("magicfs: ")
    assert told(path)["pid"]


def test_an_index_of_an_older_version_is_told_in_one_line(machine: Machine, database_url: str) -> None:
    machine.run("search", "invoice")
    machine.served()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)")
        connection.execute("ALTER TABLE files RENAME TO files_of_an_older_version")
    for command in (["search", "invoice"], ["status"], ["roots", "list"]):
        failed = machine.run(*command)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr.startswith("magicfs: the index is of an older version")
        assert "'magicfs up'" in failed.stderr
        assert failed.stderr.count("\n") == 1


def test_a_server_is_stopped_that_is_just_starting(machine: Machine) -> None:
    machine.run("search", "invoice")
    path = next(path for path in server_sockets(machine.home / "run") if path.name.startswith("search-"))
    assert is_served(path), "whether it listens yet or not"
    assert stop_server(path, seconds=SECONDS)
    assert not is_served(path)
    assert machine.sockets() == []


def test_down_ends_the_servers_of_all_settings_and_kills_one_that_hangs(machine: Machine) -> None:
    machine.run("search", "invoice")
    [hangs] = machine.served()
    machine.run("search", "invoice", TZ="Asia/Tokyo")
    served = machine.served(servers=2)
    os.kill(told(hangs)["pid"], signal.SIGSTOP)
    done = machine.run_program(PATIENT_DOWN, "down")
    assert (done.returncode, done.stdout) == (0, "stopped\n")
    assert done.stderr == f"{hangs.stem} has not ended in 20 seconds and is killed\n"
    assert not any(map(is_served, served))
    assert list((machine.home / "run").glob("*.sock*")) == []
    assert machine.run("down").stdout == "nothing is running\n"


def server_of(machine: Machine, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A server at the socket `path` that has ended."""
    command = [sys.executable, "-m", "magicfs.cli.search_server", "--socket", os.fspath(path), *arguments]
    environment = os.environ | machine.environment
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_a_server_that_nobody_asks_exits(machine: Machine) -> None:
    machine.run("search", "invoice")
    [path] = machine.served()
    assert stop_server(path, seconds=SECONDS)
    done = server_of(machine, path, "--idle-exit", "0.2")
    assert done.returncode == 0
    assert f"serving {path}" in done.stderr
    assert not path.exists()


def test_a_server_whose_settings_have_changed_while_it_started_serves_nobody(machine: Machine) -> None:
    """It would refuse each search, and keep the lock of the server that answers them."""
    done = server_of(machine, machine.home / "run" / "search-0.sock")
    assert done.returncode == 0
    assert "the settings or the program have changed since the command started search-0.sock" in done.stderr


@contextlib.contextmanager
def part_of_up(machine: Machine) -> Iterator[subprocess.Popen[bytes]]:
    """A server as `magicfs up` runs it: with no socket that a command has chosen.

    The supervisor has another time zone, of the command that has started it.
    """
    environment = os.environ | machine.environment
    zone = [f"--time-zone={environment['TZ']}"] if "TZ" in environment else []
    command = [sys.executable, "-P", "-m", "magicfs.cli.search_server", *zone]
    with subprocess.Popen(command, env=environment | {"TZ": "Asia/Tokyo"}) as part:
        try:
            yield part
        finally:
            part.kill()


def test_the_part_of_up_answers_the_first_search(machine: Machine) -> None:
    with part_of_up(machine) as part:
        path = machine.home / "run" / SOCKET_NAME
        eventually(lambda: answers(path))
        machine.run("search", "invoice")
        assert told(path) == {"pid": part.pid, "served": 1}, machine.told_of_servers()
        link = machine.home.with_name("link")
        link.symlink_to(machine.home)
        machine.run("search", "invoice", MAGICFS_HOME=f"{link}/")
        machine.run("search", "invoice", MAGICFS_WORKERS="3", MAGICFS_SEARCH_LIMIT="50", MAGICFS_HUB="")
        assert told(path)["served"] == 3, machine.told_of_servers()
        machine.run("search", "invoice", TZ="Asia/Tokyo")
        machine.run("search", "invoice", PGAPPNAME="another")
        machine.run("search", "invoice", MAGICFS_SEARCH_LIMIT="1")
        eventually(lambda: len(machine.sockets()) == 3)
        assert told(path)["served"] == 3, machine.told_of_servers()
        (machine.home / "config.toml").write_text("search_limit = 1\n")
        assert part.wait(SECONDS) == 0, "the supervisor starts it again"


def test_the_part_of_up_is_asked_before_the_server_of_a_command(machine: Machine) -> None:
    machine.run("search", "invoice")
    [former] = machine.served()
    with part_of_up(machine) as part:
        path = machine.home / "run" / SOCKET_NAME
        eventually(lambda: answers(path))
        machine.run("search", "invoice")
        assert (told(former)["served"], told(path)["served"]) == (0, 1), machine.told_of_servers()
        assert holders(path) == {part.pid}
        part.terminate()
        assert part.wait(SECONDS) == 0
        assert machine.sockets() == [former]


def test_doctor_says_whether_the_search_server_answers(machine: Machine) -> None:
    assert checked(machine) == (True, "no search server runs: 'magicfs up' starts it")
    with part_of_up(machine):
        eventually(lambda: answers(machine.home / "run" / SOCKET_NAME))
        assert checked(machine) == (True, "the search server answers")
        ok, text = checked(machine, time_zone="Asia/Tokyo")
        assert (ok, text.partition(":")[0]) == (True, "the search server has other settings than this command")


def checked(machine: Machine, *, time_zone: str | None = None) -> tuple[bool, str]:
    """What `magicfs doctor` says of searches."""
    settings = {} if time_zone is None else {"TZ": time_zone}
    checks = json.loads(machine.run("doctor", "--json", constants=PATIENT, **settings).stdout)["checks"]
    return next((check["ok"], check["text"]) for check in checks if check["name"] == "searches")
