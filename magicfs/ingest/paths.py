"""Paths below a root, as bytes without a slash at either end; the root itself is the empty path.

Used by the scanner, the watcher and what they keep of a tree. Pure: nothing here looks at the disk.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet


class SortedPaths:
    """The keys of a mapping, sorted by path: finds those below a directory without a visit to the others.

    Whoever inserts a key into the mapping calls `add`. Removals need no call. One thread at a time.
    """

    MAX_ADDED = 1000
    """Keys that are searched one by one. With more of them all keys are sorted again."""

    def __init__(self, mapping: Mapping[bytes, object]) -> None:
        self._mapping = mapping
        self._sorted: list[bytes] = []
        """May have keys that are not in the mapping any more."""
        self._added: list[bytes] | None = None
        """Keys that `_sorted` lacks; None when it must be made anew."""

    def add(self, path: bytes) -> None:
        """Note a new key. Takes constant time."""
        if self._added is not None:
            self._added.append(path)
            if len(self._added) > self.MAX_ADDED:
                self._added = None

    def below(self, directory: bytes) -> list[bytes]:
        """The keys below a directory, without itself; every other key for the root, which is empty."""
        if not directory:
            return [path for path in self._mapping if path]
        if self._added is None:
            self._sorted, self._added = sorted(self._mapping), []
        prefix = directory + b"/"
        # `0` is the byte after the slash.
        begin, end = bisect_left(self._sorted, prefix), bisect_left(self._sorted, directory + b"0")
        candidates = self._sorted[begin:end] + [path for path in self._added if path.startswith(prefix)]
        return [path for path in dict.fromkeys(candidates) if path in self._mapping]


def parent_directory(path: bytes) -> bytes:
    """The directory that a path lies in; the root, which is empty, for a name in it and for itself."""
    return path.rpartition(b"/")[0]


def parent_directories(path: bytes) -> Iterator[bytes]:
    """All directories that a path lies in, the nearest first, the root (the empty path) last. The root has none."""
    end = len(path)
    while (end := path.rfind(b"/", 0, end)) >= 0:
        yield path[:end]
    if path:
        yield b""


def outermost(directories: set[bytes]) -> list[bytes]:
    """The directories that lie in no other one of the set, sorted."""
    return sorted(directory for directory in directories if directories.isdisjoint(parent_directories(directory)))


def is_within(path: bytes, directories: AbstractSet[bytes]) -> bool:
    """Whether a path is one of the directories or lies in one of them. The time does not depend on their number."""
    return path in directories or not directories.isdisjoint(parent_directories(path))
