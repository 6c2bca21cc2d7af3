"""The handlers of FUSE requests: they translate between pyfuse3 and the tree.

The tree decides what a name means and what may be done with it. The handlers decide where its calls run, and what the
kernel may keep of the replies.

All handlers run on trio's loop; calls that may block run in thread pools. Each handler `replies_with_errno`, so that
every program gets a reply, whatever is raised.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence

import pyfuse3
import trio
from pyfuse3 import EntryAttributes, FileHandleT, FileNameT, FUSEError, InodeT, ModeT

from magicfs.fuse import thread_pools
from magicfs.fuse.attributes import attribute_change, entry_attributes, negative_entry
from magicfs.fuse.change_operations import ChangeOperations
from magicfs.fuse.errors import replies_with_errno
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.file_operations import FileOperations
from magicfs.fuse.free_space import FreeSpace
from magicfs.fuse.listing_operations import ListingOperations
from magicfs.fuse.node_operations import NO_PLACE, writes_clear_set_id
from magicfs.fuse.renames import repeats_after_rename
from magicfs.fuse.watched_directory import WATCHED_SECONDS
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.nodes import Link, Node
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.tree import Tree

log = logging.getLogger(__name__)

SLOW_REQUESTS_SECONDS = 5.0
"""How often requests of the fast path are looked at."""


class TreeOperations(ListingOperations, ChangeOperations, FileOperations):
    """Serves a tree to the kernel."""

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = False

    def __init__(self, tree: Tree, *, search_seconds: float) -> None:
        super().__init__(tree, search_seconds=search_seconds)
        self._free_space = FreeSpace(self._pools, tree.root_paths)
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
        directory.note_lookup(name, ctx.pid)
        if directory.hides(name, ctx.pid):
            return negative_entry(timeout_seconds=0.0)
        self._large_listings.note_lookup(parent_inode)
        renames = self._renames.count
        unchanged = self._watches.entry_of(directory, name)
        if unchanged is not None:
            self._looked_up.serve(unchanged.watch)
        try:
            entry = directory.lookup_cached(name)
            if entry is None:
                entry = await self._pools.run(directory.lookup_pool(name), directory.lookup, name)
            attributes = entry.attributes or await self._current_attributes(entry.node)
        except FileNotFoundError:
            if isinstance(directory, RealDirectory) and self._renames.may_have_overtaken(renames):
                raise
            is_kept = self._watches.keep_missing(unchanged)
            return negative_entry(timeout_seconds=WATCHED_SECONDS if is_kept else directory.negative_timeout(name))
        node, reply = self._entry_reply(entry, attributes)
        self._watches.keep_entry(unchanged, reply, attributes)
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

    async def _attributes(self, node: Node) -> EntryAttributes:
        unchanged = self._watches.attributes_of(node)
        try:
            attributes = await self._current_attributes(node)
        except OSError as error:
            known = await self._attributes_of_open_file(node) if error.errno in NO_PLACE else None
            if known is None:
                raise
            attributes, unchanged = known, None
        if isinstance(node, FileNode):
            node.set_kernel_attributes(attributes)
            self._handles.note_attributes(node)
        reply = entry_attributes(node, attributes)
        self._watches.keep_attributes(unchanged, reply, attributes)
        return reply
