"""The agent of a host: keeps the index in line with the host's roots, and notifies workers of waiting work.

One agent a host runs `Agent.run` in the foreground, under the lease of its host. All state that matters is in Postgres:
a new agent scans first.
Its threads:

- `notifications` loads the roots and notifies workers of what waits;
- `scanner` and `watcher` keep the roots scanned and watched (`magicfs.ingest.root_keeper`), each in threads of its own;
- `heartbeat` renews the lease of the host, which says that the agent is alive, and records the workers of the cluster
  that answer it;
- `multilingual` checks whether the index needs a multilingual model, and prepares it;
- `vector-index` and `statistics` keep up what searches go by (`magicfs.ingest.index_upkeep`);
- `disk` watches the disk of the embedded database (`magicfs.ingest.storage`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from magicfs.config import Settings
from magicfs.db.cluster import heartbeats
from magicfs.db.cluster import roots as roots_db
from magicfs.db.corpus import file_claims, page_claims
from magicfs.db.pool import Connection, Database
from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.domain.files import SAVED_PRIORITY, SECOND_VECTOR_PRIORITY, display_path
from magicfs.domain.ids import ModelId
from magicfs.domain.models import ClaimableModel
from magicfs.domain.roots import RegisteredRoot, RootState
from magicfs.ingest.activity import Activity
from magicfs.ingest.host_lease import HostLease
from magicfs.ingest.index_upkeep import IndexUpkeep
from magicfs.ingest.outages import errors_logged
from magicfs.ingest.root_keeper import RootKeeper
from magicfs.ingest.scanner import Scanner
from magicfs.ingest.storage import keep_room
from magicfs.jobs import JobQueue
from magicfs.linux.process import trim_heap
from magicfs.logs import Outage
from magicfs.state_directory.allowed_roots import NOT_ADDED, AllowedRoots

log = logging.getLogger(__name__)

NOTIFY_SECONDS = 0.25
"""Pause between two checks for waiting work, so the most that a lost message costs while there is work. Who changes the
roots or wants a scan announces it, which is noticed at once (`magicfs.db.listener`)."""

IDLE_SECONDS = 5.0
"""Pause between two checks of an idle agent, instead of NOTIFY_SECONDS."""

IDLE_WORKERS_SECONDS = 60.0
"""Pause of an idle agent between two questions which workers answer: a question costs 5 ms of each of them, and as much
of the agent and Redis. `heartbeats.WORKER_SECONDS` has room for two."""

HEARTBEAT_SECONDS = 5.0

STARTUP_SECONDS = 30.0
"""How long after its start the agent asks every NOTIFY_SECONDS which workers answer: they start one by one."""

MAINTENANCE_SECONDS = 15.0
"""Pause between two notifications that maintenance is due, while there is work, and until the first one after it."""

IDLE_MAINTENANCE_SECONDS = 600.0
"""That pause when nothing has changed since the last one. A sweep is a dozen transactions, and what is due then has
graces of ten minutes."""

MODELS_SECONDS = 2.0
"""Pause between two checks whether the index needs a multilingual model; IDLE_MODELS_SECONDS of an idle agent."""

IDLE_MODELS_SECONDS = 20.0


class Agent:
    """The agent of one host."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        queue: JobQueue,
        lease: HostLease,
        *,
        background_paused: Callable[[], bool],
        start_multilingual: Callable[[threading.Event], bool],
    ) -> None:
        """`database` needs room for eleven connections; `lease` is that of the settings' host, which is held.

        While `background_paused` returns True, this host's embed workers embed only what a person just saved, and its
        extract workers read no pages of files that were read but for these.
        `start_multilingual` is called again and again, in a thread of its own; it ends early when the event is set, and
        returns whether it has started the model.
        """
        self._start_multilingual = start_multilingual
        self._background_paused = background_paused
        self.activity = Activity()
        self._waiting: set[tuple[ModelId, int]] = set()
        """The models of which chunks waited at the last check, each with the highest priority of them."""
        self._settings = settings
        self._lease = lease
        self._database = database
        self._queue = queue
        self._stopping = threading.Event()
        self._allowed_roots = AllowedRoots(settings.home)
        self._outage = Outage(log)
        scanner = Scanner(
            database, queue, hold=lease.hold, stopping=self._stopping.is_set, on_change=self._notice_change
        )
        self._keeper = RootKeeper(settings, scanner, self._outage)
        self._upkeep = IndexUpkeep(database, queue, self._outage, is_idle=self.activity.is_idle)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. When another machine takes the host, sets `stop` and raises `HostTaken`."""
        log.info("agent of host %s starts", self._settings.host)
        loops: dict[str, Callable[[threading.Event], None]] = {
            "notifications": self._send_notifications,
            "scanner": self._keeper.scan_roots,
            "watcher": self._keeper.watch_roots,
            "heartbeat": self._send_heartbeats,
            "vector-index": self._upkeep.maintain_vectors,
            "multilingual": self._check_languages,
            "statistics": self._upkeep.refresh_statistics,
        }
        if self._settings.embedded_database:
            loops["disk"] = partial(keep_room, self._settings.home, self._database, self._outage)
        threads = [threading.Thread(target=loop, args=(stop,), name=name) for name, loop in loops.items()]
        with self._database.listen() as self._listener:
            for thread in threads:
                thread.start()
            stop.wait()
            self._stopping.set()
            self._keeper.interrupt()
            self._listener.interrupt()
            for thread in threads:
                thread.join()
        if self._lease.lost is not None:
            raise self._lease.lost
        self._lease.release()
        log.info("agent of host %s has stopped", self._settings.host)

    def _send_notifications(self, stop: threading.Event) -> None:
        maintained_at = float("-inf")
        while not stop.is_set():
            with errors_logged(stop, self._outage, "notifications"):
                self.load_roots_and_notify()
            pause = MAINTENANCE_SECONDS if self.activity.has_changed else IDLE_MAINTENANCE_SECONDS
            if time.monotonic() >= maintained_at + pause:
                maintained_at = time.monotonic()
                self.activity.begin_maintenance()
                with errors_logged(stop, self._outage, "maintenance"):
                    self._queue.notify_maintenance()
            if self.activity.has_become_idle():
                # Give back what imports and scans have left free.
                trim_heap()
            self._listener.wait(IDLE_SECONDS if self.activity.is_idle() else NOTIFY_SECONDS)

    def load_roots_and_notify(self) -> None:
        """Load the roots, and notify the workers of the files and chunks that wait: one transaction for both."""
        with self._database.transaction() as connection:
            loaded = self._allowed(connection, roots_db.list_roots(connection, host=self._settings.host))
            has_waiting_files = file_claims.has_waiting_files(connection, host=self._settings.host)
            has_pages = not self._background_paused() and page_claims.has_pending_pages(
                connection, host=self._settings.host
            )
            paused = self._all_embedding_paused(connection)
            min_priority = SAVED_PRIORITY if paused else SECOND_VECTOR_PRIORITY
            models = embeddings_db.claimable_models(
                connection,
                min_priority=min_priority,
                within_s=embeddings_db.LEASE_SECONDS - embeddings_db.OVERDUE_SECONDS,
            )
        if self._keeper.keep_roots(loaded):
            self.activity.note_work()
        if has_waiting_files:
            self.activity.note_work()
        if has_waiting_files or has_pages:
            # Pages that no worker can read would else keep the agent busy for ever.
            self._queue.notify_extract(self._settings.host)
        if self._is_embedding(models):
            self.activity.note_work()
        for model in models:
            self._queue.notify_embed(model.name)

    def _allowed(self, connection: Connection, loaded: Sequence[RegisteredRoot]) -> list[RegisteredRoot]:
        """The roots that may be read. Others are reported as missing, which no worker takes files of."""
        allowed = []
        for registered in loaded:
            if self._allowed_roots.allows(registered.root.path):
                allowed.append(registered)
            elif registered.detail != NOT_ADDED:
                log.warning("root %s is not read: %s", display_path(registered.root.path), NOT_ADDED)
                roots_db.set_root_state(connection, registered.root.id, state=RootState.MISSING, detail=NOT_ADDED)
        return allowed

    def _is_embedding(self, models: Sequence[ClaimableModel]) -> bool:
        """Whether chunks begin to wait for one of the models, or a worker has claimed some.

        Chunks of a model that no machine has would else keep the agent busy for ever.
        """
        former, self._waiting = self._waiting, {(model.id, model.priority) for model in models}
        return not self._waiting <= former or any(model.is_claimed for model in models)

    def _notice_change(self) -> None:
        """Check soon for waiting work: a file has changed. Reading it may be put off, and no message ends the delay."""
        if self.activity.is_idle():
            self.activity.note_work()
            self._listener.interrupt()

    def _all_embedding_paused(self, connection: Connection) -> bool:
        """Whether embed workers would be woken for nothing: those here are paused, and no other host has any."""
        if not self._background_paused():
            return False
        workers = heartbeats.live_workers(connection)
        return all(worker.host == self._settings.host for worker in workers if worker.kind == "embed")

    def _send_heartbeats(self, stop: threading.Event) -> None:
        began = time.monotonic()
        asked_at = float("-inf")
        recorded: list[str] = []
        while not stop.is_set():
            is_starting = time.monotonic() - began <= STARTUP_SECONDS
            pause = IDLE_WORKERS_SECONDS if self.activity.is_idle() and not is_starting else 0.0
            with errors_logged(stop, self._outage, "heartbeat"):
                self._lease.renew()
                if time.monotonic() >= asked_at + pause:
                    asked_at = time.monotonic()
                    workers = self._queue.workers()
                    with self._database.transaction() as connection:
                        heartbeats.record_workers(connection, workers)
                        recorded = [worker.name for worker in heartbeats.live_workers(connection)]
                if ended := {name for name in recorded if self._settings.has_ended(name)}:
                    with self._database.transaction() as connection:
                        heartbeats.remove_workers(connection, sorted(ended))
                    recorded = [name for name in recorded if name not in ended]
                    # One that has crashed is started again.
                    began = time.monotonic()
            stop.wait(NOTIFY_SECONDS if is_starting else HEARTBEAT_SECONDS)

    def _check_languages(self, stop: threading.Event) -> None:
        while not stop.wait(IDLE_MODELS_SECONDS if self.activity.is_idle() else MODELS_SECONDS):
            with errors_logged(stop, self._outage, "multilingual model"):
                if self._start_multilingual(stop):
                    self.activity.note_work()
