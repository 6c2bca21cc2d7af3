"""A file system with the files 0.txt, 1.txt ..., which hangs while its process is stopped.

`python -m tests.fuse.hanging_fs MOUNTPOINT`. Prints a line when it is mounted. The kernel caches nothing of it.
"""

from __future__ import annotations

import errno
import os
import stat

import pyfuse3
from pyfuse3 import (
    EntryAttributes,
    FileHandleT,
    FileInfo,
    FileNameT,
    FlagT,
    FUSEError,
    InodeT,
    ReaddirToken,
    RequestContext,
)

from tests.fuse.small_fs import SmallOperations, serve

FILES = 100
NAMES = {f"{number}.txt".encode(): InodeT(2 + number) for number in range(FILES)}
CONTENT = b"roses"


class HangingOperations(SmallOperations):
    def _entry(self, ino: InodeT) -> pyfuse3.EntryAttributes:
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = ino
        entry.st_mode = stat.S_IFDIR | 0o755 if ino == pyfuse3.ROOT_INODE else stat.S_IFREG | 0o644
        entry.st_size = 0 if ino == pyfuse3.ROOT_INODE else len(CONTENT)
        entry.st_uid, entry.st_gid = os.geteuid(), os.getegid()
        entry.attr_timeout = entry.entry_timeout = 0
        return entry

    async def getattr(self, inode: InodeT, ctx: RequestContext) -> EntryAttributes:
        return self._entry(inode)

    async def lookup(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> EntryAttributes:
        if name not in NAMES:
            raise FUSEError(errno.ENOENT)
        return self._entry(NAMES[name])

    async def opendir(self, inode: InodeT, ctx: RequestContext) -> FileHandleT:
        return inode

    async def readdir(self, fh: FileHandleT, start_id: int, token: ReaddirToken) -> None:
        for position, (name, ino) in list(enumerate(NAMES.items(), 1))[start_id:]:
            if not pyfuse3.readdir_reply(token, name, self._entry(ino), position):
                return

    async def open(self, inode: InodeT, flags: FlagT, ctx: RequestContext) -> FileInfo:
        return pyfuse3.FileInfo(fh=inode, direct_io=True)

    async def read(self, fh: FileHandleT, off: int, size: int) -> bytes:
        return CONTENT[off : off + size]


if __name__ == "__main__":
    serve(HangingOperations(), options=["fsname=hanging"])
