"""The agent of a host: keeps the index in line with the host's roots, and notifies workers of waiting work.

One agent a host runs `Agent.run` in the foreground, under the claim of its host. All state that matters is in Postgres:
a new agent scans first.
Its threads:

- `look` loads the roots and sends notifications;
- `scanner` scans roots that are due or that somebody asked to scan;
- `watcher` starts and ends the watches of the roots, each of which has two threads of its own;
- `heartbeat` renews the claim of the host, which says that the agent is alive, and records the workers of the cluster
  that answer it;
- `vector-index` builds or drops the index of vectors;
- `multilingual` looks whether the index needs a multilingual model, and prepares it.
- `statistics` keeps the statistics of growing tables new while there is work.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from magicfs.config import Settings
from magicfs.db import embeddings as embeddings_db
from magicfs.db import files as files_db
from magicfs.db import heartbeats, planner_statistics, vector_index
from magicfs.db import roots as roots_db
from magicfs.db.embedding_queue import SECOND_VECTOR
from magicfs.db.pool import Connection, Database
from magicfs.domain.ids import ModelId, RootId
from magicfs.domain.models import ClaimableModel
from magicfs.domain.roots import RegisteredRoot, Root, RootState
from magicfs.errors import HostTaken, MagicFSError, SchemaError
from magicfs.ingest.host_claim import HostClaim
from magicfs.ingest.scanner import Scanner
from magicfs.ingest.watcher import Watcher
from magicfs.jobs import JobQueue
from magicfs.logs import Outage

log = logging.getLogger(__name__)

NOTIFY_SECONDS = 0.25
"""Time between two looks for waiting work, so the most that a lost message costs while there is work. Who changes the
roots or wants a scan announces it, which is noticed at once (`magicfs.db.listener`)."""

IDLE_AFTER_SECONDS = 10.0
"""An agent is idle when for so long no work waited that somebody does, and nobody asked for a scan."""

IDLE_SECONDS = 5.0
"""Time between two looks of an idle agent, instead of NOTIFY_SECONDS."""

IDLE_WORKERS_SECONDS = 20.0
"""Pause of an idle agent between two questions which workers answer. `heartbeats.WORKER_SECONDS` has room for two."""

COMPARE_SECONDS = 3600.0
"""A periodic scan compares with the database itself, not with what earlier scans have seen, after so long without."""

MISSING_SCAN_SECONDS = 5.0
"""Time between two scans of a missing root, so the most until its return is noticed."""

WATCH_RETRY_SECONDS = 10.0
"""Pause after a watch that failed. Each new watch begins with a scan of its root."""

HEARTBEAT_SECONDS = 5.0

STARTUP_SECONDS = 30.0
"""For so long after its start, the agent asks every NOTIFY_SECONDS which workers answer: they start one by one."""

MAINTENANCE_SECONDS = 15.0
IDLE_MAINTENANCE_SECONDS = 30.0
"""Pauses between two notifications that maintenance is due, while there is work and without."""

VECTOR_INDEX_SECONDS = 60.0
"""Pause between two checks whether the index of vectors should be built or dropped."""

MODELS_SECONDS = 2.0
"""Pause between two looks whether the index needs a multilingual model; of an idle agent, IDLE_MODELS_SECONDS."""

IDLE_MODELS_SECONDS = 20.0

STATISTICS_SECONDS = 5.0
"""Pause between two checks of the planner's statistics while there is work."""

ERROR_PAUSE_SECONDS = 1.0
"""Pause after an error, such as a database that restarts."""


class Agent:
    """The agent of one host."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        queue: JobQueue,
        claim: HostClaim,
        *,
        embedding_paused: Callable[[], bool] = lambda: False,
        start_multilingual: Callable[[threading.Event], None] = lambda _: None,
    ) -> None:
        """`database` needs room for seven connections; `claim` is the claim of the settings' host, which is held.

        While `embedding_paused` returns True, this host's embed workers embed only what a person just saved.
        `start_multilingual` is called again and again, in a thread of its own; it ends early when the event is set.
        """
        self._start_multilingual = start_multilingual
        self._embedding_paused = embedding_paused
        self._idle_from = time.monotonic() + IDLE_AFTER_SECONDS
        self._waiting: set[tuple[ModelId, int]] = set()
        """The models of which chunks waited at the last look, each with the highest priority of them."""
        self._settings = settings
        self._claim = claim
        self._database = database
        self._queue = queue
        self._stopping = threading.Event()
        self._outage = Outage(log)
        self._scanner = Scanner(
            database, queue, claim=claim, stopping=self._stopping.is_set, on_change=self._notice_change
        )
        self._watcher = Watcher(self._scanner, rescan=self._request_scan)
        self._roots: dict[RootId, RegisteredRoot] = {}
        self._last_scan: dict[RootId, float] = {}
        """When the last scan of each root began; a root without one is due now."""
        self._scan_wanted_at: dict[RootId, datetime | None] = {}
        """`scan_wanted_at` of each root when its last scan began: a later value is a new request."""
        self._compared_at: dict[RootId, float] = {}
        """When the last scan of each root began that compared with the database itself."""
        self._begun: set[RootId] = set()
        """The roots whose first scan has begun: they are watched from now on."""
        self._scan_requested = threading.Event()
        self._roots_changed = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. When another machine takes the host, sets `stop` and raises `HostTaken`."""
        log.info("agent of host %s starts", self._settings.host)
        loops: dict[str, Callable[[threading.Event], None]] = {
            "look": self._look_for_work,
            "scanner": self._scan_roots,
            "watcher": self._watch_roots,
            "heartbeat": self._send_heartbeats,
            "vector-index": self._maintain_vector_index,
            "multilingual": self._look_at_languages,
            "statistics": self._refresh_statistics,
        }
        threads = [threading.Thread(target=loop, args=(stop,), name=name) for name, loop in loops.items()]
        with self._database.listen() as self._listener:
            for thread in threads:
                thread.start()
            stop.wait()
            self._stopping.set()
            self._scan_requested.set()
            self._roots_changed.set()
            self._listener.interrupt()
            for thread in threads:
                thread.join()
        if self._claim.lost is not None:
            raise self._claim.lost
        self._claim.release()
        log.info("agent of host %s has stopped", self._settings.host)

    def _look_for_work(self, stop: threading.Event) -> None:
        maintenance_due = float("-inf")
        while not stop.is_set():
            with _errors_logged(stop, self._outage, "look"):
                self._look()
            if time.monotonic() >= maintenance_due:
                maintenance_due = time.monotonic() + (
                    IDLE_MAINTENANCE_SECONDS if self._is_idle() else MAINTENANCE_SECONDS
                )
                with _errors_logged(stop, self._outage, "maintenance"):
                    self._queue.notify_maintenance()
            self._listener.wait(IDLE_SECONDS if self._is_idle() else NOTIFY_SECONDS)

    def _look(self) -> None:
        """Load the roots, and notify the workers of the files and chunks that wait: one transaction for both."""
        with self._database.transaction() as connection:
            loaded = roots_db.list_roots(connection, host=self._settings.host)
            has_claimable_files = files_db.has_claimable_files(connection, host=self._settings.host)
            min_priority = 1 if self._all_embedding_paused(connection) else SECOND_VECTOR
            models = embeddings_db.claimable_models(connection, min_priority=min_priority)
        self._keep_roots(loaded)
        if has_claimable_files:
            self._stay_busy()
            self._queue.notify_extract(self._settings.host)
        if self._is_embedding(models):
            self._stay_busy()
        for model in models:
            self._queue.notify_embed(model.name)

    def _is_embedding(self, models: Sequence[ClaimableModel]) -> bool:
        """Whether chunks begin to wait for one of the models, or a worker has claimed some.

        Chunks of a model that no machine has would else keep the agent busy for ever.
        """
        former, self._waiting = self._waiting, {(model.id, model.priority) for model in models}
        return not self._waiting <= former or any(model.is_claimed for model in models)

    def _keep_roots(self, loaded: Sequence[RegisteredRoot]) -> None:
        """Keep the loaded roots, and request a scan of those that are new or that somebody asked to scan."""
        new = {registered.root.id for registered in loaded} - self._roots.keys()
        former, self._roots = self._roots, {registered.root.id: registered for registered in loaded}
        if self._roots != former:
            self._roots_changed.set()
        for registered in loaded:
            root, request = registered.root, registered.scan_wanted_at
            if root.id in new or (request is not None and request != self._scan_wanted_at.get(root.id)):
                self._stay_busy()
                self._request_scan(root)

    def _is_idle(self) -> bool:
        return time.monotonic() >= self._idle_from

    def _stay_busy(self) -> None:
        self._idle_from = time.monotonic() + IDLE_AFTER_SECONDS

    def _notice_change(self) -> None:
        """Look soon: a file has changed. Its reading may be put off, and no message comes when it is due."""
        if self._is_idle():
            self._stay_busy()
            self._listener.interrupt()

    def _all_embedding_paused(self, connection: Connection) -> bool:
        """Whether embed workers would be woken for nothing: those here are paused, and no other host has any."""
        if not self._embedding_paused():
            return False
        workers = heartbeats.live_workers(connection)
        return all(worker.host == self._settings.host for worker in workers if worker.kind == "embed")

    def _send_heartbeats(self, stop: threading.Event) -> None:
        began = time.monotonic()
        asked_at = float("-inf")
        while not stop.is_set():
            is_starting = time.monotonic() - began <= STARTUP_SECONDS
            pause = IDLE_WORKERS_SECONDS if self._is_idle() and not is_starting else 0.0
            with _errors_logged(stop, self._outage, "heartbeat"):
                self._claim.renew()
                if time.monotonic() >= asked_at + pause:
                    asked_at = time.monotonic()
                    workers = self._queue.workers()
                    with self._database.transaction() as connection:
                        heartbeats.record_workers(connection, workers)
            stop.wait(NOTIFY_SECONDS if is_starting else HEARTBEAT_SECONDS)

    def _maintain_vector_index(self, stop: threading.Event) -> None:
        while not stop.wait(VECTOR_INDEX_SECONDS):
            with _errors_logged(stop, self._outage, "vector index"):
                vector_index.maintain_index(self._database)

    def _look_at_languages(self, stop: threading.Event) -> None:
        while not stop.wait(IDLE_MODELS_SECONDS if self._is_idle() else MODELS_SECONDS):
            with _errors_logged(stop, self._outage, "multilingual model"):
                self._start_multilingual(stop)

    def _refresh_statistics(self, stop: threading.Event) -> None:
        while not stop.wait(STATISTICS_SECONDS):
            if not self._is_idle():
                with _errors_logged(stop, self._outage, "statistics"):
                    planner_statistics.refresh_statistics(self._database)

    def _request_scan(self, root: Root) -> None:
        self._last_scan.pop(root.id, None)
        self._scan_requested.set()

    def _scan_roots(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._scan_requested.clear()
            self._free_removed_roots()
            for root_id, registered in list(self._roots.items()):
                if stop.is_set():
                    return
                if self._seconds_until_scan(registered) <= 0.0:
                    with _errors_logged(stop, self._outage, _scan_of(root_id)):
                        self._scan(registered)
            pause = min(map(self._seconds_until_scan, list(self._roots.values())), default=MISSING_SCAN_SECONDS)
            self._scan_requested.wait(max(0.0, min(pause, MISSING_SCAN_SECONDS)))

    def _seconds_until_scan(self, registered: RegisteredRoot) -> float:
        """Seconds until the next scan of a root is due; 0 or less when it is."""
        missing = registered.state is RootState.MISSING
        pause = MISSING_SCAN_SECONDS if missing else self._settings.scan_seconds
        return self._last_scan.get(registered.root.id, float("-inf")) + pause - time.monotonic()

    def _free_removed_roots(self) -> None:
        """Free what is kept for roots that were removed. Runs between scans, which keep something for their root."""
        roots = self._roots
        for kept in (self._last_scan, self._scan_wanted_at, self._compared_at):
            for root_id in list(kept):
                if root_id not in roots:
                    kept.pop(root_id, None)
                    self._outage.ended(_scan_of(root_id))
        self._begun &= roots.keys()
        self._scanner.retain(roots.keys())

    def _scan(self, registered: RegisteredRoot) -> None:
        root, began = registered.root, time.monotonic()
        requested = registered.scan_wanted_at not in {None, self._scan_wanted_at.get(root.id)}
        compare = requested or began >= self._compared_at.get(root.id, float("-inf")) + COMPARE_SECONDS
        # Before the scan, so that a request during it leads to another one.
        self._last_scan[root.id] = began
        self._scan_wanted_at[root.id] = registered.scan_wanted_at
        if root.id not in self._begun:
            self._begun.add(root.id)
            self._roots_changed.set()
        if compare:
            self._compared_at[root.id] = began
        try:
            result = self._scanner.scan(registered, use_cache=not compare)
        except BaseException:
            self._last_scan.pop(root.id, None)
            self._compared_at.pop(root.id, None)
            raise
        if result.changed or result.deleted:
            seconds = time.monotonic() - began
            log.info(
                "scanned root %s in %.1f s: %d changed, %d deleted", root.name, seconds, result.changed, result.deleted
            )

    def _watch_roots(self, stop: threading.Event) -> None:
        watches: dict[RootId, _RootWatch] = {}
        while not stop.is_set():
            self._roots_changed.wait(IDLE_SECONDS)
            self._roots_changed.clear()
            with _errors_logged(stop, self._outage, "watches"):
                self._update_watches(watches)
        for watch in watches.values():
            watch.end()
        for watch in watches.values():
            watch.join()

    def _update_watches(self, watches: dict[RootId, _RootWatch]) -> None:
        """Start the watches of present roots that have none, and end those of other roots. Waits for no watch."""
        present = {root.id: root for root in self._present_roots()}
        for root_id, watch in list(watches.items()):
            if present.get(root_id) != watch.root:
                watch.end()
            if watch.is_over():
                del watches[root_id]
        for root_id in present.keys() - watches.keys():
            watches[root_id] = _RootWatch(
                self._watcher,
                self._outage,
                present[root_id],
                retry_s=WATCH_RETRY_SECONDS,
                refused_s=self._settings.scan_seconds,
                on_end=self._roots_changed.set,
            )

    def _present_roots(self) -> set[Root]:
        """The roots to watch. The first scan of a root begins before its watch, which takes a while for a large one."""
        return {
            registered.root
            for registered in self._roots.values()
            if registered.state is not RootState.MISSING and registered.root.id in self._begun
        }


class _RootWatch:
    """The watch of one root, in a thread of its own, and the pause after a watch that ended by itself."""

    def __init__(
        self,
        watcher: Watcher,
        outage: Outage,
        root: Root,
        *,
        retry_s: float,
        refused_s: float,
        on_end: Callable[[], None],
    ) -> None:
        """Start the watch. The pause is `refused_s` seconds when the system refuses to watch, else `retry_s`.

        `on_end` is called after both.
        """
        self.root = root
        self._watcher = watcher
        self._outage = outage
        self._retry_s = retry_s
        self._refused_s = refused_s
        self._on_end = on_end
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch-{root.name}")
        self._thread.start()

    def end(self) -> None:
        """Ask the watch to end. Does not wait for it."""
        self._ended.set()

    def is_over(self) -> bool:
        """Whether the watch and the pause after it have ended."""
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait for the end of the watch."""
        self._thread.join()

    def _run(self) -> None:
        pause = self._retry_s
        work = f"watch of root {self.root.id}"
        with _errors_logged(self._ended, self._outage, work):
            if not self._watcher.run(self.root, self._ended):
                pause = self._refused_s
        self._ended.wait(pause)
        # The next watch of the root says whether it fails too.
        self._outage.ended(work)
        self._on_end()


def _scan_of(root: RootId) -> str:
    """The name of this work for the log of outages."""
    return f"scan of root {root}"


@contextlib.contextmanager
def _errors_logged(stop: threading.Event, outage: Outage, work: str) -> Iterator[None]:
    """Log an error, pause and go on: the next round does what this one could not. `work` names what the block does.

    An outage is a line at its start and one at its end. A schema that this program does not know ends the agent:
    whoever starts it again may start the new version. So does the loss of the host, which `Agent.run` raises.
    """
    try:
        yield
    except HostTaken:
        stop.set()
    except SchemaError as error:
        if not stop.is_set():
            log.warning("the agent ends: %s", error)
        stop.set()
    except MagicFSError as error:
        if not stop.is_set():
            outage.began(work, error)
        stop.wait(ERROR_PAUSE_SECONDS)
    except Exception:
        log.exception("unexpected error")
        stop.wait(ERROR_PAUSE_SECONDS)
    else:
        outage.ended(work)
