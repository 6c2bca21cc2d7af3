"""Inode numbers: which node the kernel means by a number, for as long as it holds on to it.

A number is made from the node's key, so the same thing has the same number again after the kernel has forgotten
it, and no number is ever given to another thing. Used by one thread, the one that serves the tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import xxhash

from magicfs.tree.nodes import Directory, Node

ROOT = 1
"""The kernel's number for the top of a file system."""
_FIRST = 16
_NUMBERS = (1 << 63) - _FIRST

AnyNode = TypeVar("AnyNode", bound=Node)


@dataclass(slots=True)
class _Held:
    node: Node
    lookups: int


class InodeTable:
    """The nodes that the kernel knows, each with the number of times that it was told of them."""

    def __init__(self, root: Directory) -> None:
        root.ino = ROOT
        self._by_number: dict[int, _Held] = {ROOT: _Held(root, 1)}

    def __len__(self) -> int:
        return len(self._by_number)

    def find(self, number: int) -> Node:
        """The node with that number."""
        return self._by_number[number].node

    def meet(self, node: AnyNode) -> AnyNode:
        """The node that stands for this one's key: itself when it is new, else one that learns from it.

        The kernel does not hold it until it is told: see `tell`.
        """
        number = self._number(node)
        held = self._by_number.get(number)
        if held is None:
            node.ino = number
            return node
        known = held.node
        if known is not node and isinstance(known, type(node)):
            known.absorb(node)
            return known
        return node

    def tell(self, node: Node) -> None:
        """Count that the kernel was told of a node that `meet` returned."""
        held = self._by_number.get(node.ino)
        if held is None:
            self._by_number[node.ino] = _Held(node, 1)
        else:
            held.lookups += 1

    def forget(self, number: int, times: int) -> None:
        """The kernel takes back that it was told of a node so many times."""
        held = self._by_number.get(number)
        if held is None or number == ROOT:
            return
        held.lookups -= times
        if held.lookups <= 0:
            del self._by_number[number]

    def _number(self, node: Node) -> int:
        number = _FIRST + xxhash.xxh3_64_intdigest(node.key) % _NUMBERS
        while (held := self._by_number.get(number)) is not None and held.node.key != node.key:
            number = _FIRST + (number + 1 - _FIRST) % _NUMBERS
        return number
