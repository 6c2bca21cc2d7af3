"""A root of this host that was not added on it is not shown: another host has written it into the index."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import cast

import pytest

from magicfs.domain.files import FileStat
from magicfs.domain.ids import RootId
from magicfs.domain.roots import RegisteredRoot, Root, RootState
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.magic import IndexQueries
from magicfs.tree.mirror import MirrorDirectory
from magicfs.tree.remote.files import NoRemoteFiles
from magicfs.tree.remote.nodes import RemoteSource
from magicfs.tree.results.file_views import FileView
from magicfs.tree.results.result_cache import ResultCache
from magicfs.tree.tree import Tree
from tests.unit.tree.indexed_files import indexed_file


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    own, stolen = tmp_path / "own", tmp_path / "stolen"
    for folder in (own, stolen):
        folder.mkdir()
        (folder / "a.txt").write_text("a text")
    return own, stolen


def test_the_mirror_shows_no_such_root(folders: tuple[Path, Path]) -> None:
    own = os.fsencode(folders[0])
    tree = Tree(
        cast("IndexQueries", None),
        cast("ResultCache", None),
        host="here",
        source=RemoteSource(NoRemoteFiles()),
        allows_root=lambda path: path == own,
    )
    roots = [Root(RootId(n), "here", os.fsencode(path), path.name, device=1) for n, path in enumerate(folders)]
    tree.set_roots([RegisteredRoot(root, RootState.PRESENT, None, None) for root in roots])
    mirror = cast("MirrorDirectory", tree.root.lookup_cached(b"mirror").node)
    assert [entry.name for entry in mirror.list().entries] == [b"own"]
    with pytest.raises(FileNotFoundError):
        mirror.lookup(b"stolen")


def test_a_result_below_such_a_root_is_not_reached(folders: tuple[Path, Path]) -> None:
    own = os.fsencode(folders[0])
    view = FileView(
        host="here",
        gone_files=GoneFileLog(),
        source=RemoteSource(NoRemoteFiles()),
        allows_root=lambda path: path == own,
    )

    def node(folder: Path) -> FileNode:
        record = indexed_file(folder / "a.txt", FileStat.of((folder / "a.txt").stat())).index_record
        assert record is not None
        return view.node(record)

    first, second = map(node, folders)
    first.open(os.O_RDONLY).close()
    for flags in (os.O_RDONLY, os.O_RDWR):
        with pytest.raises(OSError) as caught:
            second.open(flags)
        assert caught.value.errno in {errno.EHOSTUNREACH, errno.EROFS}
