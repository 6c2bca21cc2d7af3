"""The agent of a host: keeps its roots in line with the disk, and rings for work that waits.

One agent a host runs `Agent.run` in the foreground. Its threads: the scanner (periodic and requested scans), the
watcher (restarted when the set of roots changes), the heartbeat, which waits for the workers to answer, the upkeep
of the index of vectors, and the caller's, which rings. All state that matters
is in Postgres: an agent that dies is replaced by one that scans first.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from magicfs.config import Settings
from magicfs.db import embeddings as embeddings_db
from magicfs.db import files as files_db
from magicfs.db import heartbeats, vector_index
from magicfs.db import roots as roots_db
from magicfs.db.pool import Database
from magicfs.domain.ids import RootId
from magicfs.domain.roots import RegisteredRoot, Root, RootState
from magicfs.errors import MagicFSError
from magicfs.ingest.scanner import Scanner
from magicfs.ingest.watcher import Watcher
from magicfs.jobs import JobQueue

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How soon a lost doorbell is rung again."""

ROOTS_SECONDS = 0.25
"""How soon a root that was added or a scan that was asked for is noticed."""

ABSENCE_SECONDS = 5.0
"""How soon a root that was missing is noticed once it is back."""

SCANS_SECONDS = 1.0
"""How soon a scan that is due begins."""

HEARTBEAT_SECONDS = 5.0
STARTING_SECONDS = 30.0
"""So long after its start the agent beats at every turn: the workers come up one after the other."""
MAINTENANCE_SECONDS = 15.0
UPKEEP_SECONDS = 60.0
"""Pause between two looks whether the index of vectors should be built or dropped."""
WATCH_AGAIN_SECONDS = 10.0
"""Pause after a watch that failed; each new one begins with a scan of its roots."""
RETRY_SECONDS = 1.0
"""Pause after an error, such as a database that restarts."""


class Agent:
    """The agent of one host."""

    def __init__(self, settings: Settings, database: Database, queue: JobQueue) -> None:
        """`database` needs room for five connections."""
        self._settings = settings
        self._database = database
        self._queue = queue
        self._stopping = threading.Event()
        self._scanner = Scanner(database, queue, stopping=self._stopping.is_set)
        self._watcher = Watcher(self._scanner, rescan=self._rescan)
        self._roots: dict[RootId, RegisteredRoot] = {}
        self._begun: dict[RootId, float] = {}
        """When the last scan of each root began; none for a root that is to be scanned at once."""
        self._answered: dict[RootId, datetime | None] = {}
        """The request that each root's last scan answers, done or under way."""
        self._wake = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        log.info("agent of host %s starts", self._settings.host)
        loops = (self._scan_forever, self._watch_forever, self._beat_forever, self._keep_up_forever)
        threads = [threading.Thread(target=loop, args=(stop,), name=loop.__name__.strip("_")) for loop in loops]
        for thread in threads:
            thread.start()
        chores = [
            _Chore(self._load_roots, every=ROOTS_SECONDS),
            _Chore(self._ring, every=TICK_SECONDS),
            _Chore(self._queue.notify_maintenance, every=MAINTENANCE_SECONDS),
        ]
        while not stop.is_set():
            for chore in chores:
                with _survived(stop):
                    chore.run_if_due(time.monotonic())
            stop.wait(TICK_SECONDS)
        self._stopping.set()
        self._wake.set()
        for thread in threads:
            thread.join()
        log.info("agent of host %s has stopped", self._settings.host)

    def _load_roots(self) -> None:
        with self._database.transaction() as connection:
            known = roots_db.list_roots(connection, host=self._settings.host)
        new = [entry for entry in known if entry.root.id not in self._roots]
        self._roots = {entry.root.id: entry for entry in known}
        for entry in known:
            asked = entry.scan_wanted_at
            if entry in new or (asked is not None and asked != self._answered.get(entry.root.id)):
                self._rescan(entry.root)

    def _ring(self) -> None:
        with self._database.transaction() as connection:
            has_claimable_files = files_db.has_claimable_files(connection, host=self._settings.host)
            has_claimable_chunks = embeddings_db.has_claimable_chunks(connection)
        if has_claimable_files:
            self._queue.notify_extract(self._settings.host)
        if has_claimable_chunks:
            self._queue.notify_embed()

    def _beat_forever(self, stop: threading.Event) -> None:
        began = time.monotonic()
        while not stop.is_set():
            with _survived(stop):
                workers = self._queue.workers()
                with self._database.transaction() as connection:
                    heartbeats.record_agent(connection, host=self._settings.host)
                    heartbeats.record_workers(connection, workers)
            stop.wait(HEARTBEAT_SECONDS if time.monotonic() - began > STARTING_SECONDS else TICK_SECONDS)

    def _keep_up_forever(self, stop: threading.Event) -> None:
        while not stop.wait(UPKEEP_SECONDS):
            with _survived(stop):
                vector_index.maintain_index(self._database)

    def _rescan(self, root: Root) -> None:
        self._begun.pop(root.id, None)
        self._wake.set()

    def _scan_forever(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            for root_id, known in list(self._roots.items()):
                if stop.is_set():
                    return
                pause = ABSENCE_SECONDS if known.state is RootState.MISSING else self._settings.scan_seconds
                if time.monotonic() >= self._begun.get(root_id, float("-inf")) + pause:
                    with _survived(stop):
                        self._scan(known)
            self._wake.wait(SCANS_SECONDS)

    def _scan(self, known: RegisteredRoot) -> None:
        began = time.monotonic()
        # Set before the scan, so that a request that comes while it runs leads to another one.
        self._begun[known.root.id] = began
        self._answered[known.root.id] = known.scan_wanted_at
        try:
            result = self._scanner.scan(known)
        except BaseException:
            self._begun.pop(known.root.id, None)
            raise
        if result.changed or result.deleted:
            log.info(
                "scanned root %s in %.1f s: %d changed, %d gone",
                known.root.name,
                time.monotonic() - began,
                result.changed,
                result.deleted,
            )

    def _watch_forever(self, stop: threading.Event) -> None:
        while not stop.is_set():
            watched = self._present()
            if not watched:
                stop.wait(RETRY_SECONDS)
                continue
            changed = threading.Event()
            guard = threading.Thread(target=self._end_watch, args=(watched, changed, stop), name="watch-guard")
            guard.start()
            pause = WATCH_AGAIN_SECONDS
            with _survived(stop):
                if not self._watcher.run(sorted(watched, key=lambda root: root.id), changed):
                    pause = self._settings.scan_seconds
            changed.wait(pause)
            changed.set()
            guard.join()

    def _end_watch(self, watched: set[Root], changed: threading.Event, stop: threading.Event) -> None:
        """End a watch when the roots are others, or the agent stops."""
        while not stop.wait(TICK_SECONDS) and not changed.is_set():
            if self._present() != watched:
                break
        changed.set()

    def _present(self) -> set[Root]:
        return {known.root for known in self._roots.values() if known.state is not RootState.MISSING}


class _Chore:
    """Something to be done every so many seconds."""

    def __init__(self, action: Callable[[], None], *, every: float) -> None:
        self._action = action
        self._every = every
        self._due = 0.0

    def run_if_due(self, now: float) -> None:
        if now >= self._due:
            self._due = now + self._every
            self._action()


@contextlib.contextmanager
def _survived(stop: threading.Event) -> Iterator[None]:
    """Log an error and go on: the next round makes up for what this one could not do."""
    try:
        yield
    except MagicFSError as error:
        log.warning("%s", error)
        stop.wait(RETRY_SECONDS)
    except Exception:
        log.exception("unexpected error")
        stop.wait(RETRY_SECONDS)
