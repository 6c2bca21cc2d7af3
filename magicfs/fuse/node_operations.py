"""What all handlers of FUSE requests share: nodes by inode number, open files, replies that name a node.

The base of the operations. Belongs to the event loop of the mount.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from typing import TypeVar

import pyfuse3
import trio
from pyfuse3 import EntryAttributes, FileNameT, FUSEError, InodeT, RequestContext

from magicfs.domain.attributes import Attributes
from magicfs.errors import DeadlineExceeded
from magicfs.fuse.attributes import entry_attributes
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.handles import HandleTable
from magicfs.fuse.invalidation import EarlierNames
from magicfs.fuse.large_listings import LargeListings
from magicfs.fuse.looked_up import LookedUp
from magicfs.fuse.renames import Renames
from magicfs.fuse.thread_pools import ThreadPools
from magicfs.fuse.watches import DirectoryWatches
from magicfs.tree.directories import Directory, Entry
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.nodes import Handle, Node
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.handles import RealHandle
from magicfs.tree.remote.nodes import RemoteHandle
from magicfs.tree.steps import Steps
from magicfs.tree.tree import Tree

ResultT = TypeVar("ResultT")

NO_PLACE = frozenset({errno.ENOENT, errno.ESTALE})
"""Errors of a node that has no name any more, or another one than when it was seen last."""


def writes_clear_set_id(ctx: RequestContext) -> bool:
    """Whether this process has to take set-user-ID bits away that the file system below would leave to it."""
    return os.geteuid() == 0 and ctx.uid != 0


class NodeOperations(pyfuse3.Operations):
    """The tables of a mount, and how nodes get into replies."""

    def __init__(self, tree: Tree, *, search_seconds: float) -> None:
        super().__init__()
        self._inodes = tree.inodes
        self._handles = HandleTable(FAST_PATH, tree.inodes.find)
        self._watches = DirectoryWatches(tree.inodes)
        self._pools = ThreadPools(search_seconds=search_seconds)
        self._earlier_names = EarlierNames()
        self._renames = Renames()
        self._large_listings = LargeListings()
        self._looked_up = LookedUp(tree.inodes, self._watches, self._large_listings, self._count_looked_up)
        tree.inodes.other_lookups = self._looked_up
        self._changes = 0
        """How many names were made, removed and renamed."""

    def settle_lookups(self) -> None:
        """Count what was looked up without Python."""
        self._looked_up.settle()

    def _directory(self, inode: InodeT) -> Directory:
        node = self._inodes.find(inode)
        if not isinstance(node, Directory):
            raise FUSEError(errno.ENOTDIR)
        return node

    def _entry_reply(self, entry: Entry, attributes: Attributes) -> tuple[Node, EntryAttributes]:
        """The node of the inode table for an entry, and the reply that names it with these attributes."""
        node = self._inodes.get_or_assign(entry.node)
        if isinstance(node, FileNode):
            self._handles.note_writes(node)
            attributes = node.merge_kernel_attributes(attributes)
            self._handles.note_attributes(node)
        reply = entry_attributes(node, attributes, entry_timeout_seconds=entry.timeout_seconds)
        if not entry.has_own_attributes:
            reply.attr_timeout = 0.0
        return node, reply

    def _add_lookup(self, directory: Node, entry: Entry, node: Node) -> None:
        """Count the lookup of an entry, and invalidate the names under which files were looked up before."""
        self._add_listed(directory, entry, node)
        self._earlier_names.invalidate()

    def _add_listed(self, directory: Node, entry: Entry, node: Node) -> None:
        """Count the lookup of an entry of a listing. An earlier name of a file waits until the listing is closed."""
        self._inodes.add_lookup(node)
        if isinstance(node, Directory):
            node.parent_ino = directory.ino
            if entry.attributes is not None and self._watches.has(directory):
                self._handles.note_found_directory(node, entry.attributes)
        if isinstance(node, FileNode):
            if self._watches.has(directory):
                self._handles.note_found(node)
            self._earlier_names.note_lookup(node, directory.ino, entry.name)

    def _count_looked_up(self, directory: RealDirectory, entry: Entry, number: int) -> None:
        """Count that the kernel was told of an entry with that inode number."""
        node, _ = self._entry_reply(entry, entry.attributes or entry.node.attributes())
        if node.ino == number:
            self._add_lookup(directory, entry, node)
            return
        # The hash of another file. From now on, both are looked up here, and this one gets another number.
        self._inodes.add_lookup(self._inodes.find(number))
        FAST_PATH.claim(number)
        FAST_PATH.forget(number)
        pyfuse3.invalidate_entry_async(InodeT(directory.ino), FileNameT(entry.name), ignore_enoent=True)

    def _named(self, directory: Directory, entry: Entry) -> tuple[Node, EntryAttributes]:
        """The node of a new entry, and the reply that names it, which counts as a lookup."""
        self._changes += 1
        node, reply = self._entry_reply(entry, entry.attributes or entry.node.attributes())
        self._add_lookup(directory, entry, node)
        return node, reply

    async def _complete(self, steps: Steps[ResultT]) -> ResultT:
        """Do work in steps, each with a deadline of its own. What is given up does not happen later."""
        try:
            while not await self._pools.run(steps.pool, steps.proceed):
                pass
        except (DeadlineExceeded, trio.Cancelled):
            steps.give_up()
            raise
        return steps.result()

    async def _on_file(self, node: Node, call: Callable[[Handle | None], ResultT]) -> ResultT:
        """Call a function that may block: with None, or with a handle of the open file if that has no name any more."""
        try:
            return await self._pools.run(node.file_pool, call, None)
        except OSError as error:
            opened = self._duplicate_handle(node) if error.errno in NO_PLACE else None
            if opened is None:
                raise
        return await self._on_duplicate(node, opened, call)

    async def _current_attributes(self, node: Node) -> Attributes:
        """The attributes of a node, from memory if possible."""
        attributes = node.exact_attributes_nowait()
        return await self._pools.run(node.thread_pool, node.attributes) if attributes is None else attributes

    def _duplicate_handle(self, node: Node) -> RealHandle | None:
        """A handle of ours of a file that a program has open: the kernel may close its own. None if none has."""
        handles = (handle for handle in self._handles.of_node(node) if isinstance(handle, RealHandle))
        return next((handle.duplicate() for handle in handles), None)

    async def _on_duplicate(
        self,
        node: Node,
        opened: RealHandle,
        call: Callable[[RealHandle], ResultT],
        discard: Callable[[ResultT], object] | None = None,
    ) -> ResultT:
        """Call a function that may block with a handle of ours, which is closed when the call has ended.

        A call that hangs and is given up goes on later: its descriptor must not be that of another file by then.
        """
        unused = [opened]

        def call_and_close() -> ResultT:
            with contextlib.closing(unused.pop()) as handle:
                return call(handle)

        try:
            return await self._pools.run(node.thread_pool, call_and_close, discard=discard)
        finally:
            # No thread was free, or none has begun. If one begins now, it finds nothing.
            with contextlib.suppress(IndexError):
                self._pools.run_detached(unused.pop().close)

    async def _attributes_of_open_file(self, node: Node) -> Attributes | None:
        """The attributes of a file that a program has open; the last ones that are known for one of another host."""
        opened = self._duplicate_handle(node)
        if opened is not None:
            return await self._on_duplicate(node, opened, RealHandle.attributes)
        handle = next(iter(self._handles.of_node(node)), None)
        if isinstance(node, FileNode) and isinstance(handle, RemoteHandle):
            return node.merge_kernel_attributes(handle.last_attributes)
        return None
