"""Attributes of the tree in replies to the kernel. Pure; used by the operations."""

from __future__ import annotations

from magicfs.domain.attributes import DIRECTORY_MODE, Attributes
from magicfs.fuse.protocol import EntryAttributes
from magicfs.tree.nodes import Node

_DIRECTORY = Attributes.of_virtual(mode=DIRECTORY_MODE, mounted_at_ns=0)


def entry_attributes(node: Node, attributes: Attributes, *, entry_timeout_seconds: float = 0.0) -> EntryAttributes:
    """A node and its attributes for a reply; the kernel caches the name for `entry_timeout_seconds`."""
    return EntryAttributes(node.ino, attributes, entry_timeout_seconds, node.attribute_timeout_seconds)


def negative_entry(*, timeout_seconds: float) -> EntryAttributes:
    """The reply for a name that does not exist; the kernel caches that for `timeout_seconds`."""
    return EntryAttributes(0, None, timeout_seconds)


def directory_entry(ino: int) -> EntryAttributes:
    """The reply for `.` and `..` in a listing: the kernel takes the inode number and the type from it."""
    return EntryAttributes(ino, _DIRECTORY)
