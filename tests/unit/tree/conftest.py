from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from magicfs.tree.inodes import inodes
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.pending_saves import ResultPlace
from magicfs.tree.results.given_names import ResultNameCache
from magicfs.tree.scratch.directories import ScratchDirectory
from magicfs.tree.scratch.scratch import Scratch, scratch_directory
from magicfs.tree.scratch.space import Space
from magicfs.tree.virtual import StaticDirectory

RESULT = b"01_0.90_a.txt"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> InodeTable:
    """A table that packs nodes at once."""
    monkeypatch.setattr(inodes, "MAX_OBJECTS", 0)
    return InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A file of a root, with a mode and an attribute of its own."""
    (tmp_path / "root").mkdir()
    path = tmp_path / "root/a.txt"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.setxattr(path, "user.note", b"kept")
    return path


@pytest.fixture
def result(real: Path) -> ResultPlace:
    """The result that `real` is."""
    return ResultPlace(RESULT, FileLocation(host="here", root=os.fsencode(real.parent), path=b"a.txt"))


@pytest.fixture
def scratch(tmp_path: Path) -> Generator[Scratch]:
    """The scratch files of a mount: at most three, with 100 bytes."""
    with scratch_directory(tmp_path / "home", tmp_path / "home/run") as path:
        assert path is not None
        space = Space(path, max_bytes=100, max_files=3)
        yield Scratch(path, host="here", names=ResultNameCache(), space=space)


@pytest.fixture
def directory(scratch: Scratch) -> ScratchDirectory:
    """The scratch files of one query."""
    return scratch.of_query(b"roses")
