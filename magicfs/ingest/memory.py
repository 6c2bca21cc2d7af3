"""What the last scans met, so that a rescan of an unchanged tree asks the database for next to nothing.

It lives as long as its agent, about 80 bytes a file, and mirrors what full scans wrote to the database. Whoever
else writes or deletes rows puts their directories in doubt: those are compared with the database itself next
time. Threads may share one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from magicfs.domain.ids import RootId
from magicfs.ingest.paths import directories_above


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
