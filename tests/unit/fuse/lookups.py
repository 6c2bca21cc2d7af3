"""What the kernel has looked up in a tree before it asks for more."""

from __future__ import annotations

from typing import Any, cast

from magicfs.tree.nodes import Node
from magicfs.tree.tree import Tree


def find(tree: Tree, *names: bytes) -> Node:
    """The node at a path below the root, as after the kernel has looked it up."""
    node: Any = tree.root
    for name in (b"mirror", b"root", *names):
        node = tree.inodes.get_or_assign(node.lookup(name).node)
        tree.inodes.add_lookup(node)
    return cast("Node", node)
