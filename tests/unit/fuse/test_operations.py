"""Handlers without a mount: what becomes of an open file when opening it goes wrong in the end."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import trio
from pyfuse3 import FlagT, FUSEError, InodeT, RequestContext

from magicfs.fuse import operations
from magicfs.fuse.operations import TreeOperations
from magicfs.tree.locations import FileLocation
from magicfs.tree.magic import IndexQueries
from magicfs.tree.real_files import RealFile
from magicfs.tree.result_cache import Searcher
from magicfs.tree.tree import Tree

CLOSE_SECONDS = 10.0


def open_paths() -> list[str]:
    paths = []
    for number in os.listdir("/proc/self/fd"):
        try:
            paths.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue
    return paths


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR])
def test_a_file_is_closed_when_its_attributes_cannot_be_invalidated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("roses")
    tree = Tree(
        cast("Searcher", None), cast("IndexQueries", SimpleNamespace(change_marker=str)), host="here", search_seconds=1
    )
    node = tree.inodes.get_or_assign(
        RealFile(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a.txt"), is_local=True)
    )
    tree.inodes.add_lookup(node)
    node.set_kernel_attributes(node.attributes())
    path.write_text("roses and tulips")

    def fail(_: InodeT) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(operations, "_invalidate_attributes", fail)

    async def main() -> None:
        handlers = TreeOperations(tree, search_seconds=1)
        with pytest.raises(FUSEError) as error:
            await handlers.open(InodeT(node.ino), FlagT(flags), RequestContext())
        assert error.value.errno == errno.EIO

    trio.run(main)
    deadline = time.monotonic() + CLOSE_SECONDS
    while str(path) in open_paths():
        assert time.monotonic() < deadline, "the file stays open"
        time.sleep(0.01)
