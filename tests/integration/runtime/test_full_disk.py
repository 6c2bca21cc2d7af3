"""A disk that is full is told before a database is made on it. It ends no part: logs leave out what has no room."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from supervisor import loggers

from magicfs.domain.parts import Part
from magicfs.errors import ServerError
from magicfs.runtime import postgres_cluster
from magicfs.runtime.processes import dies_with_parent
from magicfs.runtime.supervisor import Supervisor
from magicfs.runtime.supervisord import LogFile
from tests.plugins.waiting import eventually

NAME = "talker"

# More than a pipe holds: supervisord has read some of it.
TALK = "import pathlib, time; print('x' * 200_000, flush=True); pathlib.Path('said').touch(); time.sleep(1000)"


def test_parts_go_on_and_are_started_again(supervisor: Supervisor, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Who reads that log finds no end.
    monkeypatch.setattr("magicfs.runtime.supervisor_process.complaint_in", lambda *_: "")
    for name in ("supervisor", NAME):
        (home / "log" / f"{name}.log").symlink_to("/dev/full")
    command = dies_with_parent([sys.executable, "-c", TALK], signal_name="TERM")
    supervisor.apply([Part(name=NAME, command=tuple(command), place=50)])
    said, starts = home / "said", home / "run" / "starts" / NAME
    eventually(said.exists, "what it says")
    said.unlink()
    starts.unlink()
    starts.symlink_to("/dev/full")
    part = supervisor.part(NAME)
    assert part is not None
    assert part.pid
    psutil.Process(part.pid).kill()
    eventually(said.exists, "the next one")
    assert supervisor.running()


@pytest.mark.parametrize("options", ["nr_inodes=1200", "size=30m"])
def test_a_disk_without_room_for_a_database_is_told_at_once(tmp_path: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "small", str(tmp_path)]
    if os.geteuid() or subprocess.run(command, check=False).returncode:
        pytest.skip("only root can mount a small file system")
    try:
        with pytest.raises(ServerError, match=r"has no room for .* more: make room there, or set MAGICFS_HOME"):
            postgres_cluster.prepare(tmp_path)
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=False)


def test_a_log_goes_on_in_the_same_file(tmp_path: Path) -> None:
    full = tmp_path / "part.log"
    full.symlink_to("/dev/full")
    log = LogFile(str(full), maxBytes=10, backupCount=2)
    log.setFormat("%(message)s")
    for _ in range(2):
        log.emit(loggers.LogRecord(loggers.LevelsByName.INFO, "more than ten"))
    full.unlink()
    log.reopen()
    log.emit(loggers.LogRecord(loggers.LevelsByName.INFO, "there is room"))
    log.close()
    assert (tmp_path / "part.log.1").read_text() == "there is room"
