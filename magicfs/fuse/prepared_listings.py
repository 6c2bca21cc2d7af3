"""Listings of small directories that the fast path has read before Python is asked to open them.

Used by the handlers of listings and by the watches, on the event loop of the mount: they take a listing if nothing can
have happened since that they do not know of.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.library_interface import LISTED_FILE, PREPARED
from magicfs.fuse.listed_files import ListedFiles
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from magicfs.tree.real.directories import RealDirectory, RealDirectoryListing

_NANOSECONDS = 10**9


class PreparedListing(NamedTuple):
    """What a directory had when a program asked to open it."""

    read_at: float
    """When reading began, by the monotonic clock."""
    version: tuple[int, int] | None
    """That of the directory, as `RealDirectory.version_nowait` returns it, before its names were read; None without."""
    watch: int
    """The number of the kernel's watch, which has begun before that."""
    names: list[bytes] | None
    """None if there were too many, or they could not be read."""
    found: bytes
    """A `struct listed_file` for each."""

    @classmethod
    def take(cls) -> PreparedListing | None:
        """The one for the request that was received last, if there is one."""
        read = FAST_PATH.take_prepared()
        if not read:
            return None
        read_ns, mtime_ns, ctime_ns, watch, is_listed, count, name_bytes = PREPARED.unpack_from(read)
        first_name = PREPARED.size + count * LISTED_FILE.size
        names = read[first_name : first_name + name_bytes].split(b"\0")[:-1] if is_listed else None
        found = read[PREPARED.size : first_name]
        version = (mtime_ns, ctime_ns) if is_listed else None
        return cls(read_ns / _NANOSECONDS, version, watch, names, found)

    def is_fresh(self) -> bool:
        """Whether what has changed since may be seen later."""
        return time.monotonic() - self.read_at < REAL_FILE_TIMEOUT_SECONDS

    def listing_of(self, directory: RealDirectory) -> tuple[RealDirectoryListing, ListedFiles | None] | None:
        """The listing of the directory, with its files; None if it is to be read."""
        if self.names is None:
            return None
        listing = RealDirectoryListing(directory, self.names)
        files = ListedFiles(directory, self.names, 0, found=self.found, read_at=self.read_at) if self.names else None
        return listing, files
