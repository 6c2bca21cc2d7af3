"""A root with traps under watch by a real agent and real workers, which the tests of a module share.

The agent scans once and then only watches, so that only its events find a later change.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.hostile.traps import MIB, Tree, set_traps
from tests.plugins.growth import peaks
from tests.plugins.stack import Stack

NEVER = "3600"
WITHOUT_ROOT_RIGHTS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Takes the capabilities away by which root reads every file."""

WORKER_MIB = 300


def without_root_rights() -> tuple[str, ...]:
    return WITHOUT_ROOT_RIGHTS if os.getuid() == 0 and shutil.which("setpriv") else ()


@pytest.fixture(scope="module")
def outside() -> Iterator[Path]:
    """A directory beside the tree to which links of the tree point. Nothing in it may be read."""
    place = Path(tempfile.mkdtemp(prefix="mfs-"))
    folder = place / "outside"
    (folder / "inner").mkdir(parents=True)
    (folder / "secret.txt").write_text("A secret of somebody else.")
    yield folder
    # Python's own way to remove a tree fails on one this deep.
    subprocess.run(["rm", "-rf", place], check=True)


@pytest.fixture(scope="module")
def tree(module_stack: Stack, outside: Path) -> Iterator[Tree]:
    folder = outside.parent / "tree"
    folder.mkdir()
    set_traps(folder / "traps", outside)
    stack = module_stack
    stack.environment["MAGICFS_SCAN_SECONDS"] = NEVER
    # What is embedded, and how much of a large file is cut into chunks, other tests look at.
    stack.environment["MAGICFS_MAX_TEXT_MB"] = "1"
    stack.environment["MAGICFS_MAX_EMBEDDED_CHUNKS"] = "10"
    stack.prefix = without_root_rights()
    stack.add_root(folder)
    with peaks(stack) as largest:
        stack.start_all(embedders=1)
        stack.start_worker("extract", 2)
        stack.wait(stack.settled, seconds=300, what="an index of the traps")
        yield Tree(stack, folder)
    sizes = {name: size // MIB for name, size in largest.items()}
    assert max(sizes.values()) <= WORKER_MIB, sizes


@pytest.fixture(autouse=True)
def healthy_afterwards(tree: Tree) -> Iterator[None]:
    """The pipeline is healthy after each test."""
    yield
    tree.assert_healthy()
