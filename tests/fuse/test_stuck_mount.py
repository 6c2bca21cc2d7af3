"""A mount whose process was killed while it waited for its own mount in the kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from magicfs.fuse.mountpoint import CONNECTIONS, mounted_at, umount


def test_a_killed_mount_that_waits_in_the_kernel_lets_programs_go_when_it_is_unmounted(tmp_path: Path) -> None:
    """Its thread waits for a look-up, and the look-up for the mount: neither would ever end."""
    if os.geteuid() != 0 and not (CONNECTIONS.is_dir() and os.listdir(CONNECTIONS)):
        pytest.skip("no control file system of FUSE")
    mountpoint = tmp_path / "waiting"
    mountpoint.mkdir()
    command = [sys.executable, "-m", "tests.fuse.waiting_fs", str(mountpoint)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        program = subprocess.Popen(["stat", mountpoint / "name"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert process.stdout.readline() == "waiting\n"
        process.kill()
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(1)
        assert umount(mountpoint)
        assert program.wait(60) != 0
        process.wait(60)
    assert mounted_at(mountpoint) is None
