"""The inode table: the nodes that the kernel refers to by number, with their lookup counts.

An inode number is derived from the node's key: the same file has the same number again after the kernel has forgotten
it, and in each mount. Belongs to the event loop of the mount; no locks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import xxhash

from magicfs.tree.nodes import Directory, Node

ROOT_INO = 1
"""The kernel's number for the top of a file system."""
_FIRST_INO = 16
_INO_RANGE = (1 << 63) - _FIRST_INO

NodeT = TypeVar("NodeT", bound=Node)


@dataclass(slots=True)
class _Inode:
    node: Node
    lookup_count: int


class InodeTable:
    """The nodes that the kernel holds."""

    def __init__(self, root: Directory) -> None:
        root.ino = ROOT_INO
        self._inodes: dict[int, _Inode] = {ROOT_INO: _Inode(root, 1)}

    def __len__(self) -> int:
        return len(self._inodes)

    def find(self, ino: int) -> Node:
        """The node with that inode number."""
        return self._inodes[ino].node

    def get_or_assign(self, node: NodeT) -> NodeT:
        """The table's node with the key of `node`, updated from `node`; if there is none, `node` with a number.

        `add_lookup` puts a new node into the table, after a reply to the kernel has named it.
        """
        ino = self._ino(node)
        inode = self._inodes.get(ino)
        if inode is None:
            node.ino = ino
            return node
        existing = inode.node
        if existing is not node and isinstance(existing, type(node)):
            existing.update(node)
            return existing
        return node

    def add_lookup(self, node: Node) -> None:
        """Count a reply to the kernel that names a node from `get_or_assign`."""
        inode = self._inodes.get(node.ino)
        if inode is None:
            self._inodes[node.ino] = _Inode(node, 1)
        else:
            inode.lookup_count += 1

    def forget(self, ino: int, lookups: int) -> None:
        """Subtract from the lookup count; at zero the node is dropped. The root stays."""
        inode = self._inodes.get(ino)
        if inode is None or ino == ROOT_INO:
            return
        inode.lookup_count -= lookups
        if inode.lookup_count <= 0:
            del self._inodes[ino]

    def _ino(self, node: Node) -> int:
        """The number for a node's key: the hash of the key, or the next free number if another key has it."""
        ino = _FIRST_INO + xxhash.xxh3_64_intdigest(node.key) % _INO_RANGE
        while (inode := self._inodes.get(ino)) is not None and inode.node.key != node.key:
            ino = _FIRST_INO + (ino + 1 - _FIRST_INO) % _INO_RANGE
        return ino
