"""The handlers of requests to list directories.

Part of the operations; the same rules hold.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import pyfuse3
import trio
from pyfuse3 import FileHandleT, InodeT

from magicfs.domain.attributes import DIRECTORY_MODE, Attributes
from magicfs.errors import DeadlineExceeded
from magicfs.fuse.attributes import directory_entry
from magicfs.fuse.errors import replies_with_errno
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.file_listings import FileListings
from magicfs.fuse.handles import DirectoryReply, OpenDirectory
from magicfs.fuse.library_interface import OPENED_AS_FILE
from magicfs.fuse.listed_files import ListedFiles
from magicfs.fuse.node_operations import NodeOperations
from magicfs.fuse.renames import repeats_after_rename
from magicfs.fuse.watched_directory import QUIET_SECONDS, WATCHED_SECONDS
from magicfs.tree.directories import Directory, DirectoryListing, Entry
from magicfs.tree.nodes import Node
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.listings import RealDirectoryListing
from magicfs.tree.tree import Tree

READDIR_BATCH = 256
"""Entries whose attributes are read together. A reply holds twenty to two hundred of them."""
_DOT_ENTRIES = 2
"""Each listing begins with `.` and `..`."""
_POSITION_BITS = 32
_POSITIONS = (1 << _POSITION_BITS) - 1
"""The bits of a position in a reply that are the position in the listing. The number of the listing is above."""
_LISTED_SECONDS = 1.0
"""A listing waits this long for the attributes of an entry on another file system, which may hang."""


class ListingOperations(NodeOperations):
    """Listings of directories."""

    def __init__(self, tree: Tree, *, search_seconds: float) -> None:
        super().__init__(tree, search_seconds=search_seconds)
        self._file_listings = FileListings(self._inodes, self._watches)

    @replies_with_errno
    async def opendir(self, inode: InodeT, ctx: pyfuse3.RequestContext) -> FileHandleT:
        """Open a directory and list it; in `search/` this runs the search.

        A program that opens a query as it opens a file, as `git` opens a `HEAD`, wants no results until it reads them.
        """
        directory = self._directory(inode)
        directory.note_opening(ctx.pid & ~OPENED_AS_FILE)
        if directory.takes_search and ctx.pid & OPENED_AS_FILE:
            return FileHandleT(self._handles.add_directory(OpenDirectory(directory, None, changes=self._changes)))
        watch = self._watches.find(directory)
        version = directory.version_nowait() if watch and isinstance(directory, RealDirectory) else None
        kept = watch.kept_listing(version) if watch and version else None
        if kept is not None:
            number = self._handles.add_directory(OpenDirectory(directory, kept, changes=self._changes))
            return FileHandleT(FAST_PATH.kept_listing(number, is_known=True))
        opened = OpenDirectory(directory, None, changes=self._changes)
        opened.unchanged = self._watches.entry_of(directory, b"")
        opened.begin(*await self._list(directory))
        # A large directory on a busy machine may take longer than a listing is used for.
        opened.opened_at = time.monotonic()
        number = self._handles.add_directory(opened)
        if version and time.time_ns() - max(version) >= QUIET_SECONDS * 10**9:
            opened.version = version
            number = FAST_PATH.kept_listing(number, is_known=False)
        return FileHandleT(number)

    @replies_with_errno
    async def readdir(self, fh: FileHandleT, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        """Reply with entries and their attributes until the reply is full."""
        opened = self._handles.directory(fh)
        directory = opened.directory
        listing = await self._begun_listing(opened, start_id)
        # A position in the reply is that of no other listing: the kernel may have kept another one meanwhile.
        first = (listing.number << _POSITION_BITS) + _DOT_ENTRIES
        reply = DirectoryReply(token, opened, first)
        start_id = _add_dots(reply, start_id & _POSITIONS)
        names = self._large_listings.of_names(opened, listing, start_id)
        if names is not None:
            self._large_listings.fill(reply, names, start_id)
            return
        if FAST_PATH.is_loaded and isinstance(listing, RealDirectoryListing):
            is_whole = await self._reply_with_files(reply, listing, start_id)
        else:
            is_whole = await self._reply_with_entries(reply, listing, start_id)
        watch = self._watches.find(directory)
        if is_whole and watch and opened.version:
            watch.note_kept_listing(opened.version, listing)

    async def _reply_with_entries(self, reply: DirectoryReply, listing: DirectoryListing, start: int) -> bool:
        """Reply with entries from position `start` on until the reply is full, or the listing ends: then True."""
        opened = reply.opened
        while batch := opened.take_ahead(start) or await self._next_entries(opened, listing, start):
            for index, (position, entry) in enumerate(batch):
                attributes = entry.attributes or await self._listed_attributes(entry.node)
                if attributes is None:
                    start = position
                    continue
                if not self._add_entry(reply, entry, attributes, position):
                    opened.keep_ahead(start, batch[index:])
                    return False
                start = position
        return True

    async def _reply_with_files(self, reply: DirectoryReply, listing: RealDirectoryListing, start: int) -> bool:
        """What `_reply_with_entries` does, for files of a root: many at a time where they need no node."""
        opened, has_some = reply.opened, False
        try:
            while start < len(listing.names):
                files = opened.files_at(start) or await self._next_files(opened, listing, start)
                while start < files.end:
                    count, is_full = self._file_listings.add(reply, files, start)
                    if not count and not is_full:
                        entry = files.entry(start)
                        if entry is None or entry.attributes is None:
                            # It has vanished.
                            start += 1
                            continue
                        count, is_full = 1, not self._add_entry(reply, entry, entry.attributes, start + 1)
                    if is_full:
                        return False
                    start += count
                    has_some |= count > 0
        except Exception:
            # The kernel counts what is in the reply, so it must get it; the next request gets the error.
            if not has_some:
                raise
            return False
        return True

    def _add_entry(self, reply: DirectoryReply, entry: Entry, attributes: Attributes, position: int) -> bool:
        """Add an entry, which `position` follows; False if the reply has no room for it."""
        opened = reply.opened
        node, told = self._entry_reply(entry, attributes)
        self._watches.keep_listed(opened.unchanged, entry.name, told, attributes)
        if told.attr_timeout < WATCHED_SECONDS and not isinstance(node, Directory):
            opened.version = None
        if not reply.add(entry.name, told, position):
            return False
        self._add_listed(opened.directory, entry, node)
        return True

    async def _begun_listing(self, opened: OpenDirectory, start_id: int) -> DirectoryListing:
        """The listing that a reply from a position on is taken from: a new one at each beginning."""
        listing = opened.listing
        if listing is None or (start_id == 0 and opened.is_outdated(self._changes)):
            if opened.is_read:
                opened.version = None
            opened.unchanged = self._watches.entry_of(opened.directory, b"")
            listing, files = await self._list(opened.directory)
            opened.begin(listing, files)
        elif start_id == 0 and opened.files is None:
            opened.unchanged = self._watches.entry_of(opened.directory, b"")
        opened.is_read = True
        return listing

    @repeats_after_rename
    async def _list(self, directory: Directory) -> tuple[DirectoryListing, ListedFiles | None]:
        return await self._pools.run(directory.thread_pool, _listed, directory)

    @repeats_after_rename
    async def _next_entries(
        self, opened: OpenDirectory, listing: DirectoryListing, start: int
    ) -> Sequence[tuple[int, Entry]]:
        """The entries of a listing from a position on; none at its end."""
        opened.entries_read_at = time.monotonic()
        if not listing.may_block:
            return listing.batch(start, READDIR_BATCH)
        return await self._pools.run(opened.directory.thread_pool, listing.batch, start, READDIR_BATCH)

    @repeats_after_rename
    async def _next_files(self, opened: OpenDirectory, listing: RealDirectoryListing, start: int) -> ListedFiles:
        """The files of a listing from a position on, which are read."""
        names = listing.names[start : start + READDIR_BATCH]
        files = await self._pools.run(opened.directory.thread_pool, ListedFiles, listing.directory, names, start)
        opened.files = files
        return files

    @replies_with_errno
    async def releasedir(self, fh: FileHandleT) -> None:
        """Close a directory."""
        self._handles.remove_directory(fh)
        self._earlier_names.invalidate()

    async def _listed_attributes(self, node: Node) -> Attributes | None:
        """The attributes of an entry of a listing; None if it is not there.

        After `_LISTED_SECONDS` those of an empty directory: the file system of a root may hang.
        """
        with trio.move_on_after(_LISTED_SECONDS):
            try:
                return await self._current_attributes(node)
            except DeadlineExceeded:
                pass
            except OSError:
                return None
        return Attributes.of_virtual(mode=DIRECTORY_MODE, mounted_at_ns=0)


def _listed(directory: Directory) -> tuple[DirectoryListing, ListedFiles | None]:
    """The listing of a directory, with the files of a small one: a second call in a thread takes longer than that.

    May block.
    """
    listing = directory.list()
    files = None
    if FAST_PATH.is_loaded and isinstance(listing, RealDirectoryListing) and 0 < len(listing.names) <= READDIR_BATCH:
        # What has happened to the directory since is for those to see who read it.
        with contextlib.suppress(OSError):
            files = ListedFiles(listing.directory, listing.names, 0)
    return listing, files


def _add_dots(reply: DirectoryReply, start: int) -> int:
    """Add `.` and `..`, which come before a listing, and return the position in the listing after them.

    Any reply has room for both.
    """
    directory = reply.opened.directory
    for position, (name, ino) in enumerate(((b".", directory.ino), (b"..", directory.parent_ino)), 1):
        if start < position:
            reply.add(name, directory_entry(ino), position - _DOT_ENTRIES)
    return max(start - _DOT_ENTRIES, 0)
