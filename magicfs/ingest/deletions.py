"""How many files of a root were forgotten lately: a tree that vanishes bit by bit vanishes all the same.

Used by the scanner. Threads may share one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from magicfs.domain.ids import RootId

WINDOW_SECONDS = 60.0
"""Long enough for `rm -r` of a large tree to be one event, short enough for a day's tidying up not to be."""


class Deletions:
    """Counts by root."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: dict[RootId, deque[tuple[float, int]]] = {}

    def note(self, root: RootId, count: int) -> None:
        """So many files were forgotten now."""
        with self._lock:
            self._noted.setdefault(root, deque()).append((self._clock(), count))

    def lately(self, root: RootId) -> int:
        """How many there were within the window."""
        with self._lock:
            noted = self._noted.get(root, deque())
            while noted and noted[0][0] < self._clock() - WINDOW_SECONDS:
                noted.popleft()
            return sum(count for _, count in noted)
