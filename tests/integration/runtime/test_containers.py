"""Processes of a container on this machine, whose state directory has the path of one of ours."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from magicfs.runtime.cleanup import CONFIGURATION_FILE, SUPERVISOR_MODULE, clean_up
from magicfs.runtime.processes import has_ended
from tests.plugins.waiting import eventually

WAIT_SECONDS = 60.0

IN_ROOT = """
set -e
mount -t tmpfs none "$1"
for name in usr bin lib lib64; do
    if [ -L "/$name" ]; then
        cp -P "/$name" "$1/"
    elif [ -d "/$name" ]; then
        mkdir "$1/$name"
        mount --rbind "/$name" "$1/$name"
    fi
done
root=$1
shift
exec chroot "$root" sh -c 'echo ready; while :; do sleep 1; done' "$@"
"""
"""Becomes a shell with another root and these arguments."""


@contextmanager
def in_container(folder: Path, home: Path, *words: str) -> Iterator[psutil.Process]:
    """A process with another root, which looks like a part, and like what has these words in its command line."""
    folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "MAGICFS_HOME": str(home), "SUPERVISOR_PROCESS_NAME": "agent"}
    command = ["unshare", "--mount", "sh", "-c", IN_ROOT, "sh", str(folder), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as started:
        assert started.stdout is not None
        try:
            if started.stdout.readline() != b"ready\n":
                pytest.skip("only root can give a process another root")
            yield psutil.Process(started.pid)
        finally:
            started.kill()


def test_the_cleanup_of_a_killed_supervisor_ends_no_process_of_a_container(home: Path, tmp_path: Path) -> None:
    words = SUPERVISOR_MODULE, str(home / CONFIGURATION_FILE)
    with in_container(tmp_path / "root", home, *words) as process:
        assert process.environ()["MAGICFS_HOME"] == str(home)
        assert set(words) <= set(process.cmdline())
        assert not clean_up(home)
        assert not has_ended(process)


def test_what_nobody_waits_for_is_not_waited_for_after_its_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first process of a container is often one that waits for no orphan."""
    monkeypatch.setattr("magicfs.runtime.cleanup.STOP_SECONDS", WAIT_SECONDS)
    program = 'SUPERVISOR_PROCESS_NAME=agent MAGICFS_HOME="$1" sleep 1000 & echo $!; exec sleep 1000'
    with subprocess.Popen(["sh", "-c", program, "sh", str(home)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        eventually(lambda: orphan.name() == "sleep", "the start")
        begin = time.monotonic()
        assert clean_up(home)
        assert time.monotonic() - begin < WAIT_SECONDS
        assert orphan.status() == psutil.STATUS_ZOMBIE
        parent.kill()
