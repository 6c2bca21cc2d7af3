"""The handlers of FUSE requests for open files: opening, reading, writing, flushing and closing them.

Part of the operations; the same rules hold.
"""

from __future__ import annotations

import errno
import functools
import os
import time

import pyfuse3
import trio
from pyfuse3 import FileHandleT, FileInfo, FlagT, FUSEError, InodeT

from magicfs.fuse.errors import replies_with_errno
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.handles import OpenFile
from magicfs.fuse.invalidation import expire_attributes
from magicfs.fuse.library_interface import OF_PAGES
from magicfs.fuse.node_operations import NO_PLACE, NodeOperations, writes_clear_set_id
from magicfs.fuse.renames import repeats_after_rename
from magicfs.fuse.slow_opens import SlowOpens
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.nodes import Handle, Node, Openable
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.handles import RealHandle, clear_set_id
from magicfs.tree.real.removed_files import REMOVED_FILES
from magicfs.tree.remote.nodes import RemoteHandle
from magicfs.tree.scratch.handles import ScratchHandle
from magicfs.tree.tree import Tree

MAX_READ_BYTES = 1 << 20
"""The kernel's largest read request."""


class FileOperations(NodeOperations):
    """Open files."""

    def __init__(self, tree: Tree, *, search_seconds: float) -> None:
        super().__init__(tree, search_seconds=search_seconds)
        self._slow_opens = SlowOpens(clock=time.monotonic)
        self._read_buffer = memoryview(bytearray(MAX_READ_BYTES))

    @replies_with_errno
    @repeats_after_rename
    async def open(self, inode: InodeT, flags: FlagT, ctx: pyfuse3.RequestContext) -> FileInfo:
        """Open a file; the kernel keeps the pages that it has of the same content."""
        node = self._inodes.find(inode)
        if not isinstance(node, Openable):
            raise FUSEError(errno.EINVAL)
        handle = await self._opened(node, flags)
        try:
            if isinstance(handle, RealHandle) and writes_clear_set_id(ctx):
                handle.clears_set_id = True
                if flags & os.O_TRUNC:
                    mode = handle.last_attributes.mode
                    await self._pools.run(node.thread_pool, clear_set_id, handle.descriptor, mode)
            if isinstance(node, FileNode):
                self._handles.note_writes(node)
            if isinstance(node, FileNode) and not node.kernel_attributes_match(handle.version):
                # In a thread, and without pages: pages may be locked by reads that wait for this loop.
                await trio.to_thread.run_sync(expire_attributes, inode)
        except BaseException:
            self._release(OpenFile(node, handle))
            raise
        number = self._handles.add_file(node, handle)
        keep_cache = isinstance(node, FileNode) and node.replace_opened_version(handle.version, now_ns=time.time_ns())
        _merge_handle_attributes(node, handle)
        self._handles.note_opened(node, handle)
        return FileInfo(fh=FileHandleT(number), direct_io=handle.direct_io, keep_cache=keep_cache)

    async def _opened(self, node: Openable, flags: int) -> Handle:
        """Open a node, or once more a removed file that a program has open: a large one is kept by that alone."""
        try:
            handle = self._open_nowait(node, flags)
            if handle is not None:
                return handle
            return await self._pools.run(node.thread_pool, node.open, flags, discard=_close)
        except OSError as error:
            is_removed = (
                error.errno in NO_PLACE and isinstance(node, RealFile) and REMOVED_FILES.is_removed(node.identity)
            )
            opened = self._duplicate_handle(node) if is_removed else None
            if opened is None:
                raise
        return await self._on_duplicate(node, opened, lambda handle: handle.reopen(flags), discard=_close)

    def _open_nowait(self, node: Openable, flags: int) -> Handle | None:
        """Open on the loop, or return None: an open may be slow on the loop too, as with a virus scanner."""
        pool = node.thread_pool
        if self._slow_opens.is_paused(pool):
            return None
        started_at = time.monotonic()
        handle = node.open_nowait(flags)
        self._slow_opens.record(pool, time.monotonic() - started_at)
        return handle

    @replies_with_errno
    async def read(self, fh: FileHandleT, off: int, size: int) -> bytes:
        """Read from an open file: on the loop if the data is in memory, else in a thread."""
        file = self._handles.file(fh)
        # All reads share one buffer: pyfuse3 sends the reply before the loop handles another request.
        data = file.handle.read_nowait(off, self._read_buffer[:size]) if size <= MAX_READ_BYTES else None
        if data is None:
            return await self._pools.run(file.node.thread_pool, file.handle.read, off, size)
        return data  # type: ignore[return-value]  # pyfuse3 takes anything with a buffer

    @replies_with_errno
    async def write(self, fh: FileHandleT, off: int, buf: bytes) -> int:
        """Write to an open file."""
        file = self._handles.file(FileHandleT(fh & ~OF_PAGES))
        count = await self._pools.run(file.node.thread_pool, file.handle.write, off, buf)
        _merge_handle_attributes(file.node, file.handle)
        if count < len(buf) and (fh & OF_PAGES or not FAST_PATH.is_loaded):
            raise FUSEError(errno.ENOSPC)
        return count

    @replies_with_errno
    async def flush(self, fh: FileHandleT) -> None:
        """Reply to a program that closes a file, with what it has to know: no write is buffered here."""
        file = self._handles.file(fh)
        if not file.handle.needs_flush:
            return
        steps = file.handle.closing() if isinstance(file.handle, ScratchHandle) else None
        if steps is not None:
            await self._complete(steps)
        else:
            await self._pools.run(file.node.thread_pool, file.handle.flush)

    @replies_with_errno
    async def fsync(self, fh: FileHandleT, datasync: bool) -> None:
        """Flush what was written to the disk."""
        file = self._handles.file(fh)
        steps = file.handle.saving() if isinstance(file.handle, ScratchHandle) else None
        if steps is not None:
            await self._complete(steps)
        await self._pools.run(file.node.thread_pool, functools.partial(file.handle.sync, data_only=datasync))

    @replies_with_errno
    async def release(self, fh: FileHandleT) -> None:
        """Close a file. No program waits for that."""
        file = self._handles.remove_file(fh)
        if file is not None:
            self._release(file)

    def _release(self, file: OpenFile) -> None:
        """Close a file: here if that does not block, else in a thread that nobody waits for."""
        if file.handle.can_close_nowait():
            file.handle.close()
        else:
            self._pools.run_detached(file.handle.close)


def _close(handle: Handle) -> None:
    handle.close()


def _merge_handle_attributes(node: Node, handle: Handle) -> None:
    """Record the attributes of an open file, so that a listing does not reply with an older size from the index."""
    if isinstance(node, FileNode) and isinstance(handle, RealHandle | RemoteHandle):
        node.merge_kernel_attributes(handle.last_attributes)
