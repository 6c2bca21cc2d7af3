"""A tree for the handlers of the mount, without an index."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from magicfs.domain.ids import RootId
from magicfs.domain.roots import RegisteredRoot, Root, RootState
from magicfs.tree.magic import IndexQueries
from magicfs.tree.remote.files import NoRemoteFiles
from magicfs.tree.remote.nodes import RemoteSource
from magicfs.tree.results.result_cache import ResultCache, Searcher
from magicfs.tree.tree import Tree
from tests.unit.fuse.lookups import Kernel


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with the root `root`, and without an index."""
    index = cast("IndexQueries", SimpleNamespace(change_marker=str))
    results = ResultCache(cast("Searcher", None), index.change_marker, search_seconds=1)
    tree = Tree(index, results, host="here", source=RemoteSource(NoRemoteFiles()))
    root = Root(RootId(1), "here", os.fsencode(tmp_path), "root", tmp_path.stat().st_dev)
    tree.set_roots([RegisteredRoot(root, RootState.PRESENT, None, None)])
    return tree


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A kernel that looks files up by the fast path, without Python."""
    return Kernel(monkeypatch)
