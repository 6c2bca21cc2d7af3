"""`RealDirectoryListing`: the names that a directory of a root has when it is opened, in an order that stays.

Used by `RealDirectory` and by the FUSE adapter. Of a large directory, what the kernel tells with the names is kept too:
a listing with names alone needs no look at the files.
"""

from __future__ import annotations

import itertools
import os
import stat
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from magicfs.tree.directories import Entry

if TYPE_CHECKING:
    from magicfs.tree.real.directories import RealDirectory

LARGE_DIRECTORY = 5_000
"""A directory with more names is large."""
_LISTING_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class RealDirectoryListing:
    """The names that a real directory had when it was opened."""

    directory: RealDirectory
    names: Sequence[bytes]
    kinds: Sequence[int] = ()
    """The type of what has each name of a large directory, as `stat.S_IFMT` returns it; 0 where it is not known."""
    numbers: Sequence[int] = ()
    """The inode number of what has each name of a large directory, in the file system below."""
    number: int = field(default_factory=_LISTING_NUMBERS.__next__, init=False)
    may_block: bool = field(default=True, init=False)

    @classmethod
    def of(cls, directory: RealDirectory, entries: Sequence[os.DirEntry[str]]) -> RealDirectoryListing:
        """The listing of what was found in a directory, sorted by name."""
        if len(entries) > LARGE_DIRECTORY:
            return cls(directory, *_names_with_kinds(entries))
        return cls(directory, sorted(os.fsencode(entry.name) for entry in entries))

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """The entries of the next `count` names without those that vanished; empty only at the end. May block."""
        batch: list[tuple[int, Entry]] = []
        while not batch and start < len(self.names):
            entries = self.directory.entries(self.names[start : start + count])
            batch = [(position, entry) for position, entry in enumerate(entries, start + 1) if entry is not None]
            start += count
        return batch


def _names_with_kinds(entries: Iterable[os.DirEntry[str]]) -> tuple[list[bytes], array[int], array[int]]:
    """The names in order, the type of each, and the inode numbers."""
    by_name = {os.fsencode(entry.name): entry for entry in entries}
    names = sorted(by_name)
    kinds = array("I", [_kind(by_name[name]) for name in names])
    return names, kinds, array("Q", [by_name[name].inode() for name in names])


def _kind(entry: os.DirEntry[str]) -> int:
    """The type of an entry, as far as the directory has it."""
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return stat.S_IFLNK if entry.is_symlink() else 0
