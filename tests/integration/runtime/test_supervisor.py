"""The supervisor with real processes: started, changed, restarted, stopped, and cleaned up after a hard end."""

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
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest

from magicfs.domain.parts import EMBED_WORKER, MOUNT, Part, UpOptions
from magicfs.domain.status import PartStatus
from magicfs.errors import ServerError
from magicfs.runtime import postgres, postgres_cluster, redis
from magicfs.runtime.cleanup import CONFIGURATION_FILE, clean_up
from magicfs.runtime.parts import server_parts
from magicfs.runtime.processes import dies_with_parent, has_ended
from magicfs.runtime.supervisor import Supervisor
from magicfs.runtime.supervisor_client import SupervisorClient
from tests.plugins.waiting import eventually

STOP_SECONDS = 25
"""For the end of a Postgres that would hang for a minute."""


def sleeper(name: str, *, place: int = 50, **environment: str) -> Part:
    command = dies_with_parent([sys.executable, "-c", "import time; time.sleep(1000)"], signal_name="TERM")
    return Part(name=name, command=tuple(command), place=place, environment=environment)


def is_asleep(sleeper: psutil.Process) -> bool:
    """Whether it runs, and not only `setpriv` with what it is to run: that may not have asked for the signal yet."""
    return sleeper.name() != "setpriv" and "sleep" in " ".join(sleeper.cmdline())


def pids(supervisor: Supervisor) -> dict[str, int | None]:
    return {part.name: part.pid for part in supervisor.parts()}


def test_what_is_asked_for_runs_and_nothing_else_is_touched(supervisor: Supervisor) -> None:
    assert not supervisor.running()
    assert supervisor.apply([sleeper("one"), sleeper("two")])
    before = pids(supervisor)
    assert before.keys() == {"one", "two"}
    changed = sleeper("two", COLOUR="blue, 'with' \"quotes\" and 50%")
    assert not supervisor.apply([sleeper("one"), changed, sleeper("three-10"), sleeper("three-9")])
    after = pids(supervisor)
    assert list(after) == ["one", "three-9", "three-10", "two"]
    assert after["one"] == before["one"]
    assert after["two"] not in {None, before["two"]}
    assert supervisor.wanted() == [sleeper("one"), changed, sleeper("three-10"), sleeper("three-9")]
    colour = "blue, 'with' \"quotes\" and 50%"
    # A process that executes another program has no environment for a moment.
    eventually(lambda: psutil.Process(after["two"]).environ().get("COLOUR") == colour, "the start of the part")
    supervisor.apply([])
    assert pids(supervisor) == {}


def test_options_are_kept_beside_the_parts(supervisor: Supervisor, home: Path) -> None:
    options = UpOptions(embed_workers=3, gentle=True, mount=Path("/mnt/50% of \udce4"))
    assert supervisor.options() is None
    supervisor.apply([sleeper("one")], options=options)
    assert supervisor.options() == options
    assert (home / "run" / "up.json").stat().st_mode & 0o777 == 0o600
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.running(), "the end of the supervisor")
    assert supervisor.options() == options
    supervisor.stop()
    assert supervisor.options() is None


def test_options_that_an_older_version_did_not_keep_are_read_from_its_parts(supervisor: Supervisor) -> None:
    workers = [sleeper(f"{EMBED_WORKER}-{number}", MAGICFS_GENTLE="True") for number in (1, 2)]
    supervisor.apply([*workers, Part(name=MOUNT, command=("/bin/sleep", "1000"), place=90)])
    assert supervisor.options() == UpOptions(embed_workers=2, gentle=True, mount=Path("1000"))


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


def test_what_dies_is_started_again_and_counted(supervisor: Supervisor) -> None:
    supervisor.apply([sleeper("one")])

    def status() -> PartStatus:
        found = supervisor.part("one")
        assert found is not None
        return found

    pid = status().pid
    assert pid is not None
    eventually(lambda: is_asleep(psutil.Process(pid)), "the start")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: status().pid not in {None, pid}, "another start")
    eventually(lambda: status().restarts == 1, "the count")


def test_what_always_fails_is_tried_on_and_says_so(supervisor: Supervisor) -> None:
    supervisor.apply([Part(name="broken", command=("/bin/false",), place=50)])

    def is_tried_again() -> bool:
        [part] = supervisor.parts()
        return part.restarts >= 2 and part.state in {"backoff", "starting"}

    eventually(is_tried_again, "two more tries")


def test_the_last_to_start_is_the_first_to_stop(supervisor: Supervisor, home: Path) -> None:
    record = home / "order"
    program = (
        "import signal, sys, time\n"
        "def end(*_):\n    open(sys.argv[2], 'a').write(sys.argv[1]); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); open(sys.argv[3], 'w'); time.sleep(1000)"
    )
    parts = [
        Part(
            name=name,
            command=(sys.executable, "-c", program, name, str(record), str(home / f"{name}.up")),
            place=place,
        )
        for name, place in (("a", 10), ("b", 20), ("c", 30))
    ]
    supervisor.apply(parts)
    eventually(lambda: all((home / f"{part.name}.up").exists() for part in parts), "the start of all")
    supervisor.stop()
    assert record.read_text() == "cba"


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


def crash(home: Path) -> None:
    """Kill a session of the server, which then recovers for a moment."""
    with psycopg.connect(postgres.admin_dsn(home / "run"), autocommit=True) as session:
        session.execute("DROP TABLE IF EXISTS junk")
        session.execute("CREATE TABLE junk AS SELECT n, md5(n::text) FROM generate_series(1, 300000) AS n")
        os.kill(session.info.backend_pid, signal.SIGKILL)


def recovers(home: Path) -> bool:
    """Whether the server recovers. One that does not, because it has done so unseen, crashes again."""
    if not postgres.is_recovering(home) and postgres.answers(home / "run"):
        # It may still end because of the crash before.
        with contextlib.suppress(psycopg.OperationalError):
            crash(home)
    return postgres.is_recovering(home)


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


def test_a_socket_of_another_program_is_left_alone(supervisor: Supervisor, home: Path) -> None:
    path = home / "run" / "redis.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(ServerError, match="another program"):
            clean_up(home)
        assert path.exists()
    clean_up(home)
    assert not path.exists()


def test_one_changes_things_at_a_time(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.runtime.supervisor.LOCK_SECONDS", 0.2)
    with supervisor.locked(), pytest.raises(ServerError, match="still at work"), supervisor.locked():
        pass
    with supervisor.locked():
        pass


def test_a_wait_for_another_command_is_explained_once(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.runtime.supervisor.SILENT_SECONDS", 0.1)
    remarks: list[str] = []
    holding = ExitStack()
    holding.enter_context(supervisor.locked(remark=remarks.append))
    assert not remarks
    end = threading.Timer(0.5, holding.close)

    def note(remark: str) -> None:
        remarks.append(remark)
        if len(remarks) == 1:
            end.start()

    with supervisor.locked(remark=note):
        end.join()
    assert remarks == ["waiting for another 'magicfs up' or 'down' to end"]


def test_a_hangup_stops_and_restarts_nothing(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([sleeper("one"), sleeper("two")])
    before = pids(supervisor)
    os.kill(supervisor.pid(), signal.SIGHUP)
    log = home / "log" / "supervisor.log"
    eventually(lambda: "SIGHUP" in log.read_text(), "the signal")
    supervisor.apply([sleeper("one"), sleeper("two"), sleeper("three")])
    after = pids(supervisor)
    assert {name: after[name] for name in before} == before
    assert supervisor.stop()


def test_a_supervisor_that_may_open_too_few_files_says_so(home: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from magicfs.runtime.supervisor import Supervisor\n"
        "Supervisor(Path(sys.argv[1])).apply([])"
    )
    command = ["prlimit", "--nofile=128:128", sys.executable, "-c", script, str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "ServerError: the supervisor does not start: The minimum number of file descriptors" in done.stderr


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


def test_a_program_that_shows_the_configuration_goes_on(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([sleeper("one")])
    assert supervisor.stop()
    pager = subprocess.Popen(["tail", "-f", str(home / CONFIGURATION_FILE)], stdout=subprocess.DEVNULL)
    try:
        assert not clean_up(home)
        assert pager.poll() is None
    finally:
        pager.kill()
        pager.wait()


def test_a_supervisor_that_accepts_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.runtime.supervisor_client.ANSWER_SECONDS", 0.3)
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        assert not SupervisorClient(path).answers()
