"""Whether a root is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from magicfs.domain.ids import RootId
from magicfs.domain.roots import Root
from magicfs.ingest.deletion_guard import RootMissing, verify_root


def root(path: Path) -> Root:
    return Root(id=RootId(1), host="here", path=os.fsencode(path), name="docs", device=os.stat(path.parent).st_dev)


def test_a_root_that_is_there_tells_its_device(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert verify_root(root(tmp_path / "docs"), list) == os.stat(tmp_path).st_dev


def test_a_link_in_place_of_a_root_is_not_the_root(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "docs").symlink_to("elsewhere")
    with pytest.raises(RootMissing, match="a symbolic link is in its place"):
        verify_root(root(tmp_path / "docs"), list)
