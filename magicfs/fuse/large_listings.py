"""Listings of large directories: a node for each name would cost too much, so most are names alone.

Used by the operations, on the event loop of the mount. A program that reads the names of a large directory rarely wants
the attributes of each: a name is looked up when it is used. Where Python has looked many up, the next listings have the
attributes. Those that the fast path looks up do not count: that takes no longer than to list them with attributes, and
what a program has read then may be too old by the time it asks. A program that looks at names as it reads them, such as
`ls -l`, asks soon enough: it gets the rest with attributes.
"""

from __future__ import annotations

from pyfuse3 import EntryAttributes, InodeT, ModeT

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.handles import DirectoryReply, OpenDirectory
from magicfs.fuse.library_interface import NAME_ALONE
from magicfs.tree.directories import DirectoryListing
from magicfs.tree.real.listings import RealDirectoryListing

NAMES_WITH_ATTRIBUTES = 1000
"""The number of first names of a large directory that are listed with their attributes: some look at those alone."""
LOOKUPS_OF_NAMES = 1000
"""A program that has Python look up so many names of a directory wants the attributes of all."""
_LOOKED_UP_PART = 0.5
"""A program that looks up this part of the names that it has just read looks at all of them."""


class LargeListings:
    """Which directories were listed with names alone, and how many of their names were looked up since."""

    def __init__(self) -> None:
        self._lookups: dict[int, int] = {}
        self._lookups_of_python: dict[int, int] = {}

    def note_lookup(self, ino: int) -> None:
        """Count a look-up of a name in a directory that Python has answered."""
        if ino in self._lookups:
            self._lookups[ino] += 1
            self._lookups_of_python[ino] += 1

    def note_fast_lookup(self, ino: int) -> None:
        """Count one that the fast path has answered."""
        if ino in self._lookups:
            self._lookups[ino] += 1

    def forget(self, ino: int) -> None:
        """Forget a directory that the kernel has forgotten."""
        self._lookups.pop(ino, None)
        self._lookups_of_python.pop(ino, None)

    def of_names(self, opened: OpenDirectory, listing: DirectoryListing, start: int) -> RealDirectoryListing | None:
        """The listing of a directory if what follows on position `start` is replied as names alone, else None."""
        if start < NAMES_WITH_ATTRIBUTES or not FAST_PATH.is_loaded or opened.wants_attributes:
            return None
        if not isinstance(listing, RealDirectoryListing) or not listing.numbers:
            return None
        ino = opened.directory.ino
        of_python = self._lookups_of_python.setdefault(ino, 0)
        looked_up = self._lookups.setdefault(ino, 0) - opened.lookups_before_names
        if opened.names_replied and looked_up > opened.names_replied * _LOOKED_UP_PART:
            opened.wants_attributes = True
            return None
        return listing if of_python < LOOKUPS_OF_NAMES else None

    def fill(self, reply: DirectoryReply, listing: RealDirectoryListing, start: int) -> None:
        """Add names from position `start` on until the reply is full."""
        opened = reply.opened
        opened.version = None
        opened.lookups_before_names = self._lookups[opened.directory.ino]
        opened.names_replied = _add_names(reply, listing, start)


def _add_names(reply: DirectoryReply, listing: RealDirectoryListing, start: int) -> int:
    """Do what `LargeListings.fill` does, and return how many names the reply has."""
    entry = EntryAttributes()
    entry.generation = NAME_ALONE
    for position in range(start, len(listing.names)):
        entry.st_ino, entry.st_mode = InodeT(listing.numbers[position]), ModeT(listing.kinds[position])
        if not reply.add(listing.names[position], entry, position + 1):
            return position - start
    return len(listing.names) - start
