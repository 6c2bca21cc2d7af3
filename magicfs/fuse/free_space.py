"""The space that `statfs` reports for the mount: that of the file systems of the roots, because it has none of its own.

Used by the operations, on the event loop. A request does not say which part of the mount it is about. So the reply is
about the file system with the least space left, of those that can be written to: programs that look before they write
are never promised space that is not there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pyfuse3
import trio

from magicfs.errors import MagicFSError
from magicfs.fuse.thread_pools import ThreadPools
from magicfs.linux.mounts import device_of_path
from magicfs.tree.names import MAX_NAME_BYTES
from magicfs.tree.nodes import ThreadPool

REPLY_SECONDS = 1.0
"""A file system that takes longer is left out: it may hang."""
_BLOCK_BYTES = 4096


class FreeSpace:
    """Asks the file systems of the roots."""

    def __init__(self, pools: ThreadPools, root_paths: Callable[[], Sequence[bytes]]) -> None:
        """`root_paths` returns the directories of the roots of this host."""
        self._pools = pools
        self._root_paths = root_paths

    async def read(self) -> pyfuse3.StatvfsData:
        """The space and the free inodes of a file system; no space if there is no root that answers."""
        results: list[os.statvfs_result] = []
        paths = {device_of_path(path): path for path in self._root_paths()}
        async with trio.open_nursery() as nursery:
            for device, path in paths.items():
                nursery.start_soon(self._ask, ThreadPool(device), path, results)
        writable = [result for result in results if not result.f_flag & os.ST_RDONLY]
        return _data(min(writable or results, key=lambda result: result.f_bavail * result.f_frsize, default=None))

    async def _ask(self, pool: ThreadPool, path: bytes, results: list[os.statvfs_result]) -> None:
        with trio.move_on_after(REPLY_SECONDS):
            try:
                results.append(await self._pools.run(pool, os.statvfs, path))
            except (OSError, MagicFSError):
                # The root is missing, or its file system hangs.
                return


def _data(result: os.statvfs_result | None) -> pyfuse3.StatvfsData:
    data = pyfuse3.StatvfsData()
    data.f_bsize = data.f_frsize = _BLOCK_BYTES
    data.f_namemax = MAX_NAME_BYTES
    if result is not None:
        data.f_bsize, data.f_frsize = result.f_bsize, result.f_frsize
        data.f_blocks, data.f_bfree, data.f_bavail = result.f_blocks, result.f_bfree, result.f_bavail
        data.f_files, data.f_ffree, data.f_favail = result.f_files, result.f_ffree, result.f_favail
    return data
