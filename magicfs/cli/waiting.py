"""Waits until everything on disk is searchable, and shows the progress.

Used by `magicfs up --wait` and `scan --wait`. It only reads the database and asks the supervisor: it scans and starts
nothing. Main thread.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self

from magicfs.cli import environment, multilingual, terminal
from magicfs.cli.progress import STALL_SECONDS, ProgressMeter, ProgressReport, StallDetector
from magicfs.cli.stalled import explain, read_situation
from magicfs.cli.stuck_parts import stopped_lines, stopped_processes
from magicfs.errors import DatabaseStarting, DatabaseUnavailable, ServerError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from magicfs.config import Settings
    from magicfs.db.pool import Database
    from magicfs.domain.status import IndexProgress, PartStatus

POLL_SECONDS = 0.25
_RECOVERS = "waiting for the database, which recovers first if it has crashed: nothing is lost"

PAUSE_FACTOR = 10
"""The pause after a query of the progress is this many times as long as the query, or longer."""

LINE_SECONDS = 5.0
"""Pause between two lines of progress where there is no terminal for a bar."""

BAR_COLUMNS = 80
"""Cells of a line, below which there is no bar."""
COUNT_COLUMNS = 72
"""Cells that a bar leaves to the counts of ten thousands of chunks."""

CHECK_SECONDS = 2.0
"""Pause between two checks that the parts run."""

MAX_RESTARTS = 3
"""A part that has ended again after this many restarts counts as failed."""

REPEAT_SECONDS = 60.0
"""Pause before the same reason is said again."""

OUTAGE_SECONDS = 30.0
"""How long the database may be unavailable, as it is during a restart. One that starts is waited for."""


def wait_until_searchable(
    settings: Settings, database: Database, *, since: datetime, root: str | None = None
) -> ProgressReport:
    """Wait until every root of this host was scanned after `since`, the database's time, and its files are indexed.

    With the name of a `root`, on any host, wait for that root only. An index that needs a multilingual model gets it
    then, and what that reads alone is waited for too. Says why if nothing moves for `STALL_SECONDS`, and within
    `CHECK_SECONDS` that a part of this machine is stopped.
    Raises `ServerError` when the parts of this machine were stopped or keep failing, and `DatabaseUnavailable` after
    `OUTAGE_SECONDS`.
    """
    checked = float("-inf")
    with ProgressDisplay() as display:
        wait = _Wait(settings, database, since=since, root=root, display=display)
        while (report := wait.check()) is None:
            if time.monotonic() - checked >= CHECK_SECONDS:
                checked = time.monotonic()
                wait.check_parts()
            # In a large cluster the query takes a while: commands that wait must not load the database.
            time.sleep(max(POLL_SECONDS, PAUSE_FACTOR * wait.query_seconds))
    return report


class _Wait:
    """What a wait has seen and said so far."""

    def __init__(
        self, settings: Settings, database: Database, *, since: datetime, root: str | None, display: ProgressDisplay
    ) -> None:
        self._settings = settings
        self._database = database
        self._since = since
        self._root = root
        self._display = display
        self._meter = ProgressMeter()
        self._stall_detector = StallDetector()
        self._reasons = _Reasons()
        self._answered = time.monotonic()
        self._has_models = False
        self._stopped: list[str] = []
        """A line for each part of this machine that is stopped, which says more than what moves."""
        self.query_seconds = 0.0
        """What the last query of the progress has taken."""

    def check(self) -> ProgressReport | None:
        """Show the progress, or say why there is none. Returns it when everything is searchable.

        Raises `DatabaseUnavailable` when the database has been away for OUTAGE_SECONDS, and not because it starts.
        """
        began = time.monotonic()
        try:
            progress, scanned = _read(self._settings, self._database, since=self._since, root=self._root)
        except DatabaseUnavailable as error:
            self._await_database(error)
            return None
        self._answered = time.monotonic()
        self.query_seconds = self._answered - began
        report = self._meter.update(progress, now=self._answered)
        self._display.show(report)
        if scanned and not progress.files.pending and report.chunks_done >= progress.chunks.total:
            if self._has_models:
                return report
            with suppress(DatabaseUnavailable):
                multilingual.ensure_multilingual(self._settings, self._database, progress=terminal.remark)
                self._has_models = True
                return self.check()
        if self._stall_detector.is_stalled(report, now=self._answered) and not self._stopped:
            with suppress(DatabaseUnavailable):
                situation = read_situation(self._settings, self._database, since=self._since, root=self._root)
                self._reasons.say(explain(situation), now=self._answered)
        return None

    def check_parts(self) -> None:
        """Say which parts of this machine are stopped.

        Raises `ServerError` when the parts of this machine do not run, or one of them does not stay up.
        """
        self._stopped = stopped_lines(stopped_processes(_require_parts(self._settings)))
        if self._stopped:
            self._reasons.say("; ".join(self._stopped), now=time.monotonic())

    def _await_database(self, error: DatabaseUnavailable) -> None:
        """Say that the database is away, once it has been for a while.

        Raises `error` after OUTAGE_SECONDS, in which it has not said that it starts.
        """
        now = time.monotonic()
        self.query_seconds = 0.0
        if isinstance(error, DatabaseStarting):
            self._answered = now
            self._reasons.say(_RECOVERS, now=now)
            return
        if now - self._answered > OUTAGE_SECONDS:
            raise error
        if now - self._answered > STALL_SECONDS:
            self._reasons.say(f"waiting for the database: {error}", now=now)


def _read(settings: Settings, database: Database, *, since: datetime, root: str | None) -> tuple[IndexProgress, bool]:
    """The progress, and whether all roots in question have been scanned."""
    from magicfs.db.cluster.roots import list_unscanned
    from magicfs.db.status import read_progress

    with database.transaction() as connection:
        scanned = not list_unscanned(connection, host=settings.host, root=root, since=since)
        return read_progress(connection, host=settings.host, since=since, root=root), scanned


def _require_parts(settings: Settings) -> list[PartStatus]:
    """The parts of this machine. Raises `ServerError` when they do not run, or one of them does not stay up."""
    from magicfs.cli.part_logs import explain_failure

    parts = environment.supervisor(settings).parts()
    if not parts and settings.local_database:
        raise ServerError("stopped by another command: run 'magicfs up' to go on")
    for part in parts:
        if part.state == "backoff" and part.restarts >= MAX_RESTARTS:
            log_path = settings.log_dir / f"{part.name}.log"
            line = explain_failure(part.name, log_path, home=settings.home)
            raise ServerError(f"{part.name} does not stay up: {line}: see {log_path}")
    return parts


@dataclass
class _Reasons:
    """Prints why nothing moves: each new reason, and the same one again after `REPEAT_SECONDS`."""

    _said: str = ""
    _said_at: float = 0.0

    def say(self, reason: str, *, now: float) -> None:
        if reason != self._said or now - self._said_at >= REPEAT_SECONDS:
            self._said, self._said_at = reason, now
            terminal.remark(reason)


class ProgressDisplay:
    """Progress on standard error: a bar on a terminal, a line every `LINE_SECONDS` elsewhere."""

    def __init__(self) -> None:
        self._console = terminal.remarks()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._printed = float("-inf")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn
            from rich.table import Column

            columns: list[ProgressColumn] = [
                TaskProgressColumn(table_column=Column(no_wrap=True, min_width=len("100%"))),
                TextColumn("{task.description}", table_column=Column(overflow="fold")),
            ]
            if self._console.width >= BAR_COLUMNS:
                columns.insert(0, BarColumn(min(40, self._console.width - COUNT_COLUMNS)))
            self._bar = Progress(*columns, console=self._console)
            self._task = self._bar.add_task("looking for files", total=1.0)
            self._bar.start()
        return self

    def show(self, report: ProgressReport) -> None:
        """Show how far the index is."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=report.share, description=str(report))
        elif time.monotonic() - self._printed >= LINE_SECONDS:
            self._printed = time.monotonic()
            terminal.remark(str(report))

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
