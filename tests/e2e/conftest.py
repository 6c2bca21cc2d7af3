"""An installation with the examples, which the tests of a module share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugins.commands import Commands

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def docs(module_commands: Commands) -> Path:
    """A copy of the examples."""
    docs = module_commands.home.parent / "docs"
    shutil.copytree(EXAMPLES, docs)
    return docs


@pytest.fixture(scope="module")
def mount(module_commands: Commands) -> Path:
    """The mount point."""
    mount = module_commands.home.parent / "mnt"
    mount.mkdir()
    return mount


@pytest.fixture
def magicfs(module_commands: Commands, docs: Path, mount: Path) -> Commands:
    """The commands, with everything running."""
    if not module_commands.processes():
        module_commands.ok("up", docs, "--mount", mount, "--detach", "--wait")
    return module_commands
