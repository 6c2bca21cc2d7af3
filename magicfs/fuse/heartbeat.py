"""What the mount node does besides answering: it says that it is up, and learns which roots there are.

One thread of its own, so that a database that is slow or away keeps nobody waiting.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from magicfs.db.heartbeats import record_mount, remove_mount
from magicfs.db.pool import Database
from magicfs.db.roots import list_roots
from magicfs.domain.roots import Root
from magicfs.errors import MagicFSError

log = logging.getLogger(__name__)

ROOTS_SECONDS = 1.0
"""How soon a new root appears in the mirror."""
BEAT_SECONDS = 5.0
"""A mount that has not reported for four of these counts as gone."""
_LEAVE_SECONDS = 5.0
"""So long the end of the mount waits for the thread."""


class Heartbeat:
    """Reports a mount while it is entered as a context."""

    def __init__(
        self, database: Database, *, host: str, place: Path, show_roots: Callable[[Sequence[Root]], None]
    ) -> None:
        self._database = database
        self._host = host
        self._path = os.fsencode(place)
        self._show_roots = show_roots
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_LEAVE_SECONDS)
        try:
            with self._database.transaction() as connection:
                remove_mount(connection, host=self._host, path=self._path)
        except MagicFSError as error_of_database:
            log.warning("could not report the end of the mount: %s", error_of_database)

    def _run(self) -> None:
        well = True
        reported = float("-inf")
        while True:
            try:
                if time.monotonic() - reported >= BEAT_SECONDS:
                    reported = self._report()
                with self._database.transaction() as connection:
                    self._show_roots([known.root for known in list_roots(connection)])
                if not well:
                    log.info("the database is back")
                well = True
            except MagicFSError as error:
                if well:
                    log.warning("searches fail, files go on working: %s", error)
                well = False
            if self._stop.wait(ROOTS_SECONDS):
                return

    def _report(self) -> float:
        with self._database.transaction() as connection:
            record_mount(connection, host=self._host, path=self._path, pid=os.getpid())
        return time.monotonic()
