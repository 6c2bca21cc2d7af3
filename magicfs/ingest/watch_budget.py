"""How many directories the agent watches: not all that the system allows the user, whose other programs need some.

The mount watches directories too, and so do editors, file managers and tools that build programs: each of them fails
when none is left, or polls. All `WatchSet`s of an agent share one budget. Threads may share it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from magicfs.linux.inotify import max_user_watches

RESERVED_SHARE = 4
"""One of so many watches is left to other programs: at the kernel's 8,192, the least that it sets by itself, 2,048, and
at 65,536 on a machine with 8 GB, 16,384. A mount uses up to 4,096, and an editor some thousand for a large project."""

SMALL_ROOT = 512
"""So many directories of each root are watched all the same, also when a large root has used the budget."""


def agents_share(allowed: int) -> int:
    """How many of the watches that the system allows a user are the agent's."""
    return allowed - allowed // RESERVED_SHARE


class WatchBudget:
    """The watches of one agent."""

    def __init__(self, *, allowed: Callable[[], int] = max_user_watches) -> None:
        """`allowed` says how many watches the system allows a user, and raises `OSError` where it does not say."""
        self._allowed = allowed
        self._lock = threading.Lock()
        self._used = 0
        self._limit: int | None = None
        """How many may be in use; None if the system does not say."""
        self.refresh()

    def refresh(self) -> None:
        """Look how many watches the system allows now."""
        limit = None
        with contextlib.suppress(OSError, ValueError):
            limit = agents_share(self._allowed())
        with self._lock:
            self._limit = limit

    def take(self, *, of_root: int) -> bool:
        """Take a watch for a root that has `of_root` of them. Returns whether there was one."""
        with self._lock:
            if self._limit is not None and self._used >= self._limit and of_root >= SMALL_ROOT:
                return False
            self._used += 1
            return True

    def give_back(self, count: int) -> None:
        """Give watches back that have ended."""
        with self._lock:
            self._used -= count
