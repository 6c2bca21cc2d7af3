"""The handlers of FUSE requests that make, change, rename and remove names, and those of extended attributes.

They translate between pyfuse3 and the tree, as `operations` does, and decide nothing: a directory that nothing can be
made in refuses it itself.
"""

from __future__ import annotations

import errno
import functools
import time
from collections.abc import Sequence

import pyfuse3
import trio
from pyfuse3 import (
    EntryAttributes,
    FileHandleT,
    FileInfo,
    FileNameT,
    FlagT,
    FUSEError,
    InodeT,
    ModeT,
    RequestContext,
    XAttrNameT,
)

from magicfs.fuse.errors import replies_with_errno
from magicfs.fuse.invalidation import expire_attributes
from magicfs.fuse.node_operations import NodeOperations, writes_clear_set_id
from magicfs.fuse.renames import repeats_after_rename
from magicfs.tree.directories import Caller, Directory
from magicfs.tree.nodes import FILE_CAPABILITIES, FILE_LABEL, INDEX_ATTRIBUTE_PREFIX
from magicfs.tree.placed_nodes import ChildPlace
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.handles import RealHandle
from magicfs.tree.real.nodes import RealNode
from magicfs.tree.real.removed_files import REMOVED_FILES

ACCESS_LIST = b"system.posix_acl_access"
"""The extended attribute that is the access list of a file, and its mode."""


def caller_of(ctx: RequestContext, *, mode: int = 0) -> Caller:
    """Who has sent a request to make something with that mode."""
    return Caller(ctx.uid, ctx.gid, mode)


def masked(mode: ModeT, ctx: RequestContext) -> int:
    """A mode without the umask of who has sent a request."""
    return mode & ~ctx.umask


class ChangeOperations(NodeOperations):
    """Changes of the tree."""

    @replies_with_errno
    @repeats_after_rename
    async def create(
        self, parent_inode: InodeT, name: FileNameT, mode: ModeT, flags: FlagT, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        """Create a file and open it."""
        directory = self._directory(parent_inode)
        caller = caller_of(ctx, mode=mode)
        create = functools.partial(directory.create_file, name, mode=masked(mode, ctx), flags=flags, caller=caller)
        entry, handle = await self._pools.run(
            directory.change_pool(name), create, discard=lambda made: directory.undo_create(*made)
        )
        node, reply = self._named(directory, entry)
        if isinstance(node, RealFile) and isinstance(handle, RealHandle):
            handle.clears_set_id = writes_clear_set_id(ctx)
            node.replace_opened_version(handle.version, now_ns=time.time_ns())
        number = self._handles.add_file(node, handle)
        return FileInfo(fh=FileHandleT(number), direct_io=handle.direct_io), reply

    @replies_with_errno
    @repeats_after_rename
    async def mkdir(self, parent_inode: InodeT, name: FileNameT, mode: ModeT, ctx: RequestContext) -> EntryAttributes:
        """Make a directory."""
        directory = self._directory(parent_inode)
        caller = caller_of(ctx, mode=mode)
        make = functools.partial(directory.make_directory, name, mode=masked(mode, ctx), caller=caller)
        return self._named(directory, await self._pools.run(directory.thread_pool, make))[1]

    @replies_with_errno
    @repeats_after_rename
    async def mknod(
        self, parent_inode: InodeT, name: FileNameT, mode: ModeT, rdev: int, ctx: RequestContext
    ) -> EntryAttributes:
        """Make a FIFO, socket, device or regular file."""
        directory = self._directory(parent_inode)
        caller = caller_of(ctx, mode=mode)
        make = functools.partial(directory.make_special_file, name, mode=masked(mode, ctx), device=rdev, caller=caller)
        return self._named(directory, await self._pools.run(directory.thread_pool, make))[1]

    @replies_with_errno
    @repeats_after_rename
    async def symlink(
        self, parent_inode: InodeT, name: FileNameT, target: FileNameT, ctx: RequestContext
    ) -> EntryAttributes:
        """Make a symbolic link."""
        directory = self._directory(parent_inode)
        make = functools.partial(directory.make_link, name, target, caller=caller_of(ctx))
        return self._named(directory, await self._pools.run(directory.thread_pool, make))[1]

    @replies_with_errno
    @repeats_after_rename
    async def link(
        self, inode: InodeT, new_parent_inode: InodeT, new_name: FileNameT, ctx: RequestContext
    ) -> EntryAttributes:
        """Make a hard link."""
        node = self._inodes.find(inode)
        directory = self._directory(new_parent_inode)
        entry = await self._pools.run(directory.thread_pool, directory.add_name, new_name, node)
        return self._named(directory, entry)[1]

    @replies_with_errno
    @repeats_after_rename
    async def unlink(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> None:
        """Remove a name of anything but a directory."""
        await self._remove(self._directory(parent_inode), name, is_directory=False)

    @replies_with_errno
    @repeats_after_rename
    async def rmdir(self, parent_inode: InodeT, name: FileNameT, ctx: RequestContext) -> None:
        """Remove an empty directory."""
        await self._remove(self._directory(parent_inode), name, is_directory=True)

    async def _remove(self, directory: Directory, name: bytes, *, is_directory: bool) -> None:
        steps = directory.removal_steps(name, is_directory=is_directory)
        if steps is not None:
            await self._complete(steps)
            return
        remove = functools.partial(directory.remove, name, is_directory=is_directory)
        await self._pools.run(directory.thread_pool, remove)
        self._looked_up.settle_after_change()
        REMOVED_FILES.settle(self._inodes.update)
        self._watches.note_removal(directory, name)
        self._changes += 1

    @replies_with_errno
    @repeats_after_rename
    async def rename(
        self,
        parent_inode_old: InodeT,
        name_old: FileNameT,
        parent_inode_new: InodeT,
        name_new: FileNameT,
        flags: FlagT,
        ctx: RequestContext,
    ) -> None:
        """Rename, or exchange two names."""
        directory = self._directory(parent_inode_old)
        target = self._directory(parent_inode_new)
        steps = directory.rename_steps(name_old, target, name_new, flags=flags)
        if steps is not None:
            await self._complete(steps)
            return
        rename = functools.partial(directory.rename, name_old, target, name_new, flags=flags)
        with self._renames.renaming():
            moved = await self._pools.run(directory.thread_pool, rename)
            self._looked_up.settle_after_change()
            REMOVED_FILES.settle(self._inodes.update)
            self._watches.note_removal(directory, name_old)
            for node in moved:
                known = self._inodes.update(node)
                if isinstance(node, RealNode) and isinstance(node.place, ChildPlace):
                    self._watches.note_rename(node.place.directory, node.place.name, known)
        self._changes += 1

    @replies_with_errno
    @repeats_after_rename
    async def fsyncdir(self, fh: FileHandleT, datasync: bool) -> None:
        """Flush the names of a directory to the disk."""
        directory = self._handles.directory(fh).directory
        if isinstance(directory, Directory):
            await self._pools.run(directory.thread_pool, directory.sync)

    @replies_with_errno
    @repeats_after_rename
    async def getxattr(self, inode: InodeT, name: XAttrNameT, ctx: RequestContext) -> bytes:
        """Reply with the value of an extended attribute, of the index or of the file itself."""
        node = self._inodes.find(inode)
        if name.startswith(INDEX_ATTRIBUTE_PREFIX):
            value = node.extended_attributes().get(name)
            if value is None and isinstance(node, Directory):
                value = await self._pools.run(node.thread_pool, node.computed_attribute, name)
            if value is None:
                raise FUSEError(pyfuse3.ENOATTR)
            return value
        if name == FILE_CAPABILITIES:
            raise FUSEError(pyfuse3.ENOATTR)
        try:
            return await self._on_file(node, lambda handle: node.stored_attribute(name, handle))
        except OSError as error:
            if name == FILE_LABEL and error.errno == errno.ENODATA:
                raise FUSEError(errno.EOPNOTSUPP) from error
            raise

    @replies_with_errno
    @repeats_after_rename
    async def listxattr(self, inode: InodeT, ctx: RequestContext) -> Sequence[XAttrNameT]:
        """Reply with the names that the file itself has.

        Those of the index, `user.magicfs.*`, are read by name alone, so that copies of files do not get them.
        """
        node = self._inodes.find(inode)
        stored = await self._on_file(node, node.stored_attribute_names)
        return [
            XAttrNameT(name)
            for name in stored
            if name != FILE_CAPABILITIES and not name.startswith(INDEX_ATTRIBUTE_PREFIX)
        ]

    @replies_with_errno
    @repeats_after_rename
    async def setxattr(self, inode: InodeT, name: XAttrNameT, value: bytes, ctx: RequestContext) -> None:
        """Set an extended attribute of the file itself; those of the index cannot be set."""
        node = self._inodes.find(inode)
        _require_settable(name)
        await self._on_file(node, lambda handle: node.store_attribute(name, value, handle))
        if name == ACCESS_LIST:
            # It has changed the mode: `cp -p` sets both by it. The kernel keeps the old one.
            await trio.to_thread.run_sync(expire_attributes, inode)

    @replies_with_errno
    @repeats_after_rename
    async def removexattr(self, inode: InodeT, name: XAttrNameT, ctx: RequestContext) -> None:
        """Remove an extended attribute of the file itself."""
        node = self._inodes.find(inode)
        _require_settable(name)
        await self._on_file(node, lambda handle: node.remove_stored_attribute(name, handle))


def _require_settable(name: bytes) -> None:
    """Raise `EPERM` for an attribute of the index, `EOPNOTSUPP` for one that programs go without."""
    if name.startswith(INDEX_ATTRIBUTE_PREFIX):
        raise FUSEError(errno.EPERM)
    if name == FILE_CAPABILITIES:
        raise FUSEError(errno.EOPNOTSUPP)
