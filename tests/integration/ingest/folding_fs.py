"""A file system in memory that finds names in upper and lower case alike, and lists them as they were given, as FAT.

`python -m tests.integration.ingest.folding_fs MOUNTPOINT`. Prints a line when it is mounted. The kernel caches nothing.
"""

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

from tests.fuse.small_fs import SmallOperations, serve


@dataclass
class Node:
    mode: int
    content: bytearray = field(default_factory=bytearray)
    names: dict[bytes, int] = field(default_factory=dict)
    changed_ns: int = field(default_factory=time.time_ns)


class FoldingOperations(SmallOperations):
    def __init__(self) -> None:
        super().__init__()
        self.nodes = {pyfuse3.ROOT_INODE: Node(stat.S_IFDIR | 0o755)}

    def listed(self, parent: int, name: bytes) -> bytes:
        """The name of a directory that is this one in some case."""
        for listed in self.nodes[parent].names:
            if listed.lower() == name.lower():
                return listed
        raise FUSEError(errno.ENOENT)

    def entry(self, inode: int) -> pyfuse3.EntryAttributes:
        node = self.nodes[inode]
        entry = pyfuse3.EntryAttributes()
        entry.st_ino, entry.st_mode, entry.st_size, entry.st_nlink = inode, node.mode, len(node.content), 1
        entry.st_uid, entry.st_gid = os.geteuid(), os.getegid()
        entry.st_atime_ns = entry.st_mtime_ns = entry.st_ctime_ns = node.changed_ns
        entry.attr_timeout = entry.entry_timeout = 0
        return entry

    def add(self, parent: int, name: bytes, mode: int) -> int:
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
        if fields.update_size:
            del self.nodes[inode].content[attr.st_size :]
        return self.entry(inode)

    async def mkdir(self, parent_inode: InodeT, name: FileNameT, mode: ModeT, ctx: RequestContext) -> EntryAttributes:
        return self.entry(self.add(parent_inode, name, stat.S_IFDIR | 0o755))

    async def create(
        self, parent_inode: InodeT, name: FileNameT, mode: ModeT, flags: FlagT, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        inode = self.add(parent_inode, name, stat.S_IFREG | 0o644)
        return pyfuse3.FileInfo(fh=inode, direct_io=True), self.entry(inode)

    async def open(self, inode: InodeT, flags: FlagT, ctx: RequestContext) -> FileInfo:
        return pyfuse3.FileInfo(fh=inode, direct_io=True)

    async def read(self, fh: FileHandleT, off: int, size: int) -> bytes:
        return bytes(self.nodes[fh].content[off : off + size])

    async def write(self, fh: FileHandleT, off: int, buf: bytes) -> int:
        self.nodes[fh].content[off : off + len(buf)] = buf
        self.nodes[fh].changed_ns = time.time_ns()
        return len(buf)

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

    async def opendir(self, inode: InodeT, ctx: RequestContext) -> FileHandleT:
        return inode

    async def readdir(self, fh: FileHandleT, start_id: int, token: ReaddirToken) -> None:
        for position, (name, inode) in list(enumerate(self.nodes[fh].names.items(), 1))[start_id:]:
            if not pyfuse3.readdir_reply(token, name, self.entry(inode), position):
                return


if __name__ == "__main__":
    serve(FoldingOperations(), options=["fsname=folding"])
