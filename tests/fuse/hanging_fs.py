"""A file system with the files 0.txt, 1.txt ..., which hangs while its process is stopped.

`python -m tests.fuse.hanging_fs MOUNTPOINT`. Prints a line when it is mounted. The kernel caches nothing of it.
"""

from __future__ import annotations

import errno
import stat
import sys
from pathlib import Path

import trio

from magicfs.domain.attributes import Attributes
from magicfs.fuse.device import close_mount, open_mount
from magicfs.fuse.errors import RequestError
from magicfs.fuse.protocol import EntryAttributes, OpenReply
from magicfs.fuse.session import Session

FILES = 100
TOP = 1
NAMES = {f"{number}.txt".encode(): 2 + number for number in range(FILES)}
CONTENT = b"roses"


class HangingOperations:
    enable_acl = False

    def init(self, version):
        pass

    def _entry(self, ino: int) -> EntryAttributes:
        mode, size = (stat.S_IFDIR | 0o755, 0) if ino == TOP else (stat.S_IFREG | 0o644, len(CONTENT))
        return EntryAttributes(ino, Attributes.of_virtual(mode=mode, mounted_at_ns=0, size=size))

    async def forget(self, inode_list):
        pass

    async def getattr(self, inode, ctx):
        return self._entry(inode)

    async def lookup(self, parent_inode, name, ctx):
        if name not in NAMES:
            raise RequestError(errno.ENOENT)
        return self._entry(NAMES[name])

    async def opendir(self, inode, ctx):
        return OpenReply(inode)

    async def releasedir(self, fh):
        pass

    async def readdir(self, fh, start_id, reply):
        for position, (name, ino) in list(enumerate(NAMES.items(), 1))[start_id:]:
            if not reply.add(name, self._entry(ino), position):
                return

    async def open(self, inode, flags, ctx):
        return OpenReply(inode, direct_io=True)

    async def flush(self, fh):
        pass

    async def release(self, fh):
        pass

    async def read(self, fh, off, size):
        return CONTENT[off : off + size]

    async def access(self, inode, mode, ctx):
        return True

    async def statfs(self, ctx):
        return None


async def main(mountpoint: Path) -> None:
    descriptor = open_mount(mountpoint, {"fsname=hanging", "subtype=hanging"})
    print("ready", flush=True)
    try:
        await Session(HangingOperations(), descriptor).serve(max_tasks=100)
    finally:
        close_mount(descriptor, mountpoint)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
