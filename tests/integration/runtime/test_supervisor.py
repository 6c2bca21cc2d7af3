"""The supervisor with real processes: started, changed, restarted and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from magicfs.cli.environment import require_embedded_server
from magicfs.cli.stuck_parts import part_that_keeps_ending, parts_and_stuck
from magicfs.config import Settings
from magicfs.domain.parts import EMBED_WORKER, MOUNT, Part, UpOptions
from magicfs.domain.status import PartStatus
from magicfs.errors import ServerError
from magicfs.runtime.cleanup import CONFIGURATION_FILE, clean_up
from magicfs.runtime.program import program_version
from magicfs.runtime.supervisor import Supervisor
from magicfs.runtime.supervisor_client import SupervisorClient
from tests.integration.runtime.sleepers import is_asleep, pids, sleeper
from tests.plugins.waiting import eventually


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


def test_parts_of_a_former_program_are_named(supervisor: Supervisor, home: Path) -> None:
    supervisor.apply([sleeper("one"), replace(sleeper("two"), program=program_version())])
    assert parts_and_stuck(Settings(home=home))[1] == []
    supervisor.apply([sleeper("one"), replace(sleeper("two"), program="one that an update has replaced")])
    [line] = parts_and_stuck(Settings(home=home))[1]
    assert line.endswith("run 'magicfs up'")
    supervisor.stop()
    assert not supervisor.has_changed_program(), "the next start takes the program on the disk"


def test_a_part_that_was_killed_once_stays_up_and_one_that_keeps_ending_does_not(supervisor: Supervisor) -> None:
    failing = Part(name="failing", command=("/bin/false",), place=50)
    supervisor.apply([sleeper("one"), failing])
    [one] = [part for part in supervisor.parts() if part.name == "one"]
    assert one.pid is not None
    os.kill(one.pid, signal.SIGKILL)
    eventually(lambda: pids(supervisor)["one"] != one.pid, "its end")
    assert part_that_keeps_ending(supervisor, [replace(one, state="exited")]) is None
    eventually(lambda: "backoff" in {part.state for part in supervisor.parts()}, "the end of the other one")
    found = part_that_keeps_ending(supervisor, supervisor.parts())
    assert found is not None
    assert found.name == "failing"


@pytest.mark.parametrize("cut_short", ["change", "stop"])
def test_what_a_call_has_stopped_that_was_cut_short_runs_again(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, cut_short: str
) -> None:
    parts = [sleeper("one"), sleeper("two", place=60), sleeper("three", place=60)]
    supervisor.apply(parts)
    before = pids(supervisor)
    with monkeypatch.context() as patched:
        patched.setattr(Supervisor, "_have_ended", interrupted)
        with pytest.raises(KeyboardInterrupt):
            if cut_short == "change":
                supervisor.apply([sleeper(part.name, place=part.place, COLOUR="blue") for part in parts])
            else:
                supervisor.stop()
    supervisor.apply(parts)
    after = pids(supervisor)
    assert after["one"] == before["one"], "its turn to stop had not come"
    for name in ("two", "three"):
        assert after[name] not in {None, before[name]}
    assert all(part.restarts == 0 for part in supervisor.parts())


def interrupted(*_: object) -> bool:
    """Ctrl-C while a command waits for the end of parts."""
    raise KeyboardInterrupt


def test_a_state_directory_that_was_moved_while_it_ran_is_told_with_a_remedy(
    supervisor: Supervisor, home: Path
) -> None:
    supervisor.apply([sleeper("one")])
    configuration, moved = home / CONFIGURATION_FILE, home / "moved"
    # What is stored is written to the new place, and the supervisor reads the old one.
    configuration.rename(moved)
    with pytest.raises(ServerError, match="run 'magicfs down', then 'magicfs up'"):
        SupervisorClient(home / "run" / "supervisor.sock").reload()
    moved.rename(configuration)


def test_warnings_that_are_errors_to_its_caller_are_none_to_it(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setattr("magicfs.runtime.supervisor_process.START_SECONDS", 20.0)
    assert supervisor.apply([sleeper("one")])
    assert pids(supervisor).keys() == {"one"}


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


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("--nofile=128:128", "a process may open 128 files, and the supervisor needs 256: raise the hard limit"),
        ("--nproc=15:15", "a user may run 15 processes, and the supervisor needs 16: raise the hard limit"),
    ],
)
def test_a_supervisor_that_may_have_too_little_says_so(home: Path, limit: str, reason: str) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from magicfs.runtime.supervisor import Supervisor\n"
        "Supervisor(Path(sys.argv[1])).apply([])"
    )
    command = ["prlimit", limit, sys.executable, "-c", script, str(home)]
    # Its libraries would start a thread for each core, which are processes to the limit of a user.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert f"ServerError: {reason}" in done.stderr


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


def test_a_supervisor_without_postgres_is_not_taken_for_one_that_has_ended(supervisor: Supervisor, home: Path) -> None:
    """As where `up` was told of another Postgres, and the next command is not."""
    options = UpOptions(embed_workers=1, gentle=False, mount=None)
    supervisor.apply([sleeper("one")], options=options)
    with pytest.raises(ServerError, match=r"nothing is running: .* or set MAGICFS_DATABASE_URL"):
        require_embedded_server(Settings(home=home))
    psutil.Process(supervisor.pid()).kill()
    eventually(lambda: not supervisor.listens(), "the end of the supervisor")
    with pytest.raises(ServerError, match=r"nothing is running any more: .* or set MAGICFS_DATABASE_URL"):
        require_embedded_server(Settings(home=home))
