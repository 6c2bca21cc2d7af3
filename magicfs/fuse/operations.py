"""The handlers of FUSE requests: they translate between pyfuse3 and the tree.

The tree decides what a name means and what may be done with it. The handlers decide where its calls run, and what the
kernel may keep of the replies.

All handlers run on trio's loop; calls that may block run in thread pools. Each handler `replies_with_errno`, so that
every program gets a reply, whatever is raised.
"""

# ruff: noqa: ARG002 - the signatures are pyfuse3's

from __future__ import annotations

import errno
import functools
import logging
import os
import time
from collections.abc import Sequence

import pyfuse3
import trio
from pyfuse3 import EntryAttributes, FileHandleT, FileInfo, FileNameT, FlagT, FUSEError, InodeT, ModeT

from magicfs.fuse import thread_pools
from magicfs.fuse.attributes import attribute_change, entry_attributes, negative_entry
from magicfs.fuse.change_operations import ChangeOperations, writes_clear_set_id
from magicfs.fuse.errors import replies_with_errno
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.free_space import FreeSpace
from magicfs.fuse.handles import OpenFile
from magicfs.fuse.invalidation import expire_attributes
from magicfs.fuse.library_interface import OF_PAGES
from magicfs.fuse.listing_operations import ListingOperations
from magicfs.fuse.node_operations import NO_PLACE
from magicfs.fuse.renames import repeats_after_rename
from magicfs.fuse.slow_opens import SlowOpens
from magicfs.fuse.watched_directory import VOUCHED_SECONDS
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.nodes import Handle, Link, Node, Openable
from magicfs.tree.real_directories import RealDirectory
from magicfs.tree.real_files import RealFile
from magicfs.tree.real_handles import RealHandle, clear_set_id
from magicfs.tree.remote_nodes import RemoteHandle
from magicfs.tree.removed_files import REMOVED_FILES
from magicfs.tree.scratch_handles import ScratchHandle
from magicfs.tree.tree import Tree

log = logging.getLogger(__name__)

MAX_READ_BYTES = 1 << 20
"""The kernel's largest read request."""
SLOW_REQUESTS_SECONDS = 5.0
"""How often requests of the fast path are looked at."""


class TreeOperations(ListingOperations, ChangeOperations):
    """Serves a tree to the kernel."""

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = False

    def __init__(self, tree: Tree, *, search_seconds: float) -> None:
        super().__init__(tree, search_seconds=search_seconds)
        self._free_space = FreeSpace(self._pools, tree.root_paths)
        self._slow_opens = SlowOpens(clock=time.monotonic)
        self._read_buffer = memoryview(bytearray(MAX_READ_BYTES))
        self.started = trio.Event()
        """Set when the kernel has sent its first request."""

    def init(self) -> None:
        """Handle the kernel's first request."""
        self._watches.start(trio.lowlevel.current_trio_token().run_sync_soon)
        self.started.set()

    def stop(self) -> None:
        """Tell the kernel nothing any more: the mount ends."""
        self._watches.stop()

    async def end_slow_requests(self) -> None:
        """Give up requests of the fast path that take longer than a call in a thread may, until the mount ends."""
        while True:
            await trio.sleep(SLOW_REQUESTS_SECONDS)
            count = FAST_PATH.expire(thread_pools.FILES_SECONDS)
            if count:
                log.warning("gave up %d requests after %.0f seconds", count, thread_pools.FILES_SECONDS)

    @replies_with_errno
    @repeats_after_rename
    async def lookup(self, parent_inode: InodeT, name: FileNameT, ctx: pyfuse3.RequestContext) -> EntryAttributes:
        """Look up a name in a directory."""
        directory = self._directory(parent_inode)
        if directory.hides(name, ctx.pid):
            return negative_entry(timeout_seconds=0.0)
        self._large_listings.note_lookup(parent_inode)
        renames = self._renames.count
        vouched = self._watches.entry_of(directory, name)
        if vouched is not None:
            self._looked_up.serve(vouched.watch)
        try:
            entry = directory.lookup_cached(name)
            if entry is None:
                entry = await self._pools.run(directory.lookup_pool(name), directory.lookup, name)
            attributes = entry.attributes or await self._current_attributes(entry.node)
        except FileNotFoundError:
            if isinstance(directory, RealDirectory) and self._renames.may_have_overtaken(renames):
                raise
            is_kept = self._watches.keep_missing(vouched)
            return negative_entry(timeout_seconds=VOUCHED_SECONDS if is_kept else directory.negative_timeout(name))
        node, reply = self._entry_reply(entry, attributes)
        self._watches.keep_entry(vouched, reply, attributes)
        self._add_lookup(directory, entry, node)
        return reply

    @replies_with_errno
    async def forget(self, inode_list: Sequence[tuple[InodeT, int]]) -> None:
        """Subtract from lookup counts."""
        for inode, lookups in inode_list:
            if self._inodes.forget(inode, lookups):
                self._watches.drop(inode)
                self._large_listings.forget(inode)
                FAST_PATH.forget(inode)

    @replies_with_errno
    @repeats_after_rename
    async def getattr(self, inode: InodeT, ctx: pyfuse3.RequestContext) -> EntryAttributes:
        """Reply with the current attributes."""
        return await self._attributes(self._inodes.find(inode))

    @replies_with_errno
    @repeats_after_rename
    async def setattr(
        self,
        inode: InodeT,
        attr: EntryAttributes,
        fields: pyfuse3.SetattrFields,
        fh: FileHandleT | None,
        ctx: pyfuse3.RequestContext,
    ) -> EntryAttributes:
        """Change size, mode, owner or times."""
        node = self._inodes.find(inode)
        change = attribute_change(attr, fields, clears_set_id=writes_clear_set_id(ctx))
        if fh is None:
            await self._on_file(node, lambda handle: node.set_attributes(change, handle))
        else:
            handle = self._handles.file(fh).handle
            await self._pools.run(node.file_pool, node.set_attributes, change, handle)
        return await self._attributes(node)

    @replies_with_errno
    @repeats_after_rename
    async def readlink(self, inode: InodeT, ctx: pyfuse3.RequestContext) -> FileNameT:
        """Reply with the target of a symbolic link."""
        node = self._inodes.find(inode)
        if not isinstance(node, Link):
            raise FUSEError(errno.EINVAL)
        return FileNameT(await self._pools.run(node.thread_pool, node.target))

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
    async def fsync(self, fh: FileHandleT, datasync: bool) -> None:  # noqa: FBT001 - pyfuse3's signature
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

    @replies_with_errno
    @repeats_after_rename
    async def access(self, inode: InodeT, mode: ModeT, ctx: pyfuse3.RequestContext) -> bool:
        """Reply whether this process has access, which says as much of the program: the user is the same.

        The kernel asks only a mount without `allow_other`, which other users cannot enter. Of one with it, the kernel
        itself compares modes.
        """
        node = self._inodes.find(inode)
        allowed = node.access_nowait(mode)
        return await self._pools.run(node.thread_pool, node.access, mode) if allowed is None else allowed

    @replies_with_errno
    async def statfs(self, ctx: pyfuse3.RequestContext) -> pyfuse3.StatvfsData:
        """Reply with the space of the file systems of the roots."""
        return await self._free_space.read()

    def _release(self, file: OpenFile) -> None:
        """Close a file: here if that does not block, else in a thread that nobody waits for."""
        if file.handle.can_close_nowait():
            file.handle.close()
        else:
            self._pools.run_detached(file.handle.close)

    async def _attributes(self, node: Node) -> EntryAttributes:
        vouched = self._watches.attributes_of(node)
        try:
            attributes = await self._current_attributes(node)
        except OSError as error:
            known = await self._attributes_of_open_file(node) if error.errno in NO_PLACE else None
            if known is None:
                raise
            attributes, vouched = known, None
        if isinstance(node, FileNode):
            node.set_kernel_attributes(attributes)
            self._handles.note_attributes(node)
        reply = entry_attributes(node, attributes)
        self._watches.keep_attributes(vouched, reply, attributes)
        return reply


def _close(handle: Handle) -> None:
    handle.close()


def _merge_handle_attributes(node: Node, handle: Handle) -> None:
    """Record the attributes of an open file, so that a listing does not reply with an older size from the index."""
    if isinstance(node, FileNode) and isinstance(handle, RealHandle | RemoteHandle):
        node.merge_kernel_attributes(handle.last_attributes)
