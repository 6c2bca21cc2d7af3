"""A clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Stands still. It is called as `time.monotonic` is."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
