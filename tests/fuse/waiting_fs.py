"""A mount in which a look-up never ends, while a thread tells the kernel of a change in the same directory.

`python -m tests.fuse.waiting_fs MOUNTPOINT`. Prints a line when it is mounted, and another one when both wait. Killed
then, the process cannot end: its thread waits in the kernel for the look-up, which waits for the process.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

import pyfuse3
import trio
from pyfuse3 import EntryAttributes, FileNameT, InodeT, RequestContext

from magicfs.fuse.mount import MOUNT_OPTIONS
from tests.fuse.small_fs import SmallOperations, serve

LOOK_SECONDS = 0.05


def tell() -> None:
    threading.Thread(target=print_when_it_waits, args=(threading.get_native_id(),)).start()
    pyfuse3.invalidate_entry(pyfuse3.ROOT_INODE, b"name")


def print_when_it_waits(thread: int) -> None:
    """Print a line when a thread waits in the kernel, from which no signal wakes it."""
    stat = Path(f"/proc/self/task/{thread}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "D":
        time.sleep(LOOK_SECONDS)
    print("waiting", flush=True)


class WaitingOperations(SmallOperations):
    async def getattr(self, inode: InodeT, ctx: RequestContext) -> EntryAttributes:
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.st_mode = stat.S_IFDIR | 0o755
        entry.st_uid, entry.st_gid = os.geteuid(), os.getegid()
        return entry

    async def lookup(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> EntryAttributes:
        threading.Thread(target=tell).start()
        await trio.sleep_forever()


if __name__ == "__main__":
    serve(WaitingOperations(), options=MOUNT_OPTIONS)
