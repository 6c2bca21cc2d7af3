"""What the kernel has looked up in a tree before it asks for more."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, cast

import pytest

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.linux.files import status_and_birth
from magicfs.tree.identities import FileIdentity
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.nodes import Node
from magicfs.tree.tree import Tree


def find(tree: Tree, *names: bytes) -> Node:
    """The node at a path below the root, as after the kernel has looked it up."""
    node: Any = tree.root
    for name in (b"mirror", b"root", *names):
        node = tree.inodes.get_or_assign(node.lookup(name).node)
        tree.inodes.add_lookup(node)
    return cast("Node", node)


_NOTED = struct.Struct("=QQIQQqqQqqQQIIIIIiI")


class Kernel:
    """What the library has told the kernel of, and what Python was told of that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._noted = b""
        self.claims: list[int] = []
        monkeypatch.setattr(FAST_PATH, "take_noted", self._take_noted)
        monkeypatch.setattr(FAST_PATH, "claim", self.claims.append)

    def is_told_of(self, path: Path, directory: Node) -> int:
        """Answer a look-up, and return the number of the file."""
        descriptor = os.open(path, os.O_PATH)
        status, born_ns = status_and_birth(descriptor)
        os.close(descriptor)
        identity = FileIdentity.of(status, born_ns)
        number = InodeTable.number_of(identity.key, identity.seed)
        times = status.st_ctime_ns, status.st_size, status.st_mtime_ns, status.st_atime_ns
        what = identity.kind, identity.device, identity.inode, born_ns, *times, 0, status.st_blocks
        name = os.fsencode(path.name)
        shown = status.st_mode, status.st_nlink, status.st_uid, status.st_gid, 0, 0
        self._noted += _NOTED.pack(directory.ino, number, *what, *shown, len(name)) + name
        return number

    def _take_noted(self) -> bytes:
        noted, self._noted = self._noted, b""
        return noted
