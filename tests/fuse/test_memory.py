"""What the mount keeps in memory of names: it comes back when the kernel forgets them."""

from __future__ import annotations

import os

import pytest

from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import forget, inode_count, resident_bytes
from tests.plugins.kernel_caches import kept_caches, needs_root

NAMES = 20_000
MAX_BYTES_A_NAME = 2_000
"""While the kernel knows the names: those of one directory, four thousand of them as objects (decision 21)."""
MAX_LEFT_BYTES_A_NAME = 300
"""Once it has forgotten them: pages of memory that hold something else too."""


@pytest.mark.slow
@needs_root
def test_memory_comes_back_when_names_are_forgotten(mount: MountProcess, root: IndexedRoot) -> None:
    directory = root.path / "many"
    directory.mkdir()
    for number in range(NAMES):
        (directory / f"file {number:06}.txt").touch()
    shown = mount.path / "mirror/documents/many"
    known, left = [], []
    before = inode_count(mount) + 10
    for _ in range(4):
        with kept_caches():
            assert len(os.listdir(shown)) == NAMES
            for number in range(0, NAMES, 10):
                (shown / f"file {number:06}.txt").stat()
            known.append(resident_bytes(mount))
        forget(mount, before)
        left.append(resident_bytes(mount))
    # The first time, modules are loaded and threads begin.
    assert left[-1] - left[0] < NAMES * MAX_LEFT_BYTES_A_NAME, (known, left)
    assert max(known) - left[0] < NAMES * MAX_BYTES_A_NAME, (known, left)
