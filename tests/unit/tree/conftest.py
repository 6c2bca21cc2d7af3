from __future__ import annotations

import pytest

from magicfs.tree.inodes import inodes
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.virtual import StaticDirectory


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> InodeTable:
    """A table in which nodes rest at once."""
    monkeypatch.setattr(inodes, "MAX_AWAKE", 0)
    return InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))
