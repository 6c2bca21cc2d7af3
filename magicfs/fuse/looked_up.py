"""Plain files that the fast path has looked up: counted in the inode table before anything else is handled.

Part of the operations, on the event loop of the mount. The library answers a look-up in a directory that is watched, if
there is a file with one name that Python does not have as an object. It notes what it tells the kernel before it does,
so whoever refers to such a file finds it counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import pyfuse3
from pyfuse3 import FileNameT, InodeT

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.large_listings import LargeListings
from magicfs.fuse.library_interface import NOTED
from magicfs.fuse.listed_files import SEEN_BYTES, ListedFile
from magicfs.fuse.watched_directory import Watch
from magicfs.fuse.watches import DirectoryWatches
from magicfs.tree.directories import Entry
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.real.directories import RealDirectory

log = logging.getLogger(__name__)


class LookedUp:
    """What the fast path has told the kernel of: the `OtherLookups` of an inode table."""

    def __init__(
        self,
        inodes: InodeTable,
        watches: DirectoryWatches,
        large_listings: LargeListings,
        count_by_node: Callable[[RealDirectory, Entry, int], None],
    ) -> None:
        """`count_by_node` counts an entry of a directory with that inode number by a node."""
        self._inodes = inodes
        self._watches = watches
        self._large_listings = large_listings
        self._count_by_node = count_by_node
        self._is_counting = False

    @staticmethod
    def claim(ino: int) -> None:
        """Leave such files to the table until they are released."""
        FAST_PATH.claim(ino)

    @staticmethod
    def release(ino: int) -> None:
        """Take a claim back."""
        FAST_PATH.release(ino)

    @staticmethod
    def assign(ino: int) -> None:
        """Leave such files to the table until this is called for another number."""
        FAST_PATH.assign(ino)

    @staticmethod
    def serve(watch: Watch) -> None:
        """Have plain files of a directory be looked up without Python from now on, where it was seen last."""
        directory = watch.directory
        if not FAST_PATH.lacks_directory(directory.ino):
            return
        location, identity = directory.location, directory.identity
        born_ns = identity.born_ns if identity is not None else 0
        if born_ns is not None:
            FAST_PATH.serve(directory.ino, (location.root, location.path), watch.file, born_ns)

    def settle(self) -> bool:
        """Count what was looked up; whether there was anything."""
        if self._is_counting:
            return False
        noted = FAST_PATH.take_noted()
        if not noted:
            return False
        self._is_counting = True
        try:
            self._count(noted)
        finally:
            self._is_counting = False
        return True

    def settle_after_change(self) -> None:
        """Count all that was looked up before a name was removed or renamed: what follows finds what has it by now."""
        FAST_PATH.names_have_changed()
        self.settle()

    def _count(self, noted: bytes) -> None:
        end = 0
        while end < len(noted):
            directory, number, file, name_bytes = NOTED.unpack_from(noted, end)
            start = end + NOTED.size
            end = start + name_bytes
            name = noted[start:end]
            try:
                self._count_one(directory, number, file, name)
            except Exception:
                log.exception("a file was looked up that cannot be counted")
                FAST_PATH.forget(number)
                pyfuse3.invalidate_entry_async(InodeT(directory), FileNameT(name), ignore_enoent=True)

    def _count_one(self, directory: int, number: int, file: bytes, name: bytes) -> None:
        self._watches.note_lookup(directory, name, number)
        self._large_listings.note_fast_lookup(directory)
        if self._inodes.count_listed(file[:SEEN_BYTES], directory, name, has_content=True):
            return
        # It needs a node: it was at another place, or has other content than the kernel has.
        node = self._inodes.find(directory)
        if isinstance(node, RealDirectory):
            seen = ListedFile.of(file)
            self._count_by_node(node, node.entry_of(name, seen.identity, seen.attributes), number)
