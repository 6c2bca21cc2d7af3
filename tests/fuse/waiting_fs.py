"""A mount in which a look-up never ends, while a thread tells the kernel of a change in the same directory.

`python -m tests.fuse.waiting_fs MOUNTPOINT`. Prints a line when it is mounted, and another one when both wait. Killed
then, the process cannot end: its thread waits in the kernel for the look-up, which waits for the process.
"""

from __future__ import annotations

import os
import stat
import threading
import time

import pyfuse3
import trio

from magicfs.fuse.mount import MOUNT_OPTIONS
from tests.fuse.small_fs import SmallOperations, serve

WAIT_SECONDS = 0.5


def tell() -> None:
    time.sleep(WAIT_SECONDS)
    threading.Timer(WAIT_SECONDS, lambda: print("waiting", flush=True)).start()
    pyfuse3.invalidate_entry(pyfuse3.ROOT_INODE, b"name")


class WaitingOperations(SmallOperations):
    async def getattr(self, inode, ctx):
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.st_mode = stat.S_IFDIR | 0o755
        entry.st_uid, entry.st_gid = os.geteuid(), os.getegid()
        return entry

    async def lookup(self, parent_inode, name, ctx):
        threading.Thread(target=tell).start()
        await trio.sleep_forever()


if __name__ == "__main__":
    serve(WaitingOperations(), options=MOUNT_OPTIONS)
