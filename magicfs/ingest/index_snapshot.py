"""The index's record of a root's files, a directory at a time, for comparison with the disk.

`IndexSnapshot` serves one scan, in one thread. It takes each directory from the `SnapshotCache`, and from the database
where the cache has nothing. The cache lives as long as the scanner and is shared by its threads: it keeps the listings
of the last scan, so that a rescan of an unchanged tree reads no rows.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from magicfs.db.corpus import files as files_db
from magicfs.db.pool import Database
from magicfs.domain.ids import RootId
from magicfs.ingest.paths import SortedPaths, is_within, outermost, parent_directory
from magicfs.ingest.walk import Listing, Signature, unpack_signatures


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
        self._directories: dict[RootId, SortedPaths] = {}
        """The directories of `_listings`."""
        self._stale: dict[RootId, set[bytes]] = {}
        self._stale_below: dict[RootId, set[bytes]] = {}
        """Directories below which everything has become stale since the last scan began: that scan may find, and
        have found, directories there that `_directories` lacks."""
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
                self._drop(root)
            self._foreign_deletions[root] = foreign
            stale = self._stale.pop(root, set())
            self._stale_below.pop(root, None)
            listings = self._listings.get(root)
            return None if listings is None else CachedSnapshot(dict(listings), stale)

    def store(self, root: RootId, listings: dict[bytes, bytes]) -> None:
        """Store the listings of a scan, except for directories that became stale since it began."""
        with self._lock:
            below = self._stale_below.get(root)
            if below:
                self._mark_stale(root, [path for path in listings if is_within(path, below)])
            stale = self._stale.get(root, set())
            kept = {path: packed for path, packed in listings.items() if path not in stale}
            self._listings[root] = kept
            self._directories[root] = SortedPaths(kept)

    def drop(self, root: RootId) -> None:
        """Drop all listings of a root. Not during a scan of it."""
        with self._lock:
            self._drop(root)
            self._drop_stale(root)

    def retain(self, roots: Collection[RootId]) -> None:
        """Drop everything of other roots: they were removed."""
        with self._lock:
            # Events may have come of a root that was never scanned.
            known = {*self._listings, *self._foreign_deletions, *self._own_deletions, *self._stale, *self._stale_below}
            for root in known.difference(roots):
                self._drop(root)
                self._drop_stale(root)
                self._foreign_deletions.pop(root, None)
                self._own_deletions.pop(root, None)

    def _drop(self, root: RootId) -> None:
        self._listings.pop(root, None)
        self._directories.pop(root, None)

    def _drop_stale(self, root: RootId) -> None:
        self._stale.pop(root, None)
        self._stale_below.pop(root, None)

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

    def mark_stale_parents(self, root: RootId, paths: Iterable[bytes]) -> None:
        """Drop the directories of these files, because their rows are being moved."""
        self.mark_stale(root, {parent_directory(path) for path in paths})

    def mark_stale_below(self, root: RootId, paths: Iterable[bytes]) -> None:
        """Drop the directories of these paths and all directories below them, because rows there are being deleted."""
        named = set(paths)
        if not named:
            return
        with self._lock:
            self._stale_below.setdefault(root, set()).update(named)
            directories = self._directories.get(root)
            below: list[bytes] = []
            if directories is not None:
                for top in outermost(named):
                    below += directories.below(top)
            self._mark_stale(root, [*named, *(parent_directory(path) for path in named), *below])

    def _mark_stale(self, root: RootId, directories: Iterable[bytes]) -> None:
        listings = self._listings.get(root, {})
        stale = self._stale.setdefault(root, set())
        for directory in directories:
            stale.add(directory)
            listings.pop(directory, None)


class IndexSnapshot:
    """The files in the index when a scan begins. It notes the scan's listings, and tells which files the scan lacks.

    It holds packed listings only, about 60 bytes a file, and drops each one when the scan has seen its directory.
    """

    def __init__(self, database: Database, root: RootId, directory: bytes, cached: CachedSnapshot | None) -> None:
        """The snapshot of a directory of a root. Without `cached`, all rows of the directory are loaded here."""
        self._database = database
        self._root = root
        self._is_loaded = cached is None
        """Whether `_indexed` has every directory: a directory that it lacks has no files."""
        self._indexed = self._load(directory) if cached is None else cached.listings
        """Packed listings by directory, except for those that the scan has seen."""
        self._stale = set() if cached is None else cached.stale
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
        """Note a directory of the scan. Returns whether the index has the same listing: it is unchanged."""
        packed = listing.pack()
        self._seen_files += len(listing)
        indexed = self._indexed.get(listing.path)
        if indexed != packed:
            self._seen[listing.path] = packed
            return False
        # The older object: the cache has it too.
        self._seen[listing.path] = self._indexed.pop(listing.path)
        return True

    def pop_signatures(self, directory: bytes) -> dict[bytes, Signature]:
        """The signatures of the indexed files right in a directory, by name. Call it once for each directory."""
        packed = self._indexed.pop(directory, None)
        if packed is not None:
            return unpack_signatures(packed)
        return {} if self._is_loaded else self._load_directory(directory)

    def unseen_files(self, unlisted: list[bytes]) -> dict[bytes, int]:
        """Inode numbers by path of the indexed files in directories that the scan has not seen.

        Files in or below an `unlisted` directory are left out. Call it at the end of the scan.
        """
        excluded = set(unlisted)
        return {
            (directory + b"/" if directory else b"") + name: signature[3]
            for directory, packed in self._unseen()
            if not is_within(directory, excluded)
            for name, signature in unpack_signatures(packed).items()
        }

    def listings_to_cache(self, unlisted: list[bytes]) -> dict[bytes, bytes]:
        """Packed listings by directory: the scan's, and the index's for the `unlisted` directories and all below them.

        Call it at the end of the scan.
        """
        kept = set(unlisted)
        if kept:
            self._seen |= {directory: packed for directory, packed in self._unseen() if is_within(directory, kept)}
        return self._seen

    def _unseen(self) -> Iterator[tuple[bytes, bytes]]:
        """The directories that the scan has not seen, and their packed listings."""
        for directory in self._stale - self._seen.keys() - self._indexed.keys():
            self._indexed[directory] = Listing.of_signatures(directory, self._load_directory(directory)).pack()
        yield from self._indexed.items()

    def _load_directory(self, directory: bytes) -> dict[bytes, Signature]:
        with self._database.transaction() as connection:
            files = list(files_db.snapshot_of_directory(connection, self._root, directory))
        return {file.path.rpartition(b"/")[2]: (file.size, file.mtime_ns, file.ctime_ns, file.ino) for file in files}

    def _load(self, directory: bytes) -> dict[bytes, bytes]:
        """Packed listings by directory. The rows come by path, so a listing ends with the last path below it."""
        loaded: dict[bytes, bytes] = {}
        unfinished: list[Listing] = []
        with self._database.transaction() as connection:
            for file in files_db.snapshot(connection, self._root, directory=directory):
                parent, _, name = file.path.rpartition(b"/")
                while unfinished and not _is_below(parent, unfinished[-1].path):
                    listing = unfinished.pop()
                    loaded[listing.path] = listing.pack()
                if not unfinished or unfinished[-1].path != parent:
                    unfinished.append(Listing(parent, []))
                unfinished[-1].fields.extend((name, file.size, file.mtime_ns, file.ctime_ns, file.ino))
        return loaded | {listing.path: listing.pack() for listing in unfinished}


def _is_below(path: bytes, directory: bytes) -> bool:
    """Whether a path is a directory or below it. Every path is below the root, which is empty."""
    return not directory or path == directory or path.startswith(directory + b"/")
