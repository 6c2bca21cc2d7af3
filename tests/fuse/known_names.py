"""What a mount keeps of the names that the kernel knows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.fuse.conftest import MountProcess
from tests.plugins.kernel_caches import drop_caches
from tests.plugins.waiting import eventually


def resident_bytes(mount: MountProcess) -> int:
    assert mount.process is not None
    pages = Path(f"/proc/{mount.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def inode_count(mount: MountProcess) -> int:
    """The size of the inode table, as the mount reports it."""
    return int(json.loads((mount.path / ".magic/status.json").read_text())["this_mount"]["inodes"])


def known(mount: MountProcess, inodes: int, look_up: Callable[[], object]) -> None:
    """Look names up until the kernel knows `inodes` of them: where memory is short it forgets some at any time."""

    def are_known() -> bool:
        look_up()
        return inode_count(mount) >= inodes

    eventually(are_known)


def forget(mount: MountProcess, inodes: int) -> None:
    """Make the kernel forget what it knows, and wait until the mount has read it."""

    def is_forgotten() -> bool:
        drop_caches()
        return inode_count(mount) <= inodes

    eventually(is_forgotten)
