"""What the index believes about the files of a tree, a directory at a time: remembered, or else from the database."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from magicfs.db import files as files_db
from magicfs.db.pool import Database
from magicfs.domain.ids import RootId
from magicfs.ingest.walk import Listing, Signature, directories_above, is_within, unpacked


class Before:
    """One scan's view of the index before it. Not for several threads."""

    def __init__(self, database: Database, root: RootId, below: bytes, remembered: Remembered | None) -> None:
        """Compare with what is `remembered` of each directory below `below`; what is not comes from the database."""
        self._database = database
        self._root = root
        self._remembered = remembered.listings if remembered is not None else {}
        self._doubtful = remembered.doubtful if remembered is not None else set()
        self._stored = self._load(below) if remembered is None else None
        self._count = 0
        self.met: dict[bytes, bytes] = {}
        """The listings of this scan, packed."""

    def _load(self, below: bytes) -> dict[bytes, dict[bytes, Signature]]:
        stored: dict[bytes, dict[bytes, Signature]] = {}
        with self._database.transaction() as connection:
            for file in files_db.snapshot(connection, self._root, below=below):
                directory, _, name = file.path.rpartition(b"/")
                stored.setdefault(directory, {})[name] = (file.size, file.mtime_ns, file.ctime_ns, file.ino)
        return stored

    def holds(self, listing: Listing) -> bool:
        """Whether a directory is remembered just as it is now."""
        packed = listing.packed()
        self.met[listing.path] = packed
        self._count += len(listing)
        if self._remembered.get(listing.path) != packed:
            return False
        del self._remembered[listing.path]
        return True

    def signatures(self, directory: bytes) -> dict[bytes, Signature]:
        """What the index believes about the files right in a directory. Asked once for each."""
        if self._stored is not None:
            return self._stored.pop(directory, {})
        remembered = self._remembered.pop(directory, None)
        if remembered is not None:
            return unpacked(remembered)
        with self._database.transaction() as connection:
            files = list(files_db.snapshot_of_directory(connection, self._root, directory))
        return {file.path.rpartition(b"/")[2]: (file.size, file.mtime_ns, file.ctime_ns, file.ino) for file in files}

    def count_met(self) -> int:
        """How many files this scan has met so far."""
        return self._count

    def to_remember(self, unseen: list[bytes]) -> dict[bytes, bytes]:
        """What the next scan can rely on: the listings of this one, and what is known of what it could not see."""
        hidden = set(unseen)
        return self.met | {
            directory: Listing(directory, [field for name, rest in names.items() for field in (name, *rest)]).packed()
            for directory, names in (self._left.items() if hidden else ())
            if is_within(directory, hidden)
        }

    def unmet(self, unseen: list[bytes]) -> dict[bytes, int]:
        """Inode numbers of the files of directories that were not met, by path; none at or below an `unseen` one."""
        hidden = set(unseen)
        return {
            (directory + b"/" if directory else b"") + name: signature[3]
            for directory, names in self._left.items()
            if not is_within(directory, hidden)
            for name, signature in names.items()
        }

    @cached_property
    def _left(self) -> dict[bytes, dict[bytes, Signature]]:
        """What the index believes about directories that were not met. For the end of a scan."""
        if self._stored is not None:
            return self._stored
        left = {directory: unpacked(packed) for directory, packed in self._remembered.items()}
        for directory in self._doubtful - self.met.keys() - left.keys():
            left[directory] = self.signatures(directory)
        return left


@dataclass(frozen=True, slots=True)
class Remembered:
    """What can be relied on of the last complete scan of a root."""

    listings: dict[bytes, bytes]
    """Packed listings by directory."""
    doubtful: set[bytes]
    """Directories whose rows have been written since."""


class Memory:
    """Packed listings by root and directory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roots: dict[RootId, dict[bytes, bytes]] = {}
        self._doubtful: dict[RootId, set[bytes]] = {}

    def recall(self, root: RootId) -> Remembered | None:
        """What the last complete scan of a root met; None when there is nothing to rely on.

        Doubts that come from now on hold for what will be kept.
        """
        with self._lock:
            doubtful = self._doubtful.pop(root, set())
            known = self._roots.get(root)
            return None if known is None else Remembered(dict(known), doubtful)

    def keep(self, root: RootId, listings: dict[bytes, bytes]) -> None:
        """Remember a complete scan, but for what has come into doubt since it began."""
        with self._lock:
            doubtful = self._doubtful.get(root, set())
            self._roots[root] = {path: packed for path, packed in listings.items() if path not in doubtful}

    def forget(self, root: RootId) -> None:
        """Rely on nothing that is remembered of a root."""
        with self._lock:
            self._roots.pop(root, None)

    def doubt(self, root: RootId, directories: Iterable[bytes]) -> None:
        """Rows of files right in these directories are being written."""
        with self._lock:
            self._doubt(root, directories)

    def doubt_below(self, root: RootId, paths: Iterable[bytes]) -> None:
        """Rows at or below these paths are being deleted."""
        tops = frozenset(paths)
        if not tops:
            return
        # What all have in common costs one comparison a directory. It often is one path, or a few that are neighbours.
        common = os.path.commonpath(tops)
        with self._lock:
            below = [
                directory
                for directory in self._roots.get(root, {})
                if directory.startswith(common) and not tops.isdisjoint(directories_above(directory))
            ]
            self._doubt(root, [*tops, *(path.rpartition(b"/")[0] for path in tops), *below])

    def _doubt(self, root: RootId, directories: Iterable[bytes]) -> None:
        known = self._roots.get(root, {})
        doubtful = self._doubtful.setdefault(root, set())
        for directory in directories:
            doubtful.add(directory)
            known.pop(directory, None)
