"""The composition root: builds every service of a command, the agent, a worker or a mount from the settings.

The commands call it. It alone chooses the implementation of each protocol, and it alone imports `tasks`. Each function
imports what it builds, so that a command loads its own parts only. The functions run in the main thread.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from magicfs import config, logs
from magicfs.config import Settings
from magicfs.errors import (
    BrokerUnavailable,
    ConfigError,
    DatabaseUnavailable,
    ModelCorrupt,
    ModelError,
    ModelMismatch,
    ModelMissing,
    ServerError,
)

if TYPE_CHECKING:
    from magicfs.db.pool import Database
    from magicfs.domain.chunks import Chunk, ClaimedChunk
    from magicfs.domain.models import ModelSpec, StoredModel
    from magicfs.domain.status import BrokerStatus
    from magicfs.embedding.embedder import Embedder
    from magicfs.embedding.query_client import QueryEmbedder
    from magicfs.models.store import ModelStore
    from magicfs.pipeline.embed import EmbedService
    from magicfs.pipeline.extract import ExtractService
    from magicfs.pipeline.maintenance import MaintenanceService
    from magicfs.runtime.supervisor import Supervisor
    from magicfs.search.service import SearchService
    from magicfs.text.chunking import TokenChunker
    from tasks.queue import CeleryQueue

log = logging.getLogger(__name__)

COMMAND_CONNECT_SECONDS = 4.0
"""How long a command waits for the database. A person waits for the command."""

SERVICE_CONNECT_SECONDS = 60.0
"""How long a service waits for the database. Then it ends, and its supervisor starts it again."""

AGENT_CONNECTIONS = 5

WORKER_CONNECTIONS = 2

MOUNT_CONNECT_SECONDS = 2.0
"""How long a listing waits for the database before it fails."""

EMBEDDER_LOG = "embedder-on-demand.log"


def _load_settings() -> Settings:
    """Read the settings, and keep the variables of libpq, such as `PGPORT`, from leading past the embedded database."""
    settings = config.load()
    if settings.embedded_database:
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
    return settings


def settings_for_command() -> Settings:
    """The settings of a command that a person runs. It reports errors in its output and writes no log."""
    from magicfs.cli import terminal

    logs.setup(level="CRITICAL")
    settings = _load_settings()
    for complaint in config.unknown_variables():
        terminal.remark(f"magicfs: {complaint}")
    return settings


def settings_for_service(role: str) -> Settings:
    """The settings of a part that runs until a signal stops it. It writes a log."""
    settings = _load_settings()
    settings.make_home()
    logs.setup(level=settings.log_level, role=role, log_format=settings.log_format)
    for complaint in config.unknown_variables():
        log.warning("%s", complaint)
    return settings


def supervisor(settings: Settings) -> Supervisor:
    """The supervisor of this machine's parts."""
    from magicfs.runtime.supervisor import Supervisor

    return Supervisor(settings.home)


@contextmanager
def database_for_command(settings: Settings) -> Iterator[Database]:
    """The database. Raises `ServerError` at once when the embedded one does not run."""
    from magicfs.db.pool import Database

    if settings.embedded_database:
        require_embedded_server(settings)
    with Database(
        settings.database_dsn, application="command", size=2, connect_seconds=COMMAND_CONNECT_SECONDS
    ) as database:
        yield database


def require_embedded_server(settings: Settings) -> None:
    """Raise `ServerError` when the embedded Postgres does not run."""
    from magicfs.runtime.processes import is_listening

    if not is_listening(settings.run_dir / ".s.PGSQL.5432"):
        raise ServerError("nothing is running: run 'magicfs up' first, or set MAGICFS_DATABASE_URL")


def require_database(settings: Settings) -> None:
    """Raise `DatabaseUnavailable` when no Postgres answers at the address."""
    with database_for_command(settings) as database, database.transaction():
        pass


def probe_broker(settings: Settings) -> BrokerStatus:
    """Whether Redis takes messages now. Takes about a second at most."""
    from magicfs.domain.status import BrokerStatus
    from magicfs.runtime import redis
    from magicfs.runtime.processes import is_listening

    if settings.embedded_broker and not is_listening(redis.socket_path(settings.home)):
        return BrokerStatus(ok=False, detail="the embedded Redis does not run: run 'magicfs up'", queues={})
    return job_queue(settings).probe(settings.host)


def require_broker(settings: Settings) -> None:
    """Raise `BrokerUnavailable` when Redis takes no messages."""
    status = probe_broker(settings)
    if not status.ok:
        raise BrokerUnavailable(status.detail or "Redis takes no messages: see its log")


@contextmanager
def database_for_service(settings: Settings, *, role: str, size: int) -> Iterator[Database]:
    """The database, migrated to the schema of this version.

    Waits for the database up to SERVICE_CONNECT_SECONDS, then raises `DatabaseUnavailable`. Raises `ServerError` at
    once when the database is embedded and nothing here runs it.
    """
    from magicfs.db.pool import Database

    if settings.embedded_database and not supervisor(settings).running():
        require_embedded_server(settings)
    with Database(settings.database_dsn, application=role, size=size) as database:
        _migrate_when_reachable(database)
        yield database


def _migrate_when_reachable(database: Database) -> None:
    from magicfs.db.migrate import migrate

    deadline = time.monotonic() + SERVICE_CONNECT_SECONDS
    while True:
        try:
            migrate(database)
        except DatabaseUnavailable as error:
            if time.monotonic() > deadline:
                raise
            log.warning("waiting for the database: %s", error)
            time.sleep(1.0)
        else:
            return


def model_store(settings: Settings) -> ModelStore:
    """The models of this machine."""
    from magicfs.models.store import ModelStore

    return ModelStore(settings.model_dir)


def query_embedder(settings: Settings) -> QueryEmbedder:
    """A client of the query embedder. The client starts the query embedder's process if none runs."""
    from magicfs.embedding.query_client import QueryEmbedder

    def find_folder(spec: ModelSpec) -> Path:
        return resolve_model(settings, spec).folder

    return QueryEmbedder(settings.embedder_socket, find_folder, log_path=settings.log_dir / EMBEDDER_LOG)


def search_service(settings: Settings, database: Database) -> SearchService:
    """The search service of the mount and of `magicfs search`."""
    from magicfs.search.service import SearchService

    return SearchService(database, query_embedder(settings), default_limit=settings.search_limit)


def job_queue(settings: Settings) -> CeleryQueue:
    """The queue that notifies workers. Raises `ConfigError` when the broker's address is malformed."""
    from tasks.app import make_app
    from tasks.queue import CeleryQueue

    try:
        return CeleryQueue(make_app(settings))
    except ValueError as error:
        # The error may quote a part of the password.
        raise ConfigError(
            "MAGICFS_BROKER_URL is no address of a Redis: see docs/settings.md, and write special characters of the "
            "password as %XX"
        ) from error


def resolve_model(
    settings: Settings, spec: ModelSpec | None, *, pull_progress: Callable[[str], None] | None = None
) -> StoredModel:
    """The stored model of `spec`; with None, the model of the settings or the fallback that replaces it.

    `spec` is a model of the index, None for an index without one. With `pull_progress`, a missing or damaged model is
    pulled, and the callable gets lines for a person. Raises `ModelError`; `ModelMismatch` when this machine has, or
    pulls, other files under the name of `spec`.
    """
    store = model_store(settings)
    try:
        if spec is not None:
            return store.find_spec(spec)
        stored = store.find_or_fallback(settings.model, settings.precision)
    except (ModelMissing, ModelCorrupt, ModelMismatch):
        if pull_progress is None:
            raise
        if spec is None:
            return store.pull(settings.model, precision=settings.precision, report=pull_progress)
        store.pull(spec.name, precision=str(spec.precision), report=pull_progress)
        return store.find_spec(spec)
    if stored.notice and pull_progress is not None:
        pull_progress(stored.notice)
    return stored


def model_in_use(settings: Settings) -> ModelSpec | None:
    """The active model of the index; None when no database answers or the index has none. For a command."""
    from magicfs.errors import DatabaseError

    try:
        with database_for_command(settings) as database:
            return _active_spec(database)
    except (DatabaseError, ServerError):
        return None


def record_digests(settings: Settings, database: Database) -> None:
    """Record the digests of the models that an older version wrote into the index, if this machine has these models.

    Their vectors stay. A model that is not on this machine waits for a host that has it.
    """
    from magicfs.db.models import models_without_digest, record_digest

    with database.transaction() as connection:
        models = models_without_digest(connection)
    for model in models:
        try:
            stored = model_store(settings).find_spec(model.spec)
        except ModelError as error:
            log.info("%s gets no digest here: %s", model.spec.label, error)
            continue
        with database.transaction() as connection:
            if record_digest(connection, model, stored.spec):
                log.info("the index uses %s", stored.spec.full_label)


def ensure_active_model(settings: Settings, database: Database) -> None:
    """Activate this machine's model if the index has no active model. Raises `ModelError`.

    Models of an older version get the digests of those on this machine.
    """
    from magicfs.db.models import activate_model

    record_digests(settings, database)
    if _active_spec(database) is not None:
        return
    stored = resolve_model(settings, None)
    with database.transaction() as connection:
        activate_model(connection, stored.spec)


def pull_active_model(settings: Settings, database: Database, *, progress: Callable[[str], None]) -> StoredModel:
    """The active model of the index, pulled if this machine lacks it. An index without a model gets this machine's.

    Models of an older version get the digests of those on this machine. Raises `ModelError`.
    """
    from magicfs.db.models import activate_model

    record_digests(settings, database)
    active = _active_spec(database)
    stored = resolve_model(settings, active, pull_progress=progress)
    if active is not None and not active.digest:
        record_digests(settings, database)
    with database.transaction() as connection:
        activate_model(connection, stored.spec)
    return stored


def _active_spec(database: Database) -> ModelSpec | None:
    from magicfs.db.models import active_model

    with database.transaction() as connection:
        active = active_model(connection)
    return active.spec if active else None


def run_agent(settings: Settings, roots: list[Path]) -> None:
    """Run the agent of this host until a signal stops it, after adding `roots`.

    Waits while the agent of another machine has the host name. Raises `HostTaken` when an agent uses the state
    directory.
    """
    from magicfs.ingest.agent import Agent
    from magicfs.ingest.host_claim import HostClaim, machine_id, state_directory_locked
    from magicfs.ingest.roots import add_roots

    with (
        state_directory_locked(settings.run_dir),
        database_for_service(settings, role="agent", size=AGENT_CONNECTIONS) as database,
    ):
        stop = stop_event()
        claim = HostClaim(database, host=settings.host, machine=machine_id(settings.home))
        if not claim.wait(stop):
            return
        try:
            ensure_active_model(settings, database)
        except ModelMissing as error:
            log.warning("the index has no model yet: %s", error)
        add_roots(settings, database, roots)
        agent = Agent(settings, database, job_queue(settings), claim, embedding_paused=_embedding_paused(settings))
        agent.run(stop)


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set from now on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def run_worker(settings: Settings, *, kind: Literal["extract", "embed"], name: str | None) -> None:
    """Run a worker until a signal stops it."""
    from tasks import worker

    with database_for_service(settings, role="worker", size=1) as database:
        ensure_active_model(settings, database)
    worker.run(settings, kind=kind, name=name, build=lambda owner: WorkerServices(settings, owner=owner))


class WorkerServices:
    """Builds the services of one worker process; a `tasks.worker.ServiceFactory`.

    The process creates it after the fork, because connections must not cross one.
    """

    def __init__(self, settings: Settings, *, owner: str) -> None:
        """`owner` is the worker's name in the cluster, stable over its restarts."""
        from magicfs.db.pool import Database

        self._settings = settings
        self._owner = owner
        self._queue = job_queue(settings)
        # With `lazy_commit`, a crash of Postgres may lose the last commits. Then their work is done again.
        self._database = Database(settings.database_dsn, application=owner, size=WORKER_CONNECTIONS, lazy_commit=True)

    def extract_service(self) -> ExtractService:
        """A service that extracts the files of this host. Raises `DatabaseError` or `ModelError`."""
        from magicfs.pipeline.extract import ExtractService
        from magicfs.text.extract import FileExtractor, Limits, find_ocr

        settings = self._settings
        return ExtractService(
            self._database,
            self._queue,
            extractor=FileExtractor(limits=Limits.of(settings), ocr=find_ocr()),
            chunker=self._chunker_for(_active_spec(self._database)),
            host=settings.host,
            owner=self._owner,
            max_file_bytes=settings.max_file_mb << 20,
            max_embedded_chunks=settings.max_embedded_chunks,
        )

    def embed_service(self) -> EmbedService:
        """A service that embeds the chunks of the cluster."""
        from magicfs.embedding.embedder import FastembedEmbedder
        from magicfs.pipeline.embed import EmbedService
        from magicfs.pipeline.recut import ChunkCutter

        cutter = ChunkCutter(self._chunker_for)

        def cut(embedder: Embedder, claim: ClaimedChunk) -> list[Chunk]:
            return cutter.pieces(embedder, claim) if isinstance(embedder, FastembedEmbedder) else []

        def load(spec: ModelSpec) -> Embedder:
            return FastembedEmbedder.load(resolve_model(self._settings, spec).folder)

        return EmbedService(
            self._database,
            self._queue,
            load=load,
            cut=cut,
            owner=self._owner,
            paused=_embedding_paused(self._settings),
        )

    def _chunker_for(self, spec: ModelSpec | None) -> TokenChunker:
        """A chunker for a model of the index, or for that of the settings. Raises `ModelError`."""
        from magicfs.text.chunking import TokenChunker, max_text_tokens

        model = resolve_model(self._settings, spec)
        max_tokens = min(self._settings.chunk_tokens, max_text_tokens(model.spec))
        return TokenChunker(model.tokenizer_path, max_tokens=max_tokens)

    def maintenance_service(self) -> MaintenanceService:
        """A service that maintains the index."""
        from magicfs.pipeline.maintenance import MaintenanceService

        return MaintenanceService(self._database)


def _embedding_paused(settings: Settings) -> Callable[[], bool]:
    """Whether embedding is paused now, for those who ask again and again."""
    return lambda: settings.gentle and _on_battery()


def _on_battery() -> bool:
    """Whether this machine runs on its battery. A machine without a battery does not."""
    import psutil

    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False


def run_mount(settings: Settings, path: Path) -> None:
    """Mount and serve until a signal or an unmount ends it. Raises `MountError`."""
    from magicfs.db.pool import Database
    from magicfs.fuse import mount, mountpoint

    mountpoint.require_fuse()
    # The first connection waits long for the database; those of the mount's searches do not.
    with database_for_service(settings, role="mount", size=1):
        pass
    with Database(
        settings.database_dsn,
        application="mount",
        size=mount.DATABASE_CONNECTIONS,
        connect_seconds=MOUNT_CONNECT_SECONDS,
    ) as database:
        mount.run_mount(
            mountpoint=path, settings=settings, searcher=search_service(settings, database), database=database
        )


def run_flower(settings: Settings) -> None:
    """Run Flower until a signal stops it. Raises `ConfigError` or `ServerError`."""
    from tasks import flower

    flower.run(settings)
