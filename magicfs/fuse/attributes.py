"""The tree's attributes in pyfuse3's form, and back."""

from __future__ import annotations

from pyfuse3 import EntryAttributes, InodeT, ModeT, SetattrFields

from magicfs.domain.attributes import Attributes, Change
from magicfs.tree.nodes import Node

_PAGE = 4096
"""Bytes: the size of reads and writes that programs are asked to prefer is a multiple of it."""
_PREFERRED = 32 * _PAGE


def entry_attributes(node: Node, attributes: Attributes, *, entry_seconds: float = 0.0) -> EntryAttributes:
    """What the kernel is told of a node; `entry_seconds` is how long it may believe the name."""
    entry = EntryAttributes()
    entry.st_ino = InodeT(node.ino)
    entry.generation = 0
    entry.entry_timeout = entry_seconds
    entry.attr_timeout = node.attributes_seconds
    entry.st_mode = ModeT(attributes.mode)
    entry.st_nlink = attributes.links
    entry.st_uid = attributes.uid
    entry.st_gid = attributes.gid
    entry.st_rdev = attributes.device
    entry.st_size = attributes.size
    entry.st_blksize = _PREFERRED
    entry.st_blocks = attributes.blocks
    entry.st_atime_ns = attributes.atime_ns
    entry.st_mtime_ns = attributes.mtime_ns
    entry.st_ctime_ns = attributes.ctime_ns
    return entry


def no_entry(*, seconds: float) -> EntryAttributes:
    """There is no such name, and the kernel may believe that for so long."""
    entry = EntryAttributes()
    entry.st_ino = InodeT(0)
    entry.entry_timeout = seconds
    return entry


def wanted_change(attributes: EntryAttributes, fields: SetattrFields) -> Change:
    """What a program wants to change."""
    return Change(
        size=attributes.st_size if fields.update_size else None,
        mode=attributes.st_mode if fields.update_mode else None,
        uid=attributes.st_uid if fields.update_uid else None,
        gid=attributes.st_gid if fields.update_gid else None,
        atime_ns=attributes.st_atime_ns if fields.update_atime else None,
        mtime_ns=attributes.st_mtime_ns if fields.update_mtime else None,
    )
