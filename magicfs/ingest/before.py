"""What the index believes about the files of a tree, a directory at a time: remembered, or else from the database."""

from __future__ import annotations

from functools import cached_property

from magicfs.db import files as files_db
from magicfs.db.pool import Database
from magicfs.domain.ids import RootId
from magicfs.ingest.memory import Remembered
from magicfs.ingest.paths import is_within
from magicfs.ingest.walk import Listing, Signature, unpacked


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
