"""Compares the directories of a walk with the index: which files are new, changed and gone, and which have only moved.

Used by the scanner, which records the difference and says in a `ScanResult` what it did. The disk is read for those
files alone that differ. A `Difference` belongs to one scan.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from magicfs.domain.files import SeenFile
from magicfs.ingest.index_snapshot import IndexSnapshot
from magicfs.ingest.walk import Listing, Walk


@dataclass(slots=True)
class Difference:
    """How the directories of a walk differ from the index. Mutable: it grows during the walk."""

    changed: int = 0
    """Recorded files that are new or have changed."""
    batches: int = 0
    """How many times files were recorded."""
    new_inodes: array[int] = field(default_factory=partial(array, "q"))
    """Inode number of each file whose path is new."""
    gone: dict[bytes, int] = field(default_factory=dict)
    """Inode numbers by path of indexed files that the walk has not seen."""
    unfinished: bool = False
    """As in the result of a scan: it ended after the first batch of changes."""


def compare(listing: Listing, walk: Walk, snapshot: IndexSnapshot, difference: Difference) -> Iterator[SeenFile]:
    """The new and changed files of a directory. Adds its new inodes and its gone files to `difference`."""
    indexed = snapshot.pop_signatures(listing.path)
    prefix = listing.path + b"/" if listing.path else b""
    for name, signature in listing.signatures().items():
        old = indexed.pop(name, None)
        if old == signature:
            continue
        if old is None:
            difference.new_inodes.append(signature[3])
        if seen := walk.stat_file(prefix + name):
            yield seen
    gone = {prefix + name: signature[3] for name, signature in indexed.items()}
    difference.gone |= {path: ino for path, ino in gone.items() if path not in walk.stat_failed}


@dataclass(frozen=True, slots=True)
class LostFiles:
    """The paths of files that the index is to forget."""

    deleted: list[bytes]
    """With nothing at their path."""
    ignored: list[bytes]
    """Still at their path: a new rule ignores them."""

    @property
    def count(self) -> int:
        """The number of files."""
        return len(self.deleted) + len(self.ignored)


def lost_files(walk: Walk, gone: dict[bytes, int], new_inodes: Iterable[int]) -> LostFiles:
    """Those of the files that are `gone` for the walk that have not moved within the root."""
    moved = set(new_inodes)
    lost = LostFiles([], [])
    for path in (path for path, ino in gone.items() if ino not in moved):
        (lost.ignored if walk.exists(path) else lost.deleted).append(path)
    return lost


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan did."""

    changed: int
    """Files that are new or have changed."""
    deleted: int
    """Files that were deleted from the index."""
    complete: bool
    """Whether every directory could be listed and every file examined."""
    suspected_deletions: int = 0
    """Files that are gone or ignored and stay in the index: a person must confirm it, or the root is absent."""
    suspected_ignored: int = 0
    """Those of them that are there: rules ignore them by now."""
    unfinished: bool = False
    """Whether the scan of a directory stopped after its first batch. A full scan must do the rest, and the events that
    wait are processed before it."""
    was_long: bool = False
    """Whether the scan of a directory took more than one batch, so that other changes had to wait for it."""
