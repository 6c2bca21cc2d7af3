"""What the kernel knows of a tree: a table of nodes, as replies leave it."""

from __future__ import annotations

from typing import TypeVar

from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.nodes import Node

KnownNode = TypeVar("KnownNode", bound=Node)


def known(table: InodeTable, node: KnownNode) -> KnownNode:
    """The node of the table, as after a reply that names it."""
    found = table.get_or_assign(node)
    table.add_lookup(found)
    assert isinstance(found, type(node))
    return found
