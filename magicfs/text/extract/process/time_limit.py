"""`TimeLimit`: how long a parser may take over a file, on a machine with too much to do. Used by `file_reading`."""

from __future__ import annotations

import time

from magicfs.config import PATIENCE_SECONDS


class TimeLimit:
    """The time of one file. What its process waits for a processor is not counted, up to `PATIENCE_SECONDS` in all."""

    def __init__(self) -> None:
        self.end = time.monotonic()
        """When the reading that was begun last has used up its time, on the monotonic clock."""
        self._patience = PATIENCE_SECONDS

    def begin(self, seconds: float) -> None:
        """A reading begins, and may take so long."""
        self.end = time.monotonic() + seconds

    def seconds_left(self) -> float:
        """The time that is left of the reading; negative when it is over."""
        return self.end - time.monotonic()

    def put_off(self, seconds: float) -> float:
        """Add this time to the end, as far as patience goes. Returns how much was added."""
        added = min(seconds, self._patience)
        self._patience -= added
        self.end += added
        return added
