"""Counts what happened lately: files that were deleted from a root, files that events named in a directory.

Used by the scanner and by `import_detector`. Pure; the clock is passed in.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable


class RecentCounter:
    """Counts by key within a sliding window of time. Threads may share one."""

    def __init__(self, *, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A count is forgotten `window_s` seconds after it was added."""
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._added: deque[tuple[float, Hashable, int]] = deque()
        self._counts: Counter[Hashable] = Counter()

    def add(self, key: Hashable, count: int) -> None:
        """Add to a key's count."""
        with self._lock:
            self._added.append((self._clock(), key, count))
            self._counts[key] += count

    def count(self, key: Hashable) -> int:
        """The sum of what was added to a key within the window."""
        with self._lock:
            while self._added and self._added[0][0] < self._clock() - self._window_s:
                _, expired, count = self._added.popleft()
                self._counts[expired] -= count
                if not self._counts[expired]:
                    del self._counts[expired]
            return self._counts[key]
