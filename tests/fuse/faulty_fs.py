"""A file system in memory with one directory, whose operations fail or hang when they are told to.

`python -m tests.fuse.faulty_fs MOUNTPOINT FAULTS`. Prints a line when it is mounted. A file in the directory `FAULTS`
with the name of an operation, such as `write`, has the name of an error that the operation fails with, such as
`EDQUOT`, or `hang`: then the operation waits until the file is gone, and `FAULTS/<operation>.seen` says that it does.
The kernel caches nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyfuse3
import trio
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

POLL_SECONDS = 0.02
FIELDS = {
    "mode": "update_mode",
    "uid": "update_uid",
    "gid": "update_gid",
    "atime_ns": "update_atime",
    "mtime_ns": "update_mtime",
}


@dataclass
class File:
    mode: int
    content: bytearray = field(default_factory=bytearray)
    uid: int = field(default_factory=os.geteuid)
    gid: int = field(default_factory=os.getegid)
    atime_ns: int = field(default_factory=time.time_ns)
    mtime_ns: int = field(default_factory=time.time_ns)


class FaultyOperations(SmallOperations):
    def __init__(self, faults: Path) -> None:
        super().__init__()
        self.faults = faults
        self.files = {pyfuse3.ROOT_INODE: File(stat.S_IFDIR | 0o755)}
        self.names: dict[bytes, int] = {}

    async def fault(self, operation: str) -> None:
        """Fail or wait, if this operation is told to."""
        told = self.faults / operation
        while told.exists():
            wanted = told.read_text()
            if wanted != "hang":
                raise FUSEError(getattr(errno, wanted))
            (self.faults / f"{operation}.seen").touch()
            await trio.sleep(POLL_SECONDS)

    def entry(self, inode: int) -> pyfuse3.EntryAttributes:
        file = self.files[inode]
        entry = pyfuse3.EntryAttributes()
        entry.st_ino, entry.st_mode, entry.st_size = inode, file.mode, len(file.content)
        entry.st_uid, entry.st_gid = file.uid, file.gid
        entry.st_atime_ns, entry.st_mtime_ns, entry.st_ctime_ns = file.atime_ns, file.mtime_ns, file.mtime_ns
        entry.attr_timeout = entry.entry_timeout = 0
        return entry

    async def getattr(self, inode: InodeT, ctx: RequestContext) -> EntryAttributes:
        return self.entry(inode)

    async def lookup(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> EntryAttributes:
        await self.fault("lookup")
        if name not in self.names:
            raise FUSEError(errno.ENOENT)
        return self.entry(self.names[name])

    async def setattr(
        self, inode: InodeT, attr: EntryAttributes, fields: SetattrFields, fh: FileHandleT | None, ctx: RequestContext
    ) -> EntryAttributes:
        await self.fault("setattr")
        file = self.files[inode]
        if fields.update_size:
            del file.content[attr.st_size :]
            file.content.extend(bytes(attr.st_size - len(file.content)))
        for name, is_changed in FIELDS.items():
            if getattr(fields, is_changed):
                setattr(file, name, getattr(attr, f"st_{name}"))
        return self.entry(inode)

    async def create(
        self, parent_inode: InodeT, name: FileNameT, mode: ModeT, flags: FlagT, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        await self.fault("create")
        inode = max(self.files) + 1
        self.files[inode] = File(stat.S_IFREG | stat.S_IMODE(mode))
        self.names[name] = inode
        return pyfuse3.FileInfo(fh=inode, direct_io=True), self.entry(inode)

    async def open(self, inode: InodeT, flags: FlagT, ctx: RequestContext) -> FileInfo:
        await self.fault("open")
        return pyfuse3.FileInfo(fh=inode, direct_io=True)

    async def read(self, fh: FileHandleT, off: int, size: int) -> bytes:
        await self.fault("read")
        return bytes(self.files[fh].content[off : off + size])

    async def write(self, fh: FileHandleT, off: int, buf: bytes) -> int:
        await self.fault("write")
        content = self.files[fh].content
        content.extend(bytes(max(0, off - len(content))))
        content[off : off + len(buf)] = buf
        self.files[fh].mtime_ns = time.time_ns()
        return len(buf)

    async def flush(self, fh: FileHandleT) -> None:
        await self.fault("flush")

    async def fsync(self, fh: FileHandleT, datasync: bool) -> None:
        await self.fault("fsync")

    async def rename(
        self,
        parent_inode_old: InodeT,
        name_old: FileNameT,
        parent_inode_new: InodeT,
        name_new: FileNameT,
        flags: FlagT,
        ctx: RequestContext,
    ) -> None:
        await self.fault("rename")
        self.names[name_new] = self.names.pop(name_old)

    async def unlink(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> None:
        await self.fault("unlink")
        del self.names[name]

    async def opendir(self, inode: InodeT, ctx: RequestContext) -> FileHandleT:
        return inode

    async def readdir(self, fh: FileHandleT, start_id: int, token: ReaddirToken) -> None:
        for position, (name, inode) in list(enumerate(sorted(self.names.items()), 1))[start_id:]:
            if not pyfuse3.readdir_reply(token, name, self.entry(inode), position):
                return


if __name__ == "__main__":
    serve(FaultyOperations(Path(sys.argv[2])), options=["fsname=faulty"])
