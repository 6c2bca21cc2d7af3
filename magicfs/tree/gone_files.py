"""Logs why the file of a result cannot be opened: its root is missing, or most of it is gone.

Programs get an errno alone. Used by the real files and the mirror; the mount passes the roots with their states. Safe
in any thread.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from magicfs.domain.roots import RegisteredRoot, RootState
from magicfs.tree.locations import FileLocation

log = logging.getLogger(__name__)

LOG_SECONDS: Final = 60.0
"""A root has one line in this time, however many of its files are asked for."""


class GoneFileLog:
    """Knows the roots that are missing or suspect, and when each was logged last."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._troubled: dict[tuple[str, bytes], RegisteredRoot] = {}
        self._logged_at: dict[tuple[str, bytes], float] = {}

    def set_roots(self, roots: Iterable[RegisteredRoot]) -> None:
        """Replace the roots. A root that is there again is forgotten: its next trouble has a line at once."""
        troubled = {
            (entry.root.host, entry.root.path): entry for entry in roots if entry.state is not RootState.PRESENT
        }
        with self._lock:
            self._troubled = troubled
            self._logged_at = {key: moment for key, moment in self._logged_at.items() if key in troubled}

    def report(self, location: FileLocation) -> None:
        """Log that nothing is at `location` and what to do about it, if its root is missing or suspect."""
        key = location.host, location.root
        with self._lock:
            entry = self._troubled.get(key)
            if entry is None or self._clock() - self._logged_at.get(key, float("-inf")) < LOG_SECONDS:
                return
            self._logged_at[key] = self._clock()
        path = os.fsdecode(location.absolute)
        log.warning("%r is gone: root %s is %s: %s", path, entry.root.name, entry.state, entry.detail)
