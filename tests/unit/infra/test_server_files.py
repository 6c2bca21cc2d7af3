"""The configuration of Postgres and Redis, read by the real servers."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.runtime import postgres_cluster, redis
from magicfs.runtime.processes import is_listening, wait_until
from tests.unit.infra.command_lines import REPOSITORY

PASSWORD = "4c1d9e"
START = REPOSITORY / "infra" / "redis" / "start.sh"


@pytest.mark.parametrize(
    ("name", "value"), [("listen_addresses", "*"), ("jit", "off"), ("password_encryption", "scram-sha-256")]
)
def test_postgres_accepts_its_configuration(tmp_path: Path, name: str, value: str) -> None:
    """`postgres -C` reads the file, refuses unknown settings, and starts nothing."""
    file = REPOSITORY / "infra" / "postgres" / "postgresql.conf"
    done = subprocess.run(
        [str(postgres_cluster.binaries() / "postgres"), "-C", name, "-D", str(tmp_path), f"--config_file={file}"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, value), done.stderr


def ask(path: Path, *commands: str) -> list[str]:
    """Send commands to a Redis on a socket, and return the first line of each answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, client.makefile("rb") as answers:
        client.settimeout(10)
        client.connect(str(path))
        lines = []
        for command in commands:
            client.sendall(command.encode() + b"\r\n")
            line = answers.readline().decode().strip()
            if line.startswith("*"):
                fields = [answers.readline().decode().strip() for _ in range(2 * int(line[1:]))]
                line = fields[-1]
            lines.append(line)
        return lines


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a name short enough for a socket address, and `redis-server` in it."""
    path = Path(tempfile.mkdtemp(prefix="mfs-"))
    (path / "redis-server").symlink_to(redis.binary())
    yield path
    shutil.rmtree(path)


def start(folder: Path, *, password: str | None) -> subprocess.Popen[bytes]:
    """Run start.sh with the repository's configuration, on a socket instead of the port."""
    text = (REPOSITORY / "infra" / "redis" / "redis.conf").read_text(encoding="utf-8")
    text, replaced = re.subn(r"(?m)^(bind|port|dir) .*\n", "", text)
    assert replaced == 3
    file = folder / "redis.conf"
    file.write_text(f"{text}\nport 0\ndir {folder}\nunixsocket {folder / 'sock'}\n", encoding="utf-8")
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"} | (
        {"REDISCLI_AUTH": password} if password is not None else {}
    )
    return subprocess.Popen(
        [str(START), str(file)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_redis_accepts_its_configuration_and_asks_for_the_password(folder: Path) -> None:
    with start(folder, password=PASSWORD) as process:
        try:
            path = folder / "sock"
            wait_until(lambda: is_listening(path), seconds=60, failed="redis-server does not start")
            without, given, policy, save = ask(
                path, "PING", f"AUTH {PASSWORD}", "CONFIG GET maxmemory-policy", "CONFIG GET save"
            )
            assert without.startswith("-NOAUTH")
            assert given == "+OK"
            assert policy == "noeviction"
            assert save == ""
            assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        finally:
            process.terminate()


@pytest.mark.parametrize("password", [None, ""])
def test_redis_does_not_start_without_a_password(folder: Path, password: str | None) -> None:
    with start(folder, password=password) as process:
        assert process.wait(60) != 0
    assert not (folder / "sock").exists()


def test_the_scripts_are_executable() -> None:
    assert os.access(START, os.X_OK)
