"""The deadline of one search: how long its statements and its waits may take together.

The search service makes it, and `magicfs.db.pool` checks it before each statement. Any thread may ask it.
"""

from __future__ import annotations

import time

from magicfs.errors import DeadlineExceeded


class Deadline:
    """A moment of the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        """The moment in `seconds` seconds from now."""
        self._moment = time.monotonic() + seconds

    def seconds_left(self) -> float:
        """The seconds until the deadline, more than 0. Raises `DeadlineExceeded`."""
        seconds = self._moment - time.monotonic()
        if seconds <= 0:
            raise self.exceeded()
        return seconds

    def is_over(self, *, for_s: float = 0.0) -> bool:
        """Whether the moment has passed, by `for_s` seconds or more."""
        return time.monotonic() >= self._moment + for_s

    def exceeded(self) -> DeadlineExceeded:
        """The error of a search that took longer."""
        return DeadlineExceeded("the search took too long: try again, or ask with fewer words")
