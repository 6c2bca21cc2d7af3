"""The disk of the embedded database is full, or takes no more writes: what a person is told, and that work goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from magicfs.models.store import ModelStore
from magicfs.runtime.postgres import admin_dsn
from tests.plugins.commands import Commands
from tests.plugins.programs import lacks
from tests.plugins.waiting import eventually

DISK_BYTES = 1500 << 20
"""More than what stays free of a disk while files are indexed."""


@pytest.fixture
def disk(commands: Commands, model_store: ModelStore, tmp_path: Path) -> Iterator[Path]:
    """The state directory, on a disk of its own."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    if lacks("mkfs.ext4"):
        pytest.skip("mkfs.ext4 is not installed")
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True, stderr=subprocess.DEVNULL)
    if os.geteuid() or subprocess.run(["mount", "-o", "loop", image, commands.home], check=False).returncode:
        pytest.skip("only root can mount a disk")
    try:
        (commands.home / "models").symlink_to(model_store.directory)
        yield commands.home
    finally:
        commands.run("down")
        subprocess.run(["umount", "-l", commands.home], check=True)


@pytest.fixture
def docs(commands: Commands, tmp_path: Path) -> Path:
    path = tmp_path / "docs"
    path.mkdir()
    (path / "marmot.txt").write_text("Marmots whistle when an eagle is near.\n")
    return path


def write_log(home: Path) -> None:
    """Let Postgres write one segment of its log after the other, until it has no room for one and ends."""
    with psycopg.connect(admin_dsn(home / "run"), autocommit=True) as connection:
        for _ in range(DISK_BYTES >> 24):
            connection.execute("SELECT pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()")


def wait_until_told(commands: Commands, words: str, *, before: Callable[[], None] = lambda: None) -> None:
    """Wait until a command says these words in its one line. `before` is called each time."""
    said: list[str] = []

    def is_told() -> bool:
        before()
        done = commands.run("status")
        said[:] = [f"{done.returncode}: {done.stderr}{done.stdout}"]
        return done.returncode == 1 and words in done.stderr and len(done.stderr.splitlines()) == 1

    eventually(is_told, f"'{words}'", logs=lambda: f"{said}\n{commands.logs()}")


def test_work_goes_on_when_a_full_disk_has_room_again(commands: Commands, disk: Path, docs: Path) -> None:
    commands.ok("up", docs, "--detach", "--wait")
    ballast = disk / "log" / "ballast"
    subprocess.run(["fallocate", "-l", str(shutil.disk_usage(disk).free - (1 << 20)), ballast], check=True)

    def fill() -> None:
        # A recovery may have found room, and the server runs again.
        with contextlib.suppress(psycopg.Error):
            write_log(disk)

    wait_until_told(commands, f"the disk of {disk} is full: make room", before=fill)
    assert "is full: make room" in commands.run("doctor").stdout
    (docs / "heron.txt").write_text("Herons stand in the reeds without moving.\n")
    ballast.unlink()
    eventually(lambda: "heron.txt" in commands.run("search", "heron").stdout, "the file of meanwhile")
    # It is found by its name before it is read.
    both_read = [("indexed", 0)] * 2
    eventually(lambda: commands.rows("SELECT state, attempts FROM files") == both_read, "no attempt is counted")


def test_what_runs_on_a_disk_that_has_become_read_only_is_stopped(commands: Commands, disk: Path, docs: Path) -> None:
    commands.ok("up", docs, "--detach", "--wait")
    device = subprocess.run(["findmnt", "-no", "SOURCE", disk], check=True, capture_output=True, text=True).stdout
    fault = Path("/sys/fs/ext4", Path(device.strip()).name, "trigger_fs_error")
    if not fault.exists():
        pytest.skip("this kernel makes no errors on purpose")
    subprocess.run(["mount", "-o", "remount,errors=remount-ro", disk], check=True)
    fault.write_text("1")
    with pytest.raises(psycopg.Error):
        write_log(disk)
    wait_until_told(commands, "mount it to be written")
    commands.ok("down")
    assert not commands.processes()
    refused = commands.run("up", "--detach")
    assert refused.returncode == 1
    assert "mount its disk to be written" in refused.stderr
    assert "unexpected" not in refused.stderr
