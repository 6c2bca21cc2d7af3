"""How far the index is: the counts, the rate, the time left, and whether anything moves. Pure; the time is passed in.

Used by `waiting`, and by `status --watch`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from magicfs.cli import terminal
from magicfs.cli.terminal import counted

if TYPE_CHECKING:
    from magicfs.domain.status import IndexProgress

WINDOW_SECONDS = 20.0
"""Time over which the rate is measured: short, so that it follows the present load."""

STALL_SECONDS = 5.0
"""The progress has stalled if the counts are unchanged for this long. Then the reason is looked for, and said."""


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """How far the index is."""

    files_done: int
    files_total: int
    chunks_done: int
    chunks_expected: int
    """The chunks of the files read so far, and an estimate for the others from the average of these."""
    rate: float
    """Chunks a second."""
    seconds_left: float | None
    """None while there is no rate to compute it from."""

    @property
    def share(self) -> float:
        """The share that is done, in [0, 1]. A file counts as much as a chunk."""
        total = self.files_total + self.chunks_expected
        return (self.files_done + self.chunks_done) / total if total else 0.0

    @property
    def pace(self) -> str:
        """The rate, and the time left where there is one, in words."""
        return pace_text(self.rate, self.seconds_left)

    def __str__(self) -> str:
        text = (
            f"{self.files_done} of {counted(self.files_total, 'file')}, "
            f"{self.chunks_done} of {counted(self.chunks_expected, 'chunk')}"
        )
        return f"{text}, {self.pace}" if self.chunks_done < self.chunks_expected else text


def pace_text(rate: float, seconds_left: float | None) -> str:
    """A rate in chunks a second, and the time left where it is known."""
    left = "" if seconds_left is None else f", {terminal.duration(seconds_left)} left"
    return f"{rate:.0f} chunks/s{left}"


@dataclass
class RateMeter:
    """Computes the rate at which a count grows. Pure: the caller passes the time in."""

    _history: deque[tuple[float, int]] = field(default_factory=deque)

    def update(self, done: int, *, now: float) -> float:
        """The rate over the last `WINDOW_SECONDS`, when `done` is the count at the time `now`, in seconds."""
        self._history.append((now, done))
        while self._history[0][0] < now - WINDOW_SECONDS:
            self._history.popleft()
        then, before = self._history[0]
        return max(0.0, (done - before) / (now - then)) if now > then else 0.0


@dataclass
class ProgressMeter:
    """Computes the rate and the time left from counts. Pure: the caller passes the time in."""

    _meter: RateMeter = field(default_factory=RateMeter)

    def update(self, progress: IndexProgress, *, now: float) -> ProgressReport:
        """Report the progress at the time `now`, in seconds."""
        files, chunks = progress.files, progress.chunks
        done = chunks.embedded + chunks.failed
        rate, expected = self._meter.update(done, now=now), chunks.total
        if files.found:
            expected += round(files.pending * chunks.total / files.found)
        return ProgressReport(
            files_done=files.total - files.pending,
            files_total=files.total,
            chunks_done=done,
            chunks_expected=expected,
            rate=rate,
            seconds_left=(expected - done) / rate if rate else None,
        )


@dataclass
class StallDetector:
    """Notices that the counts do not change. Pure: the caller passes the time in."""

    _counts: tuple[int, ...] = ()
    _since: float = 0.0

    def is_stalled(self, report: ProgressReport, *, now: float) -> bool:
        """Whether the counts are those of `STALL_SECONDS` ago. True at most once in that time."""
        counts = (report.files_done, report.files_total, report.chunks_done, report.chunks_expected)
        if counts != self._counts:
            self._counts, self._since = counts, now
        if now - self._since < STALL_SECONDS:
            return False
        self._since = now
        return True
