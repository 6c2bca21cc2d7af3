"""Mistakes of a user: each gives one line that says what to do, an exit code, and nothing left running."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.commands import COMMAND, Commands
from tests.plugins.fuse import needs_fuse

WAITING = "waiting for the database"


@pytest.fixture
def folder(commands: Commands) -> Path:
    """A place for the test's own files, beside the state directory."""
    return commands.home.parent


@pytest.fixture
def docs(folder: Path) -> Path:
    """A directory that makes a root."""
    docs = folder / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("hello\n")
    return docs


def assert_refused(done: subprocess.CompletedProcess[str], *words: str, code: int = 1) -> None:
    """One line for a person, and no traceback. `up` says before that it starts, and after ten seconds why it waits."""
    assert done.returncode == code, done.stderr
    told = [line for line in done.stderr.splitlines() if line != "starting" and not line.startswith(WAITING)]
    assert len(told) == 1, done.stderr
    assert told[0].startswith("magicfs: ")
    for word in words:
        assert word in told[0]
    assert done.stdout == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can use what belongs to others")
def test_a_state_directory_of_another_user(commands: Commands, docs: Path) -> None:
    """As with `sudo -E`: what root writes there, its owner cannot read."""
    commands.home.mkdir(exist_ok=True)
    before = sorted(commands.home.rglob("*"))
    for owner, name in ((12345, "the user 12345"), (pwd.getpwnam("daemon").pw_uid, "daemon")):
        os.chown(commands.home, owner, owner)
        assert_refused(commands.run("up", docs, "--detach"), f"belongs to {name}: run this as {name}")
    assert sorted(commands.home.rglob("*")) == before
    os.chown(commands.home, 0, 0)


def test_a_root_that_does_not_exist(commands: Commands, folder: Path) -> None:
    assert_refused(commands.run("up", folder / "nowhere", "--detach"), "nowhere", "does not exist")


def test_a_root_that_is_a_file(commands: Commands, docs: Path) -> None:
    assert_refused(commands.run("up", docs / "a.txt", "--detach"), "not a directory")


def test_a_root_around_the_state_directory(commands: Commands, folder: Path) -> None:
    assert_refused(commands.run("up", folder, "--detach"), "MAGICFS_HOME")


def test_roots_that_overlap_are_found_out_late_and_leave_nothing_running(commands: Commands, docs: Path) -> None:
    (docs / "inner").mkdir()
    assert_refused(commands.run("up", docs, docs / "inner", "--detach"), "inner")
    commands.assert_nothing_left()


@needs_fuse
def test_a_mount_point_that_does_not_exist(commands: Commands, folder: Path, docs: Path) -> None:
    assert_refused(commands.run("up", docs, "--mount", folder / "mnt", "--detach"), "mkdir -p")


@needs_fuse
def test_a_mount_point_that_is_not_empty(commands: Commands, folder: Path, docs: Path) -> None:
    (folder / "mnt").mkdir()
    (folder / "mnt" / "something").touch()
    assert_refused(commands.run("up", docs, "--mount", folder / "mnt", "--detach"), "not empty")


@needs_fuse
def test_a_mount_point_that_is_a_file(commands: Commands, folder: Path, docs: Path) -> None:
    (folder / "mnt").touch()
    assert_refused(commands.run("up", docs, "--mount", folder / "mnt", "--detach"), "not a directory")


@needs_fuse
def test_a_mount_point_that_is_busy(commands: Commands, docs: Path) -> None:
    assert_refused(commands.run("up", docs, "--mount", "/proc", "--detach"), "mounted there")


@needs_fuse
def test_a_mount_point_in_a_root(commands: Commands, docs: Path) -> None:
    (docs / "mnt").mkdir()
    assert_refused(commands.run("up", docs, "--mount", docs / "mnt", "--detach"), "one inside the other")


@needs_fuse
def test_a_mount_around_a_root(commands: Commands, docs: Path) -> None:
    (docs / "inner").mkdir()
    (docs / "a.txt").unlink()
    assert_refused(commands.run("up", docs / "inner", "--mount", docs, "--detach"), "one inside the other")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("workers = [", "config.toml"),
        ("wrokers = 2", "wrokers"),
        ("workers = 'many'", "workers"),
    ],
)
def test_a_broken_configuration_file(commands: Commands, docs: Path, text: str, word: str) -> None:
    (commands.home / "config.toml").write_text(text)
    environment = {name: value for name, value in commands.environment.items() if name != "MAGICFS_WORKERS"}
    commands.environment = environment
    assert_refused(commands.run("up", docs, "--detach"), word)


@pytest.mark.parametrize(
    ("name", "reason"), [("x" * 100, "too long"), ("line\nbreak", "line break"), ("\udcff", "but UTF-8")]
)
def test_a_state_directory_whose_path_the_servers_do_not_take(
    commands: Commands, docs: Path, name: str, reason: str
) -> None:
    home = str(commands.home / name)
    assert_refused(commands.run("up", docs, "--detach", MAGICFS_HOME=home), reason)
    said = commands.run("doctor", MAGICFS_HOME=home).stdout.splitlines()
    assert [line for line in said if line.startswith("bad") and reason in line]


def test_a_state_directory_that_cannot_be_made(commands: Commands, docs: Path) -> None:
    assert_refused(commands.run("up", docs, "--detach", MAGICFS_HOME=str(docs / "a.txt" / "home")), "MAGICFS_HOME")


@pytest.fixture
def occupied(commands: Commands) -> Iterator[Path]:
    """A socket of ours that another program has."""
    path = commands.home / "run" / "redis.sock"
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        yield path
    path.unlink()


def test_a_socket_in_use(commands: Commands, docs: Path, occupied: Path) -> None:
    assert_refused(commands.run("up", docs, "--detach"), str(occupied), "another program")
    parts = next(line for line in commands.run("doctor").stdout.splitlines() if " parts " in line)
    assert parts.startswith("bad ")
    assert "the last 'magicfs up'" in parts
    assert f"{occupied} is in use by another program" in parts


def test_a_port_in_use(commands: Commands) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = commands.run("flower", MAGICFS_FLOWER_PASSWORD="secret", MAGICFS_FLOWER_PORT=port)
    assert_refused(done, port, "MAGICFS_FLOWER_PORT")


def test_flower_without_a_password(commands: Commands) -> None:
    assert_refused(commands.run("flower"), "MAGICFS_FLOWER_PASSWORD")


def test_nobody_at_the_address_of_the_broker(commands: Commands, docs: Path) -> None:
    done = commands.run("up", docs, "--detach", MAGICFS_BROKER_URL="redis://:secret@127.0.0.1:1/0")
    assert_refused(done, "MAGICFS_BROKER_URL")
    assert "secret" not in done.stderr
    commands.assert_nothing_left()


def test_nobody_at_the_address_of_the_database(commands: Commands, docs: Path) -> None:
    address = "postgresql://nobody:secret@127.0.0.1:1/magicfs"
    done = commands.run("up", docs, "--detach", MAGICFS_DATABASE_URL=address)
    assert_refused(done, "MAGICFS_DATABASE_URL", "onnection refused")
    assert "secret" not in done.stderr
    commands.assert_nothing_left()


@pytest.mark.parametrize(
    "command",
    [
        *(("status",), ("search", "x"), ("roots", "list"), ("failures",), ("scan",)),
        *(("agent",), ("worker",), ("worker", "--queue", "extract")),
    ],
)
def test_a_command_while_nothing_runs(commands: Commands, command: tuple[str, ...]) -> None:
    assert_refused(commands.run(*command), "magicfs up")


def test_down_while_nothing_runs_is_harmless(commands: Commands) -> None:
    assert commands.ok("down") == "nothing is running\n"


@pytest.mark.parametrize(
    "arguments",
    [
        *(("search",), ("up", "--workers", "-1"), ("up", "--nonsense"), ("nonsense",), ("worker", "--queue", "x")),
        *(("up", ""), ("up", "--mount", ""), ("roots", "add", ""), ("umount", " "), ("failures", "--reason", "mood")),
    ],
)
def test_wrong_usage(commands: Commands, arguments: tuple[str, ...]) -> None:
    assert_refused(commands.run(*arguments), "--help", code=2)


def test_a_state_directory_that_others_use_too(commands: Commands, docs: Path) -> None:
    docs.chmod(0o755)
    assert_refused(commands.run("up", "--detach", MAGICFS_HOME=str(docs)), "a.txt", "MAGICFS_HOME")
    assert docs.stat().st_mode & 0o777 == 0o755


def test_a_misspelt_variable_is_pointed_out(commands: Commands) -> None:
    done = commands.run("down", MAGICFS_WROKERS="3")
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "MAGICFS_WROKERS" in done.stderr
    assert "did you mean MAGICFS_WORKERS?" in done.stderr


def test_umount_of_nothing(commands: Commands, docs: Path) -> None:
    assert "nothing is mounted" in commands.ok("umount", docs)


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.mark.skipif(os.geteuid() != 0, reason="another user can be tried by root alone")
def test_a_root_without_permission(commands: Commands, docs: Path, folder: Path) -> None:
    can_run = subprocess.run(
        [*NOBODY, COMMAND[0], "-c", "import magicfs.cli.application"], capture_output=True, check=False
    )
    if can_run.returncode != 0:
        pytest.skip("another user cannot run this interpreter")
    home = folder / "theirs"
    home.mkdir()
    os.chown(home, 65534, 65534)
    folder.chmod(0o755)
    docs.chmod(0o700)
    done = commands.run("up", docs, "--detach", prefix=NOBODY, MAGICFS_HOME=str(home))
    assert_refused(done, "permissions")
    commands.home.chmod(0o700)
    assert_refused(commands.run("up", "--detach", prefix=NOBODY), "MAGICFS_HOME")


def test_a_server_that_ends_without_a_word_is_not_explained_by_an_old_log(
    commands: Commands, docs: Path, folder: Path
) -> None:
    program = folder / "bin/redis-server"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    (commands.home / "log").mkdir()
    (commands.home / "log/redis.log").write_text("a failure of yesterday\n")
    path = f"{program.parent}:{commands.environment['PATH']}"
    assert_refused(commands.run("up", docs, "--detach", PATH=path), "redis does not start: its log has no new line")
