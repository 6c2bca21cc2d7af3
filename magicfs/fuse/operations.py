"""pyfuse3's requests, translated for the tree. Nothing is decided here.

All of it runs on trio's loop; what may block goes to the lanes. Every handler is `guarded`: whatever goes wrong,
the program that asked gets an answer.
"""

# ruff: noqa: ARG002 - the signatures are pyfuse3's

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

import pyfuse3
import trio
from pyfuse3 import EntryAttributes, FileHandleT, FileInfo, FileNameT, FlagT, FUSEError, InodeT, ModeT, XAttrNameT

from magicfs.domain.attributes import Attributes
from magicfs.fuse.attributes import entry_attributes, no_entry, wanted_change
from magicfs.fuse.errors import errno_of
from magicfs.fuse.handles import Handles
from magicfs.fuse.thread_pools import ThreadPools
from magicfs.tree.files import RealFile, RealHandle
from magicfs.tree.mirror import Link
from magicfs.tree.nodes import Directory, Entry, Handle, Node, Openable, ThreadPool
from magicfs.tree.tree import Tree

Handler = TypeVar("Handler", bound=Callable[..., Coroutine[Any, Any, Any]])

_LARGEST_READ = 1 << 20
"""Bytes: the most that the kernel asks for at once."""
BATCH = 64
"""Entries that are looked at together for one reply."""
_AT_ONCE_SECONDS = 0.05
_THREADS_SECONDS = 60.0
"""For so long files are opened in threads alone after one took longer than _AT_ONCE_SECONDS without."""
_LONGEST_NAME = 255
_BLOCK = 4096


def guarded(handler: Handler) -> Handler:
    """Answer with an error number, whatever is raised: an exception would end the mount."""

    @functools.wraps(handler)
    async def answer(self: Mount, *arguments: Any, **named: Any) -> Any:
        try:
            return await handler(self, *arguments, **named)
        except FUSEError:
            raise
        except Exception as error:
            raise FUSEError(errno_of(error, during=handler.__name__)) from error

    return cast("Handler", answer)


class Mount(pyfuse3.Operations):
    """A tree for the kernel."""

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = False

    def __init__(self, tree: Tree, *, search_seconds: float) -> None:
        super().__init__()
        self._inodes = tree.inodes
        self._handles = Handles()
        self._lanes = ThreadPools(search_seconds=search_seconds)
        self._threads_until = 0.0
        self._scratch = memoryview(bytearray(_LARGEST_READ))
        self.started = trio.Event()
        """The kernel has the mount, and has been told what it can do."""

    def init(self) -> None:
        """The kernel asks for the first time."""
        self.started.set()

    @guarded
    async def lookup(self, parent_inode: InodeT, name: FileNameT, ctx: pyfuse3.RequestContext) -> EntryAttributes:
        """Find a name in a directory."""
        directory = self._directory(parent_inode)
        try:
            entry = directory.peek(name)
            if entry is None:
                entry = await self._lanes.run(directory.lane, directory.lookup, name)
        except FileNotFoundError:
            return no_entry(seconds=directory.missing_seconds)
        node, answer = self._meet(entry)
        self._tell(directory, entry, node)
        return answer

    @guarded
    async def forget(self, inode_list: Sequence[tuple[InodeT, int]]) -> None:
        """The kernel lets go of inodes."""
        for inode, times in inode_list:
            self._inodes.forget(inode, times)

    @guarded
    async def getattr(self, inode: InodeT, ctx: pyfuse3.RequestContext) -> EntryAttributes:
        """Attributes as they are now."""
        return await self._attributes(self._inodes.find(inode))

    @guarded
    async def setattr(
        self,
        inode: InodeT,
        attr: EntryAttributes,
        fields: pyfuse3.SetattrFields,
        fh: FileHandleT | None,
        ctx: pyfuse3.RequestContext,
    ) -> EntryAttributes:
        """Pass on a change of size, mode, owner or times."""
        node = self._inodes.find(inode)
        handle = None if fh is None else self._handles.file(fh).handle
        await self._lanes.run(node.lane, node.change, wanted_change(attr, fields), handle)
        return await self._attributes(node)

    @guarded
    async def readlink(self, inode: InodeT, ctx: pyfuse3.RequestContext) -> FileNameT:
        """Where a link points."""
        node = self._inodes.find(inode)
        if not isinstance(node, Link):
            raise FUSEError(errno.EINVAL)
        return FileNameT(await self._lanes.run(node.lane, node.target))

    @guarded
    async def open(self, inode: InodeT, flags: FlagT, ctx: pyfuse3.RequestContext) -> FileInfo:
        """Open a file; the kernel keeps its pages of it when they are still true."""
        node = self._inodes.find(inode)
        if not isinstance(node, Openable):
            raise FUSEError(errno.EINVAL)
        handle = self._open_now(node, flags)
        if handle is None:
            handle = await self._lanes.run(node.lane, node.open, flags)
        same_file = self._handles.shares_pages(node, handle.version)
        number = self._handles.add_file(node, handle)
        keep = isinstance(node, RealFile) and node.opened(handle.version)
        if isinstance(node, RealFile) and not node.told_truth(handle.version):
            # Only attributes, and in a thread: pages may be locked by reads that wait for this very loop.
            await trio.to_thread.run_sync(functools.partial(_forget_attributes, inode))
        _learn(node, handle)
        return FileInfo(fh=FileHandleT(number), direct_io=handle.direct or not same_file, keep_cache=keep)

    def _open_now(self, node: Openable, flags: int) -> Handle | None:
        """Open without a thread, but not for a while after that had to wait for something, such as a virus scanner."""
        began = trio.current_time()
        if began < self._threads_until:
            return None
        handle = node.open_now(flags)
        if trio.current_time() - began > _AT_ONCE_SECONDS:
            self._threads_until = began + _THREADS_SECONDS
        return handle

    @guarded
    async def read(self, fh: FileHandleT, off: int, size: int) -> bytes:
        """Read from an open file: at once from memory, else in a thread."""
        handle = self._handles.file(fh).handle
        # One buffer for all: the answer is on its way to the kernel before another request is looked at.
        data = handle.read_now(off, self._scratch[:size]) if size <= _LARGEST_READ else None
        if data is None:
            return await self._lanes.run(ThreadPool.FILES, handle.read, off, size)
        return data  # type: ignore[return-value]  # anything with a buffer will do

    @guarded
    async def write(self, fh: FileHandleT, off: int, buf: bytes) -> int:
        """Write to an open file."""
        opened = self._handles.file(fh)
        count = await self._lanes.run(ThreadPool.FILES, opened.handle.write, off, buf)
        _learn(opened.node, opened.handle)
        return count

    @guarded
    async def flush(self, fh: FileHandleT) -> None:
        """Nothing waits here, each write has been passed on: the kernel need not ask again when a file is closed."""
        raise FUSEError(errno.ENOSYS)

    @guarded
    async def fsync(self, fh: FileHandleT, datasync: bool) -> None:  # noqa: FBT001 - pyfuse3's signature
        """Bring what was written to the disk."""
        handle = self._handles.file(fh).handle
        await self._lanes.run(ThreadPool.FILES, functools.partial(handle.sync, data_only=datasync))

    @guarded
    async def release(self, fh: FileHandleT) -> None:
        """Close a file."""
        handle = self._handles.remove_file(fh)
        if handle.closes_now():
            handle.close()
        else:
            await self._lanes.run(ThreadPool.FILES, handle.close)

    @guarded
    async def opendir(self, inode: InodeT, ctx: pyfuse3.RequestContext) -> FileHandleT:
        """List a directory: this is where a search happens."""
        directory = self._directory(inode)
        entries = await self._lanes.run(directory.lane, directory.list)
        return FileHandleT(self._handles.add_listing(directory, entries))

    @guarded
    async def readdir(self, fh: FileHandleT, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        """Hand out entries with their attributes until the reply is full."""
        opened = self._handles.listing(fh)
        while True:
            if opened.entries.waits:
                batch = await self._lanes.run(ThreadPool.FILES, opened.entries.batch, start_id, BATCH)
            else:
                batch = opened.entries.batch(start_id, BATCH)
            if not batch:
                return
            for position, entry in batch:
                node, answer = self._meet(entry)
                if not pyfuse3.readdir_reply(token, FileNameT(entry.name), answer, position):
                    return
                self._tell(opened.directory, entry, node)
                start_id = position

    @guarded
    async def releasedir(self, fh: FileHandleT) -> None:
        """Close a directory."""
        self._handles.remove_listing(fh)

    @guarded
    async def fsyncdir(self, fh: FileHandleT, datasync: bool) -> None:  # noqa: FBT001 - pyfuse3's signature
        """Nothing to be done."""

    @guarded
    async def access(self, inode: InodeT, mode: ModeT, ctx: pyfuse3.RequestContext) -> bool:
        """Whether this process may do something to a file: the same user's, unless others were let in."""
        node = self._inodes.find(inode)
        return await self._lanes.run(ThreadPool.FILES, node.may, mode)

    @guarded
    async def getxattr(self, inode: InodeT, name: XAttrNameT, ctx: pyfuse3.RequestContext) -> bytes:
        """What the index says of a file."""
        value = self._inodes.find(inode).extended().get(name)
        if value is None:
            raise FUSEError(pyfuse3.ENOATTR)
        return value

    @guarded
    async def listxattr(self, inode: InodeT, ctx: pyfuse3.RequestContext) -> Sequence[XAttrNameT]:
        """What the index can say of a file."""
        return [XAttrNameT(name) for name in self._inodes.find(inode).extended()]

    @guarded
    async def statfs(self, ctx: pyfuse3.RequestContext) -> pyfuse3.StatvfsData:
        """No space of its own."""
        data = pyfuse3.StatvfsData()
        data.f_bsize = data.f_frsize = _BLOCK
        data.f_namemax = _LONGEST_NAME
        return data

    @guarded
    async def create(self, *_: Any, **__: Any) -> Any:
        """Nothing is created in the mount."""
        raise FUSEError(errno.EROFS)

    mkdir = mknod = symlink = link = rename = unlink = rmdir = create

    @guarded
    async def setxattr(self, *_: Any, **__: Any) -> Any:
        """What the index says cannot be changed."""
        raise FUSEError(errno.EPERM)

    removexattr = setxattr

    def _directory(self, inode: InodeT) -> Directory:
        node = self._inodes.find(inode)
        if not isinstance(node, Directory):
            raise FUSEError(errno.ENOTDIR)
        return node

    def _meet(self, entry: Entry) -> tuple[Node, EntryAttributes]:
        """The node that stands for an entry's, and the kernel's view of it."""
        node = self._inodes.meet(entry.node)
        attributes = node.newest(entry.attributes) if isinstance(node, RealFile) else entry.attributes
        return node, entry_attributes(node, attributes, entry_seconds=entry.seconds)

    def _tell(self, directory: Node, entry: Entry, node: Node) -> None:
        """The kernel knows the node by this name now.

        What a file's extended attributes say depends on the search that it was looked up under, and an inode has
        but one set of them. So the kernel must ask again before it uses the name of another search.
        """
        self._inodes.tell(node)
        if isinstance(node, RealFile):
            before = node.reached_through
            node.reached_through = directory.ino, entry.name
            if before is not None and before != node.reached_through:
                pyfuse3.invalidate_entry_async(InodeT(before[0]), FileNameT(before[1]), ignore_enoent=True)

    async def _attributes(self, node: Node) -> EntryAttributes:
        attributes = node.known_attributes() if node.attributes_seconds else None
        try:
            if attributes is None:
                attributes = await self._lanes.run(node.lane, node.attributes)
        except FileNotFoundError:
            attributes = await self._open_attributes(self._handles.of(node))
        if isinstance(node, RealFile):
            node.told(attributes)
        return entry_attributes(node, attributes)

    async def _open_attributes(self, handles: Sequence[Handle]) -> Attributes:
        """Of a file that is gone, but for those who have it open."""
        for handle in handles:
            if isinstance(handle, RealHandle):
                return await self._lanes.run(ThreadPool.FILES, handle.attributes)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _learn(node: Node, handle: Handle) -> None:
    """A listing must not take the kernel back to a size that the index has, but the file has no more."""
    if isinstance(node, RealFile) and isinstance(handle, RealHandle):
        node.newest(handle.seen)


def _forget_attributes(inode: InodeT) -> None:
    """Have the kernel ask for a file's attributes again; it may have done so already, or forgotten the file."""
    try:
        pyfuse3.invalidate_inode(inode, attr_only=True)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
