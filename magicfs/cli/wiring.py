"""The composition root: builds every service of a command, the agent, a worker or a mount from the settings.

It alone chooses the implementation of each protocol, and it alone imports `tasks`. Settings and database are those of
`environment`, models those of `index_model`. Each function imports what it builds, so that a command loads its own
parts only. The functions run in the main thread.
"""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from magicfs.cli.child_process import run_in_child
from magicfs.cli.environment import (
    COMMAND_CONNECT_SECONDS,
    SERVICE_IDLE_SECONDS,
    database_for_service,
    require_schema,
    require_server,
)
from magicfs.cli.index_model import ensure_active_model, require_known_model, resolve_model
from magicfs.cli.multilingual import declare_multilingual
from magicfs.cli.multilingual_starter import MultilingualStarter
from magicfs.config import Settings
from magicfs.domain.parts import QUERY_EMBEDDER
from magicfs.errors import BrokerUnavailable, ConfigError, ModelError
from magicfs.linux.process import trim_heap

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicfs.cli.worker_services import WorkerServices
    from magicfs.db.pool import Database
    from magicfs.domain.models import ModelSpec
    from magicfs.domain.status import BrokerStatus
    from magicfs.embedding.query_client import QueryEmbedder
    from magicfs.search.service import SearchService
    from tasks.queue import CeleryQueue

log = logging.getLogger(__name__)

AGENT_CONNECTIONS = 11
"""For the threads of the agent and its scans (`magicfs.ingest.agent`): who finds none free waits for one."""

MOUNT_CONNECT_SECONDS = 2.0
"""How long a listing waits for a database that is near before it fails."""

FAR_CONNECTS = 3.0
"""How many times as long as a connection takes a listing waits for one, where the database is far away."""

EMBEDDER_LOG = f"{QUERY_EMBEDDER}.log"
"""The log of the part of `up`, which may be the one that answers."""


def probe_broker(settings: Settings) -> BrokerStatus:
    """Whether Redis takes messages now. Takes three seconds at most."""
    from magicfs.domain.status import BrokerStatus
    from magicfs.runtime import redis
    from magicfs.runtime.processes import is_listening

    if settings.local_broker and not is_listening(redis.socket_path(settings.home)):
        name = "the link to the hub" if settings.hub else "the embedded Redis"
        return BrokerStatus(ok=False, detail=f"{name} does not run: run 'magicfs up'", queues={})
    from tasks import broker

    if settings.embedded_broker:
        remedy = "run 'magicfs down', then 'magicfs up'"
    elif settings.local_broker:
        remedy = f"it is that of the hub {settings.hub}: run 'magicfs doctor' there"
    else:
        remedy = broker.CORRECT_ADDRESS
    try:
        return broker.probe(settings.broker_dsn, settings.host, remedy=remedy)
    except ValueError as error:
        raise _malformed_broker_url() from error


def require_broker(settings: Settings) -> None:
    """Raise `BrokerUnavailable` when Redis takes no messages."""
    status = probe_broker(settings)
    if not status.ok:
        raise BrokerUnavailable(status.detail or "Redis takes no messages: see its log")


def query_embedder(settings: Settings, *, may_start: bool = True) -> QueryEmbedder:
    """A client of the query embedder. It starts the query embedder's process if none runs and it `may_start`."""
    from magicfs.embedding.query_client import QueryEmbedder

    def find_folder(spec: ModelSpec) -> Path:
        return resolve_model(settings, spec).folder

    return QueryEmbedder(
        settings.embedder_socket,
        find_folder,
        may_start=may_start,
        log_path=settings.log_dir / EMBEDDER_LOG,
        options=embedder_options(settings),
    )


def embedder_options(settings: Settings) -> tuple[str, ...]:
    """The settings of the query embedder as options of its process, which reads none itself."""
    return (
        f"--free-after={settings.idle_seconds}",
        f"--log-format={settings.log_format}",
        f"--log-level={settings.log_level}",
    )


def search_service(settings: Settings, database: Database) -> SearchService:
    """The search service of the mount and of `magicfs search`."""
    from magicfs.search.service import SearchService

    embedder = query_embedder(settings)
    return SearchService(
        database,
        embedder,
        host=settings.host,
        default_limit=settings.search_limit,
        prefetch=embedder.prefetching,
    )


def job_queue(settings: Settings) -> CeleryQueue:
    """The queue that notifies workers. Raises `ConfigError` when the broker's address is malformed."""
    from tasks.app import make_app
    from tasks.queue import CeleryQueue

    try:
        return CeleryQueue(make_app(settings))
    except ValueError as error:
        raise _malformed_broker_url() from error


def _malformed_broker_url() -> ConfigError:
    # Not with the text of the error, which may quote a part of the password.
    return ConfigError(
        "MAGICFS_BROKER_URL is no address of a Redis: see docs/settings.md, and write special characters of the "
        "password as %XX"
    )


def run_agent(settings: Settings, roots: list[Path]) -> None:
    """Run the agent of this host until a signal stops it, after adding `roots`.

    Waits while the agent of another machine has the host name. Raises `HostTaken` when an agent uses the state
    directory.
    """
    from magicfs.cli.worker_services import background_paused
    from magicfs.ingest.agent import Agent
    from magicfs.ingest.host_lease import HostLease, boot_id, machine_id, state_directory_locked
    from magicfs.ingest.roots import add_roots
    from magicfs.linux.signals import stop_event

    with (
        state_directory_locked(settings),
        database_for_service(settings, role="agent", size=AGENT_CONNECTIONS) as database,
    ):
        stop = stop_event()
        database.give_up_once(stop.is_set)
        lease = HostLease(database, host=settings.host, machine=machine_id(settings.home), boot=boot_id())
        if not lease.wait(stop):
            return
        try:
            ensure_active_model(settings, database)
        except ModelError as error:
            log.warning("the index has no model yet, and files are scanned all the same: %s", error)
        declare_multilingual(settings, database)
        add_roots(settings, database, roots)
        agent = Agent(
            settings,
            database,
            job_queue(settings),
            lease,
            background_paused=lambda: background_paused(settings),
            start_multilingual=MultilingualStarter(settings, database),
        )
        agent.run(stop)


def run_hub_link(settings: Settings) -> None:
    """Stand in the place of Postgres and Redis, which are those of the hub, until a signal ends this process."""
    from magicfs.gateway import hub_link

    hub_link.run(settings)


def run_worker(
    settings: Settings, *, kind: Literal["extract", "embed"], name: str | None, model: str | None = None
) -> None:
    """Run a worker until a signal stops it. With `model`, a name, it embeds chunks of that model alone."""
    from tasks import worker

    def build(owner: str, is_stopping: Callable[[], bool]) -> WorkerServices:
        return worker_services(settings, owner=owner, model=model, is_stopping=is_stopping)

    run_in_child(lambda: _prepare_worker(settings, model))
    worker.run(settings, kind=kind, name=name, model=model, build=build)


def worker_services(
    settings: Settings, *, owner: str, model: str | None = None, is_stopping: Callable[[], bool] = lambda: False
) -> WorkerServices:
    """What builds the services of a worker: see `WorkerServices`. Called after the fork."""
    from magicfs.cli.worker_services import WorkerServices

    return WorkerServices(settings, job_queue(settings), owner=owner, model=model, is_stopping=is_stopping)


def _prepare_worker(settings: Settings, model: str | None) -> None:
    """Wait for the database. Raises `UsageError` when neither the index nor this machine knows `model`."""
    with database_for_service(settings, role="worker", size=1) as database:
        ensure_active_model(settings, database)
        if model is not None:
            require_known_model(settings, database, model)


def run_mount(settings: Settings, path: Path) -> None:
    """Mount and serve until a signal or an unmount ends it. Raises `MountError`."""
    from magicfs.db.pool import Database
    from magicfs.fuse import mount, mountpoint
    from magicfs.gateway.other_hosts import OtherHosts

    mountpoint.require_fuse()
    # The first connection waits long for the database; those of the mount's searches do not.
    with database_for_service(settings, role="mount", size=1) as database:
        connect_seconds = mount_connect_seconds(database.connected_in_s, settings)
    # What the imports have left free.
    trim_heap()
    with Database(
        settings.database_dsn,
        application="mount",
        size=mount.DATABASE_CONNECTIONS,
        connect_seconds=connect_seconds,
    ) as database:
        others = OtherHosts(settings)
        mount.run_mount(
            mountpoint=path,
            settings=settings,
            searcher=search_service(settings, database),
            database=database,
            remote_files=others.files,
            read_hosts=others.read,
        )


def mount_connect_seconds(connected_in_s: float, settings: Settings) -> float:
    """How long a listing of a mount waits for a connection to the database, which takes so long where it is reached."""
    longest = max(MOUNT_CONNECT_SECONDS, settings.search_seconds)
    return min(max(MOUNT_CONNECT_SECONDS, FAR_CONNECTS * connected_in_s), longest)


def run_mcp(settings: Settings) -> None:
    """Answer an assistant until standard input ends or a signal ends this process. Raises `ConfigError`.

    The database may come and go meanwhile: each call says whether it is there.
    """
    import importlib.util

    if importlib.util.find_spec("mcp") is None:
        raise ConfigError("the package mcp is not installed: pip install 'magicfs[mcp]'")
    from magicfs.cli.searching import seconds_to_search
    from magicfs.db.pool import Database
    from magicfs.gateway import mcp_server
    from magicfs.gateway.mcp_tools import IndexTools

    # A thread waits for input, so an exception in the main thread would end nothing. There is nothing to save.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    with Database(
        settings.database_dsn,
        application="mcp",
        size=mcp_server.CONCURRENT_CALLS,
        connect_seconds=COMMAND_CONNECT_SECONDS,
        idle_seconds=SERVICE_IDLE_SECONDS,
    ) as database:
        tools = IndexTools(
            database,
            search_service(settings, database),
            host=settings.host,
            deadline_s=seconds_to_search(settings),
        )
        mcp_server.serve(mcp_server.ToolServer(tools.all(), require_ready=lambda: _require_index(settings, database)))


def _require_index(settings: Settings, database: Database) -> None:
    """Raise `MagicFSError` when the database does not run, or its schema is not the one of this version."""
    require_server(settings)
    require_schema(settings, database)


def run_flower(settings: Settings) -> None:
    """Run Flower until a signal stops it. Raises `ConfigError` or `ServerError`."""
    from tasks import flower

    flower.run(settings)
