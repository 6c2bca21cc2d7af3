"""What the kernel knows of a tree: a table of nodes, as replies leave it."""

from __future__ import annotations

from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.nodes import Node


def known(table: InodeTable, node: Node) -> Node:
    """The node of the table, as after a reply that names it."""
    node = table.get_or_assign(node)
    table.add_lookup(node)
    return node
