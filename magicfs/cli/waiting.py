"""Wait until everything that is on disk can be found, and show how far it is."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Self

from magicfs.cli import output
from magicfs.errors import DatabaseUnavailable, ServerError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from magicfs.config import Settings
    from magicfs.db.pool import Database
    from magicfs.domain.status import IndexProgress

POLL_SECONDS = 0.25
LOOKS_PAUSE = 10
"""So many times as long as a look took is the pause after it."""

LINE_SECONDS = 5.0
"""Pause between two lines where there is no terminal to draw on."""

WINDOW_SECONDS = 20.0
"""The rate is that of the last so many seconds: it follows what the machine does now."""

CHECK_SECONDS = 2.0
"""Pause between two looks at what does the work."""

HOPELESS_RESTARTS = 3
"""A part that has ended so often right after its start will not help."""

PATIENCE_SECONDS = 60.0
"""A single file may keep its worker busy for so long."""

OUTAGE_SECONDS = 30.0
"""How long the database may be away, as it is while it restarts."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far the index is."""

    files_done: int
    files_total: int
    chunks_done: int
    chunks_expected: int
    """What there is, and what the files that are still to be read will bring by the look of the others."""
    rate: float
    """Chunks a second."""
    seconds_left: float | None
    """None while there is nothing to tell it from."""

    @property
    def share(self) -> float:
        """In [0, 1]: files weigh as much as their chunks."""
        total = self.files_total + self.chunks_expected
        return (self.files_done + self.chunks_done) / total if total else 0.0

    @property
    def pace(self) -> str:
        """The rate, and the time left if that can be told."""
        left = "" if self.seconds_left is None else f", {output.duration(self.seconds_left)} left"
        return f"{self.rate:.0f} chunks/s{left}"

    def __str__(self) -> str:
        return (
            f"{self.files_done} of {self.files_total} files, {self.chunks_done} of {self.chunks_expected} chunks, "
            f"{self.pace}"
        )


@dataclass
class Meter:
    """Turns counts into a rate and a time left. Pure: the caller has the clock."""

    _history: deque[tuple[float, int]] = field(default_factory=deque)

    def update(self, progress: IndexProgress, *, now: float) -> Snapshot:
        """Take in what there is at the time `now`, in seconds."""
        files, chunks = progress.files, progress.chunks
        done = chunks.embedded + chunks.failed
        self._history.append((now, done))
        while self._history[0][0] < now - WINDOW_SECONDS:
            self._history.popleft()
        (then, before), expected = self._history[0], chunks.total
        if files.indexed:
            expected += round(files.pending * chunks.total / files.indexed)
        rate = max(0.0, (done - before) / (now - then)) if now > then else 0.0
        return Snapshot(
            files_done=files.total - files.pending,
            files_total=files.total,
            chunks_done=done,
            chunks_expected=expected,
            rate=rate,
            seconds_left=(expected - done) / rate if rate else None,
        )


@dataclass
class Patience:
    """Notices that nothing moves. Pure: the caller has the clock."""

    _counts: tuple[int, ...] = ()
    _since: float = 0.0

    def is_over(self, snapshot: Snapshot, *, now: float) -> bool:
        """Whether nothing has moved for `PATIENCE_SECONDS`; then again after as long a time."""
        counts = (snapshot.files_done, snapshot.files_total, snapshot.chunks_done, snapshot.chunks_expected)
        if counts != self._counts:
            self._counts, self._since = counts, now
        if now - self._since < PATIENCE_SECONDS:
            return False
        self._since = now
        return True


def wait_until_searchable(
    settings: Settings, database: Database, *, since: datetime, root: str | None = None
) -> Snapshot:
    """Return when every root of this host has been scanned after `since` and all that was found there is indexed.

    With the name of a `root`, whatever host has it, only that one is waited for. `since` is the database's time.
    Raises `ServerError` when what does the work is not there any more.
    """
    meter = Meter()
    seen = time.monotonic()
    checked = float("-inf")
    patience = Patience()
    with _Display() as display:
        while True:
            began = time.monotonic()
            try:
                progress, scanned = _look(settings, database, since=since, root=root)
                seen = time.monotonic()
            except DatabaseUnavailable:
                if time.monotonic() - seen > OUTAGE_SECONDS:
                    raise
            else:
                snapshot = meter.update(progress, now=seen)
                display.show(snapshot)
                if patience.is_over(snapshot, now=seen):
                    output.remark("nothing has moved for a while: 'magicfs status' and the logs may tell why")
                if scanned and not progress.files.pending and snapshot.chunks_done >= progress.chunks.total:
                    return snapshot
            if time.monotonic() - checked >= CHECK_SECONDS:
                checked = time.monotonic()
                _check_alive(settings)
            # In a large cluster a look takes a while; who waits must not be a burden.
            time.sleep(max(POLL_SECONDS, LOOKS_PAUSE * (seen - began)))


def _look(settings: Settings, database: Database, *, since: datetime, root: str | None) -> tuple[IndexProgress, bool]:
    from magicfs.db.roots import count_unscanned
    from magicfs.db.status import read_progress

    with database.transaction() as connection:
        scanned = count_unscanned(connection, host=settings.host, root=root, since=since) == 0
        return read_progress(connection, host=settings.host, root=root), scanned


def _check_alive(settings: Settings) -> None:
    """Raises `ServerError` when nobody is there any more who could do the work, as far as that runs here."""
    from magicfs.cli import wiring
    from magicfs.cli.starting import last_words

    parts = wiring.supervisor(settings).parts()
    if not parts and settings.embedded_database:
        raise ServerError("it was stopped meanwhile: run 'magicfs up' to go on")
    for part in parts:
        if part.state == "backoff" and part.restarts >= HOPELESS_RESTARTS:
            log = settings.log_dir / f"{part.name}.log"
            raise ServerError(f"{part.name} does not stay up: {last_words(log)}: see {log}")


class _Display:
    """A bar on a terminal, a line now and then elsewhere. On standard error."""

    def __init__(self) -> None:
        self._console = output.remarks()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._said = float("-inf")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

            self._bar = Progress(
                BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), console=self._console
            )
            self._task = self._bar.add_task("looking for files", total=1.0)
            self._bar.start()
        return self

    def show(self, snapshot: Snapshot) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=snapshot.share, description=str(snapshot))
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            output.remark(str(snapshot))

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
