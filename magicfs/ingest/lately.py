"""How much of something there was within the last seconds: what happens bit by bit happens all the same.

Used by the scanner. Threads may share one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable


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
