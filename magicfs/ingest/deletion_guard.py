"""Whether a root is there, and is the tree that it was: a disk that is not mounted must never empty the index.

Used by the scanner. Looks at the disk, writes nothing.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence

from magicfs.domain.files import clamp_to_int64
from magicfs.domain.roots import Root

SAMPLE_FILES = 100
"""So many known files are looked for in a tree whose device number is another one."""

KnownFiles = Sequence[tuple[bytes, int, int]]
"""Path, size, and mtime in nanoseconds."""


class Absent(Exception):
    """A root is not there, or something else is in its place. The message tells a person."""


def device_of(root: Root, known_files: Callable[[], KnownFiles]) -> int:
    """The device number of a root that is there. Raises `Absent`.

    Numbers are not for ever: btrfs and NFS give others after a reboot. So under another number, the tree is taken for
    the same when it holds most of the files that are known. One of which no file is known has nothing to lose.
    A root had no link in its path when it was added: one that is there now leads to something else.
    """
    try:
        status = os.lstat(root.path)
        if stat.S_ISLNK(status.st_mode):
            raise Absent("a symbolic link is in its place: remove the root and add it anew if that is meant")
        os.scandir(root.path).close()
    except OSError as error:
        raise Absent(f"{error.strerror}: its files stay in the index until it is back") from error
    device = status.st_dev
    if device != root.device:
        known = known_files()
        if 2 * sum(_is_there(root, *file) for file in known) < len(known):
            raise Absent("another device is mounted there: remove the root and add it anew if that is meant")
    return device


def _is_there(root: Root, path: bytes, size: int, mtime_ns: int) -> bool:
    try:
        status = os.lstat(os.path.join(root.path, path))
    except OSError:
        return False
    return (status.st_size, clamp_to_int64(status.st_mtime_ns)) == (size, mtime_ns)


class Lately:
    """Counts by key, each forgotten after a while."""

    def __init__(self, *, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """What was noted counts for `window_s` seconds."""
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: deque[tuple[float, Hashable, int]] = deque()
        self._counts: Counter[Hashable] = Counter()

    def note(self, key: Hashable, count: int) -> None:
        """So many there were now."""
        with self._lock:
            self._noted.append((self._clock(), key, count))
            self._counts[key] += count

    def count(self, key: Hashable) -> int:
        """How many there were within the window."""
        with self._lock:
            while self._noted and self._noted[0][0] < self._clock() - self._window_s:
                _, old, count = self._noted.popleft()
                self._counts[old] -= count
                if not self._counts[old]:
                    del self._counts[old]
            return self._counts[key]


DELETIONS_SECONDS = 60.0
"""Long enough for `rm -r` of a large tree to be one event, short enough for a day's tidying up not to be."""

FEWEST_SUSPICIOUS = 10
"""Files. Fewer than this are read anew in a moment, should they come back."""


def is_suspicious(*, gone: int, known: int) -> bool:
    """Whether so much of a root is gone that a person should confirm before the index forgets it."""
    return gone >= FEWEST_SUSPICIOUS and 2 * gone > known
