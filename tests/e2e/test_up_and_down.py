"""`up` and `down`: two at once, after everything was killed, and when a signal comes while they work.

The tests share one state directory, in their order.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from magicfs.runtime.supervisor import Supervisor
from tests.plugins.commands import COMMAND, Commands
from tests.plugins.fuse import needs_fuse
from tests.plugins.waiting import eventually

pytestmark = needs_fuse


def assert_is_indexed(magicfs: Commands, mount: Path) -> None:
    """Everything that was indexed before is found."""
    assert magicfs.rows("SELECT count(*) FROM files WHERE state = 'indexed'") == [(9,)]
    assert os.listdir(mount / "search" / "python")[0].endswith("_python_script.py")


@pytest.mark.parametrize("servers", [("redis",), ("redis", "postgres")])
def test_up_starts_the_servers_that_an_interrupted_down_has_stopped(
    magicfs: Commands, mount: Path, servers: tuple[str, ...]
) -> None:
    supervisor = Supervisor(magicfs.home)
    stopped = [part for part in supervisor.wanted() if part.name in servers]
    with supervisor.locked():
        supervisor.stop_parts(stopped)
    assert {name for name, part in magicfs.parts().items() if part.state == "stopped"} == set(servers)
    magicfs.ok("up", "--detach", "--wait")
    assert_is_indexed(magicfs, mount)


def test_down_leaves_nothing_and_two_at_once_do_not_collide(magicfs: Commands, mount: Path) -> None:
    stops = [magicfs.start("down") for _ in range(2)]
    said = sorted(process.communicate(timeout=300)[0] for process in stops)
    assert said == ["nothing is running\n", "stopped\n"]
    magicfs.assert_nothing_left()
    assert list(mount.iterdir()) == []


def test_two_ups_at_once_do_not_collide_and_find_everything_indexed(
    module_commands: Commands, docs: Path, mount: Path
) -> None:
    starts = [module_commands.start("up", docs, "--mount", mount, "--detach") for _ in range(2)]
    ends = [process.communicate(timeout=300) for process in starts]
    assert [process.returncode for process in starts] == [0, 0], ends
    assert_is_indexed(module_commands, mount)


def test_nothing_outlives_a_supervisor_that_is_killed(magicfs: Commands) -> None:
    psutil.Process(int((magicfs.home / "run" / "supervisor.pid").read_text())).kill()
    eventually(lambda: magicfs.processes() == [], "the end of all parts", pause=0.5)


def test_up_works_after_the_supervisor_was_killed_and_sigint_ends_it(module_commands: Commands, mount: Path) -> None:
    process = module_commands.start("up", "--mount", mount)
    assert process.stdout is not None
    assert "model" in process.stdout.readline(), module_commands.logs()
    assert_is_indexed(module_commands, mount)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0
    assert errors.splitlines()[-1] == "stopping"
    module_commands.assert_nothing_left()


def test_up_mounts_again_after_everything_was_killed_and_the_end_of_its_terminal_ends_it(
    module_commands: Commands, docs: Path, mount: Path
) -> None:
    module_commands.ok("up", docs, "--mount", mount, "--detach")
    module_commands.kill_everything()
    assert module_commands.processes() == []
    assert module_commands.run("status").returncode == 1
    user, terminal = os.openpty()
    command = ["setsid", "--ctty", *COMMAND, "up"]
    process = subprocess.Popen(
        command, env=module_commands.environment, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    while b"Ctrl-C stops everything" not in shown:
        shown += os.read(user, 1 << 12)
    assert_is_indexed(module_commands, mount)
    os.close(user)
    assert process.wait(180) == 0
    module_commands.assert_nothing_left()


def test_a_former_mount_that_is_in_the_way_after_a_reboot_stops_nothing_else(
    module_commands: Commands, mount: Path
) -> None:
    module_commands.ok("up", "--mount", mount, "--detach")
    module_commands.kill_everything()
    module_commands.ok("umount", mount)
    (mount / "letter.txt").write_text("Written where nothing is mounted.")
    again = module_commands.run("up", "--detach")
    assert (again.returncode, f"not mounted again: {mount}" in again.stderr) == (0, True), again.stderr
    assert "embed-1" in module_commands.pids()
    assert "mount" not in module_commands.pids()
    (mount / "letter.txt").unlink()
    module_commands.ok("down")


def test_a_signal_while_it_starts_takes_back_what_was_started(module_commands: Commands, mount: Path) -> None:
    for _ in range(5):
        process = module_commands.start("up", "--mount", mount, "--detach")
        assert process.stderr is not None
        assert process.stderr.readline() == "starting\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=180)
        if process.returncode != 0:
            break
        # On a busy machine the signal may come when everything has started.
        module_commands.ok("down")
    assert process.returncode == 130
    module_commands.assert_nothing_left()
