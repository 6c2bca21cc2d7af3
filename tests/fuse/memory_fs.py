"""A file system in memory, which those of tests extend. The kernel caches nothing of it."""

from __future__ import annotations

import errno
import os
import stat
import time
from dataclasses import dataclass, field

import pyfuse3
from pyfuse3 import (
    EntryAttributes,
    FileHandleT,
    FileInfo,
    FileNameT,
    FlagT,
    FUSEError,
    InodeT,
    ModeT,
    ReaddirToken,
    RequestContext,
    SetattrFields,
)

from tests.fuse.small_fs import SmallOperations

CHANGES = {
    "mode": "update_mode",
    "uid": "update_uid",
    "gid": "update_gid",
    "atime_ns": "update_atime",
    "mtime_ns": "update_mtime",
}
"""Attributes, with the field of a request that says whether it changes them."""


@dataclass
class Node:
    """A file or a directory."""

    mode: int
    content: bytearray = field(default_factory=bytearray)
    names: dict[bytes, int] = field(default_factory=dict)
    """The inode numbers in a directory."""
    uid: int = field(default_factory=os.geteuid)
    gid: int = field(default_factory=os.getegid)
    atime_ns: int = field(default_factory=time.time_ns)
    mtime_ns: int = field(default_factory=time.time_ns)


class MemoryOperations(SmallOperations):
    def __init__(self) -> None:
        super().__init__()
        self.nodes = {pyfuse3.ROOT_INODE: Node(stat.S_IFDIR | 0o755)}

    def listed(self, parent: int, name: bytes) -> bytes:
        """The name as its directory lists it. Raises `FUSEError` when there is none."""
        if name not in self.nodes[parent].names:
            raise FUSEError(errno.ENOENT)
        return name

    def entry(self, inode: int) -> EntryAttributes:
        node = self.nodes[inode]
        entry = pyfuse3.EntryAttributes()
        entry.st_ino, entry.st_mode, entry.st_size, entry.st_nlink = inode, node.mode, len(node.content), 1
        entry.st_uid, entry.st_gid = node.uid, node.gid
        entry.st_atime_ns, entry.st_mtime_ns, entry.st_ctime_ns = node.atime_ns, node.mtime_ns, node.mtime_ns
        entry.attr_timeout = entry.entry_timeout = 0
        return entry

    def add(self, parent: int, name: bytes, mode: int) -> int:
        """Make a file or a directory; its inode number."""
        inode = max(self.nodes) + 1
        self.nodes[inode] = Node(mode)
        self.nodes[parent].names[name] = inode
        return inode

    async def getattr(self, inode: InodeT, ctx: RequestContext) -> EntryAttributes:
        return self.entry(inode)

    async def lookup(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> EntryAttributes:
        return self.entry(self.nodes[parent_inode].names[self.listed(parent_inode, name)])

    async def setattr(
        self, inode: InodeT, attr: EntryAttributes, fields: SetattrFields, fh: FileHandleT | None, ctx: RequestContext
    ) -> EntryAttributes:
        node = self.nodes[inode]
        if fields.update_size:
            del node.content[attr.st_size :]
            node.content.extend(bytes(attr.st_size - len(node.content)))
        for name, is_changed in CHANGES.items():
            if getattr(fields, is_changed):
                setattr(node, name, getattr(attr, f"st_{name}"))
        return self.entry(inode)

    async def mkdir(self, parent_inode: InodeT, name: FileNameT, mode: ModeT, ctx: RequestContext) -> EntryAttributes:
        return self.entry(self.add(parent_inode, name, stat.S_IFDIR | stat.S_IMODE(mode)))

    async def create(
        self, parent_inode: InodeT, name: FileNameT, mode: ModeT, flags: FlagT, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        inode = self.add(parent_inode, name, stat.S_IFREG | stat.S_IMODE(mode))
        return pyfuse3.FileInfo(fh=inode, direct_io=True), self.entry(inode)

    async def open(self, inode: InodeT, flags: FlagT, ctx: RequestContext) -> FileInfo:
        return pyfuse3.FileInfo(fh=inode, direct_io=True)

    async def read(self, fh: FileHandleT, off: int, size: int) -> bytes:
        return bytes(self.nodes[fh].content[off : off + size])

    async def write(self, fh: FileHandleT, off: int, buf: bytes) -> int:
        content = self.nodes[fh].content
        content.extend(bytes(max(0, off - len(content))))
        content[off : off + len(buf)] = buf
        self.nodes[fh].mtime_ns = time.time_ns()
        return len(buf)

    async def flush(self, fh: FileHandleT) -> None:
        pass

    async def fsync(self, fh: FileHandleT, datasync: bool) -> None:
        pass

    async def rename(
        self,
        parent_inode_old: InodeT,
        name_old: FileNameT,
        parent_inode_new: InodeT,
        name_new: FileNameT,
        flags: FlagT,
        ctx: RequestContext,
    ) -> None:
        inode = self.nodes[parent_inode_old].names.pop(self.listed(parent_inode_old, name_old))
        self.nodes[parent_inode_new].names[name_new] = inode

    async def unlink(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> None:
        del self.nodes[parent_inode].names[self.listed(parent_inode, name)]

    async def opendir(self, inode: InodeT, ctx: RequestContext) -> FileHandleT:
        return inode

    async def readdir(self, fh: FileHandleT, start_id: int, token: ReaddirToken) -> None:
        for position, (name, inode) in list(enumerate(self.nodes[fh].names.items(), 1))[start_id:]:
            if not pyfuse3.readdir_reply(token, name, self.entry(inode), position):
                return
