from __future__ import annotations

import pytest

from magicfs.tree.inodes import inodes
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.virtual import StaticDirectory


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> InodeTable:
    """A table that packs nodes at once."""
    monkeypatch.setattr(inodes, "MAX_OBJECTS", 0)
    return InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))
