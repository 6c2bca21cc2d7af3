"""`SilentDisks`: which scans wait for a disk that does not answer, as a network file system without its server.

`RootKeeper` tells when scans begin and end, and asks; `Scanner` tells which walk of the disk a scan has come to. What
hangs is not ended: a thread that waits for a disk cannot be. Any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from magicfs.domain.ids import RootId
from magicfs.ingest.walk import Walk

SILENT_SECONDS = 30.0
"""A disk that says nothing more for so long counts as silent. A slow one says something."""


@dataclass(slots=True)
class _Scan:
    """A scan that goes on."""

    walk: Walk | None = None
    """None while it asks whether the root is there."""
    waits_for: object = ""
    since: float = field(default_factory=time.monotonic)
    """When what it waits for was last seen to change, on the monotonic clock."""

    def waited_s(self, now: float) -> float:
        waits_for = "the root" if self.walk is None else self.walk.progress
        if waits_for is None or waits_for != self.waits_for:
            self.waits_for, self.since = waits_for, now
        return now - self.since


class SilentDisks:
    """The scans of one agent, and how long each has waited for its disk."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._scans: dict[RootId, _Scan] = {}

    @contextmanager
    def scanning(self, root: RootId) -> Iterator[None]:
        """A scan of a root goes on inside of the block."""
        self._scans[root] = _Scan(since=self._clock())
        try:
            yield
        finally:
            del self._scans[root]

    def begin_walk(self, root: RootId, walk: Walk) -> None:
        """The root is there, and its scan goes on with a walk."""
        if root in self._scans:
            self._scans[root].walk = walk

    def silent(self) -> set[RootId]:
        """The roots whose scans have waited for an answer for SILENT_SECONDS. Call it every few seconds."""
        now = self._clock()
        return {root for root, scan in list(self._scans.items()) if scan.waited_s(now) >= SILENT_SECONDS}
