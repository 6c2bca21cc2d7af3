"""A supervisor that hangs or was killed: its parts end, and the next one takes over what it has left."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from magicfs.cli import failed_start
from magicfs.cli.stopping import take_down
from magicfs.config import Settings
from magicfs.domain.parts import Part
from magicfs.errors import CheckFailed, ServerError
from magicfs.runtime import postgres, postgres_cluster, redis
from magicfs.runtime.cleanup import clean_up
from magicfs.runtime.parts import server_parts
from magicfs.runtime.processes import has_ended
from magicfs.runtime.supervisor import Supervisor
from magicfs.runtime.supervisor_client import SupervisorClient
from tests.integration.runtime.crashes import recovers
from tests.integration.runtime.sleepers import is_asleep, pids, sleeper
from tests.plugins.waiting import eventually

STOP_SECONDS = 25
"""For the end of a Postgres that would hang for a minute."""


def resume(process: psutil.Process) -> None:
    """Let a stopped process go on, if it has not ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()


def test_a_supervisor_that_hangs_does_not_hang_its_caller(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.apply([sleeper("one")])
    pid = supervisor.pid()
    monkeypatch.setattr("magicfs.runtime.supervisor_client.ANSWER_SECONDS", 0.2)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert not supervisor.running()
        with pytest.raises(ServerError, match="does not answer"):
            supervisor.pid()
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.undo()
    eventually(supervisor.running, "an answer")
    assert supervisor.pid() == pid


def test_a_supervisor_that_hangs_is_ended_with_its_parts(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.apply([sleeper("one")])
    processes = [psutil.Process(supervisor.pid()), psutil.Process(pids(supervisor)["one"])]
    eventually(lambda: is_asleep(processes[1]), "the start")
    monkeypatch.setattr("magicfs.runtime.supervisor_client.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("magicfs.runtime.cleanup.SUPERVISOR_SECONDS", 0.5)
    processes[0].suspend()
    assert supervisor.stop()
    assert [has_ended(process) for process in processes] == [True, True]
    monkeypatch.undo()
    assert supervisor.apply([sleeper("one")])


def test_a_killed_supervisor_takes_its_parts_along_and_is_replaced(supervisor: Supervisor) -> None:
    supervisor.apply([sleeper("one")])
    part = psutil.Process(pids(supervisor)["one"])
    eventually(lambda: is_asleep(part), "the start")
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: has_ended(part), "the end of the part")
    assert supervisor.apply([sleeper("one")])
    assert pids(supervisor).keys() == {"one"}


def test_what_outlives_a_killed_supervisor_is_ended(supervisor: Supervisor, home: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(1000)"
    supervisor.apply([Part(name="free", command=(sys.executable, "-c", stubborn), place=50)])
    part = psutil.Process(pids(supervisor)["free"])
    eventually(lambda: stubborn in part.cmdline(), "the start")
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.running(), "the end of the supervisor")
    assert not has_ended(part)
    assert supervisor.stop()
    assert has_ended(part)


@pytest.mark.parametrize("place", [None, "", "."])
def test_what_another_supervisor_runs_is_left_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, place: str | None
) -> None:
    """Whoever is in the state directory: a place that is no whole path would be that one."""
    monkeypatch.chdir(home)
    monkeypatch.delenv("MAGICFS_HOME", raising=False)
    given = {} if place is None else {"MAGICFS_HOME": place}
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, **given, "SUPERVISOR_PROCESS_NAME": "web"}) as process:
        try:
            assert not clean_up(home)
            assert process.poll() is None
        finally:
            process.kill()


def test_servers_without_a_supervisor_are_taken_over(supervisor: Supervisor, home: Path) -> None:
    servers = server_parts(home, database=True, broker=True)

    def answer() -> bool:
        return postgres.answers(home / "run") and redis.answers(home)

    supervisor.apply(servers)
    eventually(answer, "both servers")
    first = postgres_cluster.server_pid(home)
    # Frozen, Postgres cannot follow the signal by which the kernel tells it of the supervisor's end.
    os.kill(first or 0, signal.SIGSTOP)
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.running(), "the end of the supervisor")
    os.kill(first or 0, signal.SIGCONT)
    supervisor.apply(servers)
    eventually(answer, "both servers again")
    assert postgres_cluster.server_pid(home) not in {None, first}
    assert supervisor.stop()
    assert not supervisor.stop()
    assert postgres_cluster.server_pid(home) is None


def test_postgres_recovers_from_a_hard_end_with_stale_files(supervisor: Supervisor, home: Path) -> None:
    servers = server_parts(home, database=True, broker=False)
    supervisor.apply(servers)
    eventually(lambda: postgres.answers(home / "run"), "the server")
    processes = [psutil.Process(supervisor.pid()), psutil.Process(postgres_cluster.server_pid(home))]
    processes += processes[1].children(recursive=True)
    for process in processes:
        # The children of Postgres end with it.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=20)
    # Another program has the server's pid by now.
    pid_file = home / "postgres" / "postmaster.pid"
    pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().splitlines()[1:]]))
    (home / "run" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    supervisor.apply(servers)
    eventually(lambda: postgres.answers(home / "run"), "the server again")


@pytest.mark.parametrize("way", ["by the supervisor", "after it was killed"])
def test_postgres_that_recovers_is_stopped_at_once_and_recovers_later(
    supervisor: Supervisor, home: Path, way: str
) -> None:
    servers = server_parts(home, database=True, broker=False)
    supervisor.apply(servers)
    eventually(lambda: postgres.answers(home / "run"), "the server")
    server = postgres_cluster.server_pid(home)
    assert server is not None
    # The server hangs when it is told to stop from here on.
    eventually(lambda: recovers(home), "its recovery", pause=0.01)
    begin = time.monotonic()
    if way == "by the supervisor":
        supervisor.stop()
    else:
        psutil.Process(supervisor.pid()).kill()
        eventually(lambda: not supervisor.running(), "the end of the supervisor")
        clean_up(home)
    assert time.monotonic() - begin < STOP_SECONDS
    assert not psutil.pid_exists(server) or has_ended(psutil.Process(server))
    supervisor.apply(servers)
    eventually(lambda: postgres.answers(home / "run"), "the server again")
    assert not postgres.is_recovering(home)


def test_postgres_that_has_removed_its_pid_file_is_waited_for(supervisor: Supervisor, home: Path) -> None:
    """It does so first, and may take long for the rest on a busy machine."""
    supervisor.apply(server_parts(home, database=True, broker=False))
    eventually(lambda: postgres.answers(home / "run"), "the server")
    server = psutil.Process(postgres_cluster.server_pid(home))
    server.suspend()
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.running(), "the end of the supervisor")
    # The kernel lets a server go on that was stopped when its supervisor ended: it may have ended by now.
    (home / "postgres" / "postmaster.pid").unlink(missing_ok=True)
    end = threading.Timer(1, resume, (server,))
    end.start()
    clean_up(home)
    assert has_ended(server)
    end.join()


def test_redis_that_has_closed_its_socket_is_waited_for(supervisor: Supervisor, home: Path) -> None:
    """It removes its socket by name at its end: that of its successor, which no part would reach."""
    supervisor.apply(server_parts(home, database=False, broker=True))
    eventually(lambda: redis.answers(home), "the server")
    server = redis.server_process(home)
    assert server is not None
    server.suspend()
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.running(), "the end of the supervisor")
    # As above.
    redis.socket_path(home).unlink(missing_ok=True)
    end = threading.Timer(1, resume, (server,))
    end.start()
    clean_up(home)
    assert has_ended(server)
    end.join()


def test_what_runs_is_found_by_another_way_to_the_state_directory(
    supervisor: Supervisor, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second Postgres beside one that nobody sees would destroy the database."""
    monkeypatch.setattr("magicfs.runtime.cleanup.STOP_SECONDS", 0.2)
    supervisor.apply([*server_parts(home, database=True, broker=True), sleeper("one")])
    eventually(lambda: postgres.answers(home / "run") and redis.answers(home), "both servers")
    servers = [postgres_cluster.server_process(home), redis.server_process(home)]
    hanging = [server for server in servers if server is not None]
    hanging.append(psutil.Process(pids(supervisor)["one"]))
    eventually(lambda: is_asleep(hanging[-1]), "the start")
    (tmp_path / "way").symlink_to(home)
    way = tmp_path / "way"
    assert postgres_cluster.server_pid(way) == hanging[0].pid
    for process in hanging:
        process.suspend()
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.running(), "the end of the supervisor")
    end = threading.Timer(1, resume, (hanging[0],))
    end.start()
    # They may have ended already, as above.
    clean_up(way)
    assert len(hanging) == 3
    assert all(map(has_ended, hanging))
    end.join()


def test_a_supervisor_that_hangs_is_found_by_another_way(
    supervisor: Supervisor, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.apply([sleeper("one")])
    process = psutil.Process(supervisor.pid())
    monkeypatch.setattr("magicfs.runtime.supervisor_client.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("magicfs.runtime.cleanup.SUPERVISOR_SECONDS", 0.5)
    process.suspend()
    (tmp_path / "way").symlink_to(home)
    other = Supervisor(tmp_path / "way")
    eventually(lambda: other.stopped_pid() == process.pid, "a supervisor that is stopped")
    assert other.stop()
    assert has_ended(process)


def test_redis_that_hangs_is_killed(supervisor: Supervisor, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.runtime.cleanup.STOP_SECONDS", 0.2)
    supervisor.apply(server_parts(home, database=False, broker=True))
    eventually(lambda: redis.answers(home), "the server")
    server = redis.server_process(home)
    assert server is not None
    server.suspend()
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.running(), "the end of the supervisor")
    supervisor.apply(server_parts(home, database=False, broker=True))
    assert has_ended(server)
    eventually(lambda: redis.answers(home), "the server again")


def test_a_supervisor_that_is_on_its_way_out_is_waited_for(supervisor: Supervisor) -> None:
    supervisor.apply([sleeper("one")])
    old = supervisor.pid()
    os.kill(old, signal.SIGTERM)
    time.sleep(0.05)
    supervisor.apply([sleeper("one")])
    assert supervisor.running()


@pytest.mark.parametrize("deleted", ["supervisor.sock", "*"])
@pytest.mark.parametrize("stops", [True, False])
def test_a_supervisor_whose_socket_was_deleted_is_ended_in_order(
    supervisor: Supervisor, home: Path, monkeypatch: pytest.MonkeyPatch, *, stops: bool, deleted: str
) -> None:
    """Programs that clean up delete files that are old."""
    monkeypatch.setattr("magicfs.runtime.cleanup.SUPERVISOR_SECONDS", math.inf)
    supervisor.apply([sleeper("one")])
    eventually(lambda: pids(supervisor)["one"] is not None)
    [part, ended] = [psutil.Process(pid) for pid in (pids(supervisor)["one"], supervisor.pid())]
    for path in list((home / "run").glob(deleted)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if stops:
        assert supervisor.stop()
        assert not supervisor.running()
    else:
        supervisor.apply([sleeper("one")])
        assert supervisor.pid() != ended.pid
    assert has_ended(part)
    assert has_ended(ended)


def test_what_was_started_again_is_not_stopped_by_the_up_before(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([sleeper("one")])
    eventually(lambda: pids(supervisor)["one"] is not None)
    assert not take_down(Settings(home=home), unless_running=True)
    assert supervisor.running()
    assert take_down(Settings(home=home))
    assert not supervisor.running()


def test_what_runs_is_stopped_although_its_state_directory_was_deleted(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([sleeper("one")])
    eventually(lambda: pids(supervisor)["one"] is not None)
    running = [psutil.Process(pid) for pid in (pids(supervisor)["one"], supervisor.pid())]
    shutil.rmtree(home)
    assert take_down(Settings(home=home))
    assert all(map(has_ended, running))
    assert not take_down(Settings(home=home))
    (home / "run").mkdir(parents=True)


@pytest.mark.parametrize("pid", [-5, 0])
def test_a_pid_that_is_none_belongs_to_no_server(home: Path, pid: int) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "postmaster.pid").write_text(f"{pid}\n")
    assert postgres_cluster.server_pid(home) is None


def test_a_supervisor_that_accepts_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.runtime.supervisor_client.ANSWER_SECONDS", 0.3)
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        assert not SupervisorClient(path).answers()


def test_what_was_stopped_on_purpose_is_no_failed_start(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([sleeper("one")])
    failed_start.record(home, ServerError("a second start, after which the first parts ran again"))
    assert take_down(Settings(home=home))
    failed_start.require_none(home)
    failed_start.record(home, ServerError("nothing could start"))
    assert not take_down(Settings(home=home))
    with pytest.raises(CheckFailed, match="nothing could start"):
        failed_start.require_none(home)
