"""The inode table: the nodes that the kernel refers to by number, with their lookup counts.

An inode number is derived from what the node stands for: the same file has the same number again after the kernel has
forgotten it, and in each mount; another file never gets it. Belongs to the event loop of the mount; no locks.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TypeVar

import xxhash

from magicfs.tree.nodes import Directory, Node

log = logging.getLogger(__name__)

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
        self._latest: dict[bytes, int] = {}
        """The number of the latest node with a key: a file may have the key of a deleted one that is still open."""

    def __len__(self) -> int:
        return len(self._inodes)

    def __contains__(self, ino: int) -> bool:
        return ino in self._inodes

    def find(self, ino: int) -> Node:
        """The node with that inode number."""
        return self._inodes[ino].node

    def get_or_assign(self, node: NodeT) -> NodeT:
        """The table's node of the same thing, updated from `node`; if there is none, `node` with a number.

        `add_lookup` puts a new node into the table, after a reply to the kernel has named it.
        """
        existing = self.update(node)
        if existing is not None:
            return existing
        node.ino = self._free_number(node)
        return node

    def update(self, node: NodeT) -> NodeT | None:
        """The table's node of the same thing, updated from `node`; None if there is none."""
        ino = self._latest.get(node.key)
        existing = self._same(ino, node) if ino is not None else None
        if existing is None and node.number_seed:
            existing = self._same(self._number(node), node)
        if existing is not None and existing is not node:
            existing.update(node)
        return existing

    def add_lookup(self, node: Node) -> None:
        """Count a reply to the kernel that names a node from `get_or_assign`."""
        inode = self._inodes.get(node.ino)
        if inode is None:
            self._inodes[node.ino] = _Inode(node, 1)
            self._latest[node.key] = node.ino
        else:
            inode.lookup_count += 1

    def forget(self, ino: int, lookups: int) -> bool:
        """Subtract from the lookup count; at zero the node is dropped, which the result tells. The root stays."""
        inode = self._inodes.get(ino)
        if inode is None or ino == ROOT_INO:
            return False
        inode.lookup_count -= lookups
        if inode.lookup_count < 0:
            log.error("the kernel forgets inode %d %d times more often than it was told", ino, -inode.lookup_count)
        if inode.lookup_count > 0:
            return False
        del self._inodes[ino]
        if self._latest.get(inode.node.key) == ino:
            del self._latest[inode.node.key]
        inode.node.forgotten()
        return True

    def _same(self, ino: int, node: NodeT) -> NodeT | None:
        """The node with that number if it stands for the same thing as `node`."""
        inode = self._inodes.get(ino)
        if inode is None or inode.node.key != node.key or not isinstance(inode.node, type(node)):
            return None
        return inode.node if inode.node.is_same(node) else None

    def _free_number(self, node: Node) -> int:
        """The number for a node, or the next one that nothing else has."""
        ino = self._number(node)
        while ino in self._inodes:
            ino = _FIRST_INO + (ino + 1 - _FIRST_INO) % _INO_RANGE
        return ino

    def _number(self, node: Node) -> int:
        """The number that a node has as long as no other one has it: the hash of its key and its seed."""
        return _FIRST_INO + xxhash.xxh3_64_intdigest(node.key + node.number_seed) % _INO_RANGE
