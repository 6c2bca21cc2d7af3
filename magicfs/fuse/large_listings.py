"""Listings of large directories: a node for each name would cost too much, so most are names alone.

Used by the operations, on the event loop of the mount. A program that reads the names of a large directory rarely wants
the attributes of each: a name is looked up when it is used. Where Python has looked many up, the next listings have the
attributes. Those that the fast path looks up do not count: that takes no longer than to list them with attributes, and
what a program has read then may be too old by the time it asks.
"""

from __future__ import annotations

import pyfuse3
from pyfuse3 import EntryAttributes, FileNameT, InodeT, ModeT

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.library_interface import NAME_ALONE
from magicfs.tree.directories import DirectoryListing
from magicfs.tree.real_directories import RealDirectoryListing

NAMES_WITH_ATTRIBUTES = 1000
"""So many first names of a large directory are listed with their attributes, for who looks at the first ones alone."""
LOOKUPS_OF_NAMES = 1000
"""A program that has Python look up so many names of a directory wants the attributes of all."""


class LargeListings:
    """Which directories were listed with names alone, and how many of their names Python has looked up since."""

    def __init__(self) -> None:
        self._lookups: dict[int, int] = {}

    def note_lookup(self, ino: int) -> None:
        """Count a look-up of a name in a directory that Python has answered."""
        if ino in self._lookups:
            self._lookups[ino] += 1

    def forget(self, ino: int) -> None:
        """Forget a directory that the kernel has forgotten."""
        self._lookups.pop(ino, None)

    def of_names(self, listing: DirectoryListing, ino: int, start: int) -> RealDirectoryListing | None:
        """The listing of a directory if what follows on position `start` is replied as names alone, else None."""
        if start < NAMES_WITH_ATTRIBUTES or not FAST_PATH.is_loaded:
            return None
        if not isinstance(listing, RealDirectoryListing) or not listing.numbers:
            return None
        return listing if self._lookups.setdefault(ino, 0) < LOOKUPS_OF_NAMES else None


def reply_with_names(token: pyfuse3.ReaddirToken, listing: RealDirectoryListing, start: int, *, first: int) -> None:
    """Reply with names from position `start` on until the reply is full. Positions in the reply are `first` higher."""
    entry = EntryAttributes()
    entry.generation = NAME_ALONE
    for position in range(start, len(listing.names)):
        entry.st_ino, entry.st_mode = InodeT(listing.numbers[position]), ModeT(listing.kinds[position])
        if not pyfuse3.readdir_reply(token, FileNameT(listing.names[position]), entry, position + 1 + first):
            return
