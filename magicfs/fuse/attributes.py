"""Attributes of the tree in pyfuse3's form, and back. Pure; used by the operations."""

from __future__ import annotations

import stat

from pyfuse3 import EntryAttributes, InodeT, ModeT, SetattrFields

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.tree.nodes import Node

_PREFERRED_IO_BYTES = 128 << 10
"""`st_blksize`: the size of reads and writes that programs should prefer."""


def entry_attributes(node: Node, attributes: Attributes, *, entry_timeout_seconds: float = 0.0) -> EntryAttributes:
    """A node and its attributes for a reply; the kernel caches the name for `entry_timeout_seconds`."""
    entry = EntryAttributes()
    entry.st_ino = InodeT(node.ino)
    entry.generation = 0
    entry.entry_timeout = entry_timeout_seconds
    entry.attr_timeout = node.attribute_timeout_seconds
    entry.st_mode = ModeT(attributes.mode)
    entry.st_nlink = attributes.links
    entry.st_uid = attributes.uid
    entry.st_gid = attributes.gid
    entry.st_rdev = attributes.device
    entry.st_size = attributes.size
    entry.st_blksize = _PREFERRED_IO_BYTES
    entry.st_blocks = attributes.blocks
    entry.st_atime_ns = attributes.atime_ns
    entry.st_mtime_ns = attributes.mtime_ns
    entry.st_ctime_ns = attributes.ctime_ns
    return entry


def negative_entry(*, timeout_seconds: float) -> EntryAttributes:
    """The reply for a name that does not exist; the kernel caches that for `timeout_seconds`."""
    entry = EntryAttributes()
    entry.st_ino = InodeT(0)
    entry.entry_timeout = timeout_seconds
    return entry


def directory_entry(ino: int) -> EntryAttributes:
    """The reply for `.` and `..` in a listing: the kernel takes the inode number and the type from it."""
    entry = EntryAttributes()
    entry.st_ino = InodeT(ino)
    entry.st_mode = ModeT(stat.S_IFDIR)
    return entry


def attribute_change(
    attributes: EntryAttributes, fields: SetattrFields, *, clears_set_id: bool = False
) -> AttributeChange:
    """The attributes that a `setattr` request changes. `clears_set_id` is that of `AttributeChange`."""
    return AttributeChange(
        size=attributes.st_size if fields.update_size else None,
        mode=attributes.st_mode if fields.update_mode else None,
        uid=attributes.st_uid if fields.update_uid else None,
        gid=attributes.st_gid if fields.update_gid else None,
        atime_ns=attributes.st_atime_ns if fields.update_atime else None,
        mtime_ns=attributes.st_mtime_ns if fields.update_mtime else None,
        clears_set_id=clears_set_id,
    )
