"""The index's record of a root's files, a directory at a time, for comparison with the disk.

`IndexSnapshot` serves one scan, in one thread. It takes each directory from the `SnapshotCache`, and from the database
where the cache has nothing. The cache lives as long as the scanner and is shared by its threads: it keeps the listings
of the last scan, so that a rescan of an unchanged tree reads no rows.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from magicfs.db import files as files_db
from magicfs.db.pool import Database
from magicfs.domain.ids import RootId
from magicfs.ingest.walk import Listing, Signature, is_within, parent_directories, unpack_signatures


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """The entry of a root in the cache."""

    listings: dict[bytes, bytes]
    """Packed listings by directory."""
    stale: set[bytes]
    """Directories whose rows have been written since: their files must be loaded from the database."""


class SnapshotCache:
    """Packed listings by root and directory. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listings: dict[RootId, dict[bytes, bytes]] = {}
        self._stale: dict[RootId, set[bytes]] = {}
        self._own_deletions: Counter[RootId] = Counter()
        """Statements of this process that have deleted files, by root."""
        self._foreign_deletions: dict[RootId, int] = {}
        """Statements of others that had deleted files when the last scan of each root began."""

    def begin_scan(self, root: RootId, *, deletions: int) -> CachedSnapshot | None:
        """The entry of a root, as its last scan stored it; None when there is none, or others have deleted files since.

        `deletions` is the number of statements that have deleted files of the root. `store` leaves out the directories
        that are marked stale from now on.
        """
        with self._lock:
            foreign = deletions - self._own_deletions[root]
            if self._foreign_deletions.get(root, foreign) != foreign:
                self._listings.pop(root, None)
            self._foreign_deletions[root] = foreign
            stale = self._stale.pop(root, set())
            listings = self._listings.get(root)
            return None if listings is None else CachedSnapshot(dict(listings), stale)

    def store(self, root: RootId, listings: dict[bytes, bytes]) -> None:
        """Store the listings of a scan, except for directories that became stale since it began."""
        with self._lock:
            stale = self._stale.get(root, set())
            self._listings[root] = {path: packed for path, packed in listings.items() if path not in stale}

    def drop(self, root: RootId) -> None:
        """Drop all listings of a root."""
        with self._lock:
            self._listings.pop(root, None)

    def count_own_deletion(self, root: RootId) -> None:
        """Note that a statement of this process has deleted files of a root. Call it after the commit.

        A scan that begins between the two loads all rows, which is slower and as right.
        """
        with self._lock:
            self._own_deletions[root] += 1

    def mark_stale(self, root: RootId, directories: Iterable[bytes]) -> None:
        """Drop these directories, because rows of files right in them are being written."""
        with self._lock:
            self._mark_stale(root, directories)

    def mark_stale_below(self, root: RootId, paths: Iterable[bytes]) -> None:
        """Drop the directories of these paths and all directories below them, because rows there are being deleted."""
        tops = frozenset(paths)
        if not tops:
            return
        # The common prefix excludes most directories with one comparison each: paths are few, and often neighbours.
        common = os.path.commonpath(tops)
        with self._lock:
            below = [
                directory
                for directory in self._listings.get(root, {})
                if directory.startswith(common) and not tops.isdisjoint(parent_directories(directory))
            ]
            self._mark_stale(root, [*tops, *(path.rpartition(b"/")[0] for path in tops), *below])

    def _mark_stale(self, root: RootId, directories: Iterable[bytes]) -> None:
        listings = self._listings.get(root, {})
        stale = self._stale.setdefault(root, set())
        for directory in directories:
            stale.add(directory)
            listings.pop(directory, None)


class IndexSnapshot:
    """The files in the index when a scan begins. It notes the scan's listings, and tells which files the scan lacks."""

    def __init__(self, database: Database, root: RootId, directory: bytes, cached: CachedSnapshot | None) -> None:
        """The snapshot of a directory of a root. Without `cached`, all rows of the directory are loaded here."""
        self._database = database
        self._root = root
        self._cached = cached.listings if cached is not None else {}
        self._stale = cached.stale if cached is not None else set()
        self._loaded = self._load(directory) if cached is None else None
        self._seen_files = 0
        self._seen: dict[bytes, bytes] = {}

    @property
    def seen_files(self) -> int:
        """How many files the scan has seen so far."""
        return self._seen_files

    @property
    def seen_directories(self) -> Iterable[bytes]:
        """The directories that the scan has seen so far."""
        return self._seen.keys()

    def note_listing(self, listing: Listing) -> bool:
        """Note a directory of the scan. Returns whether the cache has the same listing: it is unchanged."""
        packed = listing.pack()
        self._seen[listing.path] = packed
        self._seen_files += len(listing)
        if self._cached.get(listing.path) != packed:
            return False
        del self._cached[listing.path]
        return True

    def pop_signatures(self, directory: bytes) -> dict[bytes, Signature]:
        """The signatures of the indexed files right in a directory, by name. Call it once for each directory."""
        if self._loaded is not None:
            return self._loaded.pop(directory, {})
        packed = self._cached.pop(directory, None)
        if packed is not None:
            return unpack_signatures(packed)
        with self._database.transaction() as connection:
            files = list(files_db.snapshot_of_directory(connection, self._root, directory))
        return {file.path.rpartition(b"/")[2]: (file.size, file.mtime_ns, file.ctime_ns, file.ino) for file in files}

    def unseen_files(self, unlisted: list[bytes]) -> dict[bytes, int]:
        """Inode numbers by path of the indexed files in directories that the scan has not seen.

        Files in or below an `unlisted` directory are left out. Call it at the end of the scan.
        """
        excluded = set(unlisted)
        return {
            (directory + b"/" if directory else b"") + name: signature[3]
            for directory, signatures in self._unseen.items()
            if not is_within(directory, excluded)
            for name, signature in signatures.items()
        }

    def listings_to_cache(self, unlisted: list[bytes]) -> dict[bytes, bytes]:
        """Packed listings by directory: the scan's, and the index's for the `unlisted` directories and all below them.

        Call it at the end of the scan.
        """
        kept = set(unlisted)
        return self._seen | {
            directory: Listing.of_signatures(directory, signatures).pack()
            for directory, signatures in (self._unseen.items() if kept else ())
            if is_within(directory, kept)
        }

    @cached_property
    def _unseen(self) -> dict[bytes, dict[bytes, Signature]]:
        """The indexed files of directories that the scan has not seen."""
        if self._loaded is not None:
            return self._loaded
        unseen = {directory: unpack_signatures(packed) for directory, packed in self._cached.items()}
        for directory in self._stale - self._seen.keys() - unseen.keys():
            unseen[directory] = self.pop_signatures(directory)
        return unseen

    def _load(self, directory: bytes) -> dict[bytes, dict[bytes, Signature]]:
        loaded: dict[bytes, dict[bytes, Signature]] = {}
        with self._database.transaction() as connection:
            for file in files_db.snapshot(connection, self._root, directory=directory):
                parent, _, name = file.path.rpartition(b"/")
                loaded.setdefault(parent, {})[name] = (file.size, file.mtime_ns, file.ctime_ns, file.ino)
        return loaded
