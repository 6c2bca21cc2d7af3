"""The composition root: settings in, services out. Nothing else in `magicfs` knows who stands behind a seam.

Everything is imported where it is needed: a command pays for its own parts only.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from magicfs import config, logs
from magicfs.config import Settings
from magicfs.errors import BrokerUnavailable, ConfigError, DatabaseUnavailable, ModelCorrupt, ModelMissing, ServerError

if TYPE_CHECKING:
    from magicfs.db.pool import Database
    from magicfs.domain.models import StoredModel
    from magicfs.embedding.query_client import QueryEmbedder
    from magicfs.models.store import ModelStore
    from magicfs.runtime.supervisor import Supervisor
    from magicfs.search.service import SearchService
    from tasks.queue import CeleryQueue

log = logging.getLogger(__name__)

COMMAND_CONNECT_SECONDS = 4.0
"""How long a command waits for a database: a person sits before it."""

SERVICE_PATIENCE_SECONDS = 60.0
"""How long a service waits for its database before it gives up and is started again."""

MOUNT_CONNECTIONS = 8
"""Searches that run at once in a mount, and two for what else it asks."""

MOUNT_CONNECT_SECONDS = 2.0
"""How long a listing takes to fail while there is no database."""

EMBEDDER_LOG = "embedder-on-demand.log"


def settings_for_command() -> Settings:
    """The settings, for a command that talks to a person: what goes wrong is said by its result, not by a log."""
    from magicfs.cli import output

    logs.setup(level="CRITICAL")
    settings = config.load()
    for complaint in config.unknown_variables():
        output.remark(f"magicfs: {complaint}")
    return settings


def settings_for_service(role: str) -> Settings:
    """The settings, for a part that runs until it is stopped and writes a log."""
    settings = config.load()
    settings.make_home()
    logs.setup(level=settings.log_level, role=role)
    for complaint in config.unknown_variables():
        log.warning("%s", complaint)
    return settings


def supervisor(settings: Settings) -> Supervisor:
    """What runs on this machine."""
    from magicfs.runtime.supervisor import Supervisor

    return Supervisor(settings.home)


@contextmanager
def database_for_command(settings: Settings) -> Iterator[Database]:
    """The database, at once or not at all. Raises `ServerError` when nothing runs."""
    from magicfs.db.pool import Database

    if settings.embedded_database:
        require_embedded_server(settings)
    with Database(
        settings.database_dsn, application="command", size=2, connect_seconds=COMMAND_CONNECT_SECONDS
    ) as database:
        yield database


def require_embedded_server(settings: Settings) -> None:
    """Raises `ServerError` when no embedded Postgres runs."""
    from magicfs.runtime.processes import accepts

    if not accepts(settings.run_dir / ".s.PGSQL.5432"):
        raise ServerError("nothing is running: run 'magicfs up' first, or set MAGICFS_DATABASE_URL")


def require_database(settings: Settings) -> None:
    """Raises `DatabaseUnavailable` when nobody answers at the address."""
    with database_for_command(settings) as database, database.transaction():
        pass


def require_broker(settings: Settings) -> None:
    """Raises `BrokerUnavailable` when nobody answers at the address."""
    if not job_queue(settings).depths(settings.host):
        raise BrokerUnavailable("no Redis answers at MAGICFS_BROKER_URL: check the address and the password")


@contextmanager
def database_for_service(settings: Settings, *, role: str, size: int) -> Iterator[Database]:
    """The database with the schema that this version needs; waits for it a while, then raises.

    An embedded one that nobody runs is not waited for. Raises `ServerError` then.
    """
    from magicfs.db.migrate import migrate
    from magicfs.db.pool import Database

    if settings.embedded_database and not supervisor(settings).running():
        require_embedded_server(settings)
    with Database(settings.database_dsn, application=role, size=size) as database:
        _patiently(lambda: migrate(database))
        yield database


def _patiently(action: Callable[[], object]) -> None:
    deadline = time.monotonic() + SERVICE_PATIENCE_SECONDS
    while True:
        try:
            action()
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
    """The way to the query embedder, which is started if none serves."""
    from magicfs.embedding.query_client import QueryEmbedder

    return QueryEmbedder(settings.embedder_socket, settings.model_dir, log=settings.log_dir / EMBEDDER_LOG)


def search_service(settings: Settings, database: Database) -> SearchService:
    """Searches as the mount makes them."""
    from magicfs.search.service import SearchService

    return SearchService(database, query_embedder(settings), default_limit=settings.search_limit)


def job_queue(settings: Settings) -> CeleryQueue:
    """The doorbell, and the workers behind it."""
    from tasks.app import make_app
    from tasks.queue import CeleryQueue

    return CeleryQueue(make_app(settings))


def adopt_model(settings: Settings, database: Database) -> None:
    """Give an index that has no model yet the one that this machine has. Raises `ModelError`."""
    from magicfs.db.models import activate_model, active_model

    with database.transaction() as connection:
        if active_model(connection) is not None:
            return
    stored = model_store(settings).find_in_use(settings.model, settings.precision)
    with database.transaction() as connection:
        activate_model(connection, stored.spec)


def model_of_index(settings: Settings, database: Database, *, say: Callable[[str], None]) -> StoredModel:
    """The model that the index has, or is to have: pulled if this machine lacks it, then made the index's own.

    Raises `ModelError`.
    """
    from magicfs.db.models import activate_model, active_model

    store = model_store(settings)
    with database.transaction() as connection:
        active = active_model(connection)
    name, precision = (active.spec.name, str(active.spec.precision)) if active else (settings.model, settings.precision)
    try:
        stored = store.find_in_use(name, precision)
        if stored.notice:
            say(stored.notice)
    except (ModelMissing, ModelCorrupt):
        stored = store.pull(name, precision=precision, progress=say)
    with database.transaction() as connection:
        activate_model(connection, stored.spec)
    return stored


def run_agent(settings: Settings, roots: list[Path]) -> None:
    """Be the agent of this host until a signal says to stop."""
    from magicfs.db.status import read_status
    from magicfs.ingest.agent import Agent
    from magicfs.ingest.roots import add_root

    with database_for_service(settings, role="agent", size=5) as database:
        try:
            adopt_model(settings, database)
        except ModelMissing as error:
            log.warning("the index has no model yet: %s", error)
        for path in roots:
            with database.transaction() as connection:
                mounts = [mount.path for mount in read_status(connection).mounts if mount.host == settings.host]
            add_root(database, host=settings.host, path=path, home=settings.home, mounts=mounts)
        Agent(settings, database, job_queue(settings)).run(stop_signal())


def stop_signal() -> threading.Event:
    """An event that is set when this process is told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def run_worker(settings: Settings, *, kind: Literal["extract", "embed"], name: str | None) -> None:
    """Be a worker until a signal says to stop."""
    from tasks import worker

    with database_for_service(settings, role="worker", size=1) as database:
        adopt_model(settings, database)
    worker.run(settings, kind=kind, name=name)


def run_mount(settings: Settings, path: Path) -> None:
    """Be a mount node until it is unmounted or a signal says to stop. Raises `MountError`."""
    from magicfs.db.pool import Database
    from magicfs.fuse import mount, mountpoint

    mountpoint.require_fuse()
    # The schema first, patiently; then connections that a search does not wait for.
    with database_for_service(settings, role="mount", size=1):
        pass
    with Database(
        settings.database_dsn, application="mount", size=MOUNT_CONNECTIONS, connect_seconds=MOUNT_CONNECT_SECONDS
    ) as database:
        mount.run_mount(
            mountpoint=path, settings=settings, searcher=search_service(settings, database), database=database
        )


def run_flower(settings: Settings) -> None:
    """Be Flower until a signal says to stop. Raises `ConfigError` when it is not installed or has no password."""
    import importlib.util

    from tasks.app import make_app

    if not settings.flower_password:
        raise ConfigError("Flower needs a password: set MAGICFS_FLOWER_PASSWORD")
    if set(settings.flower_user + settings.flower_password) & set(",\n") or ":" in settings.flower_user:
        raise ConfigError("Flower cannot use a password with a comma or a user with a colon: choose others")
    if importlib.util.find_spec("flower") is None:
        raise ConfigError("Flower is not installed: pip install 'magicfs[flower]'")
    _require_free_port(settings)
    # It would run a `flowerconfig.py` that lies in the working directory.
    os.chdir(settings.home)
    make_app(settings).start(
        [
            "flower",
            f"--address={settings.flower_address}",
            f"--port={settings.flower_port}",
            f"--basic-auth={settings.flower_user}:{settings.flower_password}",
            "--persistent=false",
        ]
    )


def _require_free_port(settings: Settings) -> None:
    """Find out before Flower does: it would tell with a traceback. Raises `ServerError`."""
    family = socket.AF_INET6 if ":" in settings.flower_address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.flower_address, settings.flower_port))
        except OSError as error:
            raise ServerError(
                f"Flower cannot listen on {settings.flower_address}:{settings.flower_port} ({error.strerror}): "
                "set MAGICFS_FLOWER_ADDRESS and MAGICFS_FLOWER_PORT to what is free"
            ) from error
