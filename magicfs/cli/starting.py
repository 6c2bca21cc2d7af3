"""Starts or changes the parts of this machine for `magicfs up`: checks, then the servers, then the other parts.

Used by `magicfs up`, whose options `up_request` says. It chooses the parts and waits until they are ready
(`part_readiness`); `runtime.supervisor` runs them, each with its settings (`part_settings`). A failure half way is
undone: the former parts run again, and no others. Main thread only, because signals are handled there.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.cli import environment, failed_start, index_model, multilingual, terminal, wiring
from magicfs.cli.part_readiness import PartReadiness
from magicfs.cli.part_settings import (
    LINK_SETTINGS,
    MOUNT_SETTINGS,
    SERVE_SETTINGS,
    environment_of,
    search_environment_of,
)
from magicfs.cli.up_request import Former, UpRequest, embed_workers, with_gentle
from magicfs.config import Settings
from magicfs.domain.parts import SERVERS, Part, UpOptions
from magicfs.errors import MagicFSError, ModelCorrupt, ModelMismatch, ModelMissing, ServerError
from magicfs.fuse import mountpoint
from magicfs.runtime import postgres, postgres_cluster, redis
from magicfs.runtime.parts import hub_link_part, server_parts, service_parts
from magicfs.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from magicfs.db.pool import Database
    from magicfs.domain.models import ModelSpec

WARM_UP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class UpResult:
    """The model and the mount after a call of `magicfs up`."""

    model: ModelSpec
    mount: Path | None
    requested_at: datetime
    """The database's time before the scans that `up` asked for."""


def bring_up(settings: Settings, request: UpRequest) -> UpResult:
    """Start or change the parts of this machine. On `MagicFSError`, the former parts run again."""
    supervisor = environment.supervisor(settings)
    with supervisor.locked(remark=terminal.remark), _recorded(settings):
        former = Former(supervisor.wanted(), supervisor.options())
        _check(settings, request, former)
        with undone_on_failure(supervisor, former):
            return _start(settings, request, supervisor, former)


@contextmanager
def _recorded(settings: Settings) -> Iterator[None]:
    """Let `magicfs doctor` know whether this start has failed, and why."""
    try:
        yield
    except (MagicFSError, OSError) as error:
        failed_start.record(settings.home, error)
        raise
    failed_start.forget(settings.home)


def _check(settings: Settings, request: UpRequest, former: Former) -> None:
    """Raise `MagicFSError` for a request that is sure to fail, before anything is started."""
    from magicfs.ingest.roots import check_root

    mounts = [os.fsencode(request.mount)] if request.mount else []
    for root in request.roots:
        check_root(root, home=settings.home, mounts=mounts)
    if request.mount is not None and not (former.parts and request.mount == former.mount):
        mountpoint.prepare_mountpoint(request.mount, roots=[], host=settings.host)
    if settings.embedded_database:
        postgres_cluster.binaries()
    elif settings.hub is None:
        environment.require_database(settings)
    if settings.embedded_broker:
        redis.binary()
    elif settings.hub is None:
        wiring.require_broker(settings)
    if shutil.which("setpriv") is None:
        raise ServerError("the program setpriv is missing: install util-linux")


def _start(settings: Settings, request: UpRequest, supervisor: Supervisor, former: Former) -> UpResult:
    settings = with_gentle(settings, request, former)
    servers = _servers(settings)
    readiness = PartReadiness(settings, supervisor)
    # Parts that work with other servers, or with a server that restarts, end first.
    if {part.fingerprint for part in former.parts if part.name in SERVERS} != {part.fingerprint for part in servers}:
        terminal.remark("starting")
        supervisor.apply(servers, tied=request.tied)
    else:
        supervisor.start_halted(servers)
    readiness.wait_for_servers()
    if settings.hub is not None:
        environment.require_database(settings)
    mount = request.mount or _former_mount(settings, former)
    index = _prepare_index(settings, request.roots, mount, is_new_mount=mount != former.mount)
    options = UpOptions(embed_workers=embed_workers(settings, request, former), gentle=settings.gentle, mount=mount)
    supervisor.apply([*servers, *_services(settings, options, request.variables)], options=options)
    if settings.listen is not None:
        readiness.wait_for_serve(settings.listen)
    if mount is not None:
        readiness.wait_for_mount(mount)
    _warm_up(settings, index.searched)
    return UpResult(model=index.model, mount=mount, requested_at=index.requested_at)


def _former_mount(settings: Settings, former: Former) -> Path | None:
    """Where the last `up` mounted, if that is possible still: after a reboot, the directory may be used otherwise."""
    if former.mount is None or former.parts:
        return former.mount
    try:
        return mountpoint.prepare_mountpoint(former.mount, roots=[], host=settings.host)
    except MagicFSError as error:
        terminal.remark(f"not mounted again: {error}")
        return None


@dataclass(frozen=True, slots=True)
class _PreparedIndex:
    """An index that parts may work on."""

    model: ModelSpec
    """The active model."""
    searched: Sequence[ModelSpec]
    """The models that searches use."""
    requested_at: datetime


def _prepare_index(
    settings: Settings, roots: Sequence[Path], mount: Path | None, *, is_new_mount: bool
) -> _PreparedIndex:
    """Bring the schema, the models and the roots of the index to what this call asks for."""
    from magicfs.db.cluster.roots import database_time
    from magicfs.db.pool import Database
    from magicfs.ingest.roots import limit_roots

    with Database(settings.database_dsn, application="up", size=1) as database:
        environment.prepare_schema(settings, database)
        limit_roots(settings, database)
        with database.transaction() as connection:
            requested_at = database_time(connection)
        model = index_model.pull_active_model(settings, database, progress=terminal.remark)
        multilingual.declare_multilingual(settings, database)
        multilingual.ensure_multilingual(settings, database, progress=terminal.remark)
        searched = _searched_specs(database)
        _add_roots(settings, database, roots, mount)
        if mount is not None and is_new_mount:
            _check_against_roots(settings, database, mount)
    return _PreparedIndex(model, searched, requested_at)


def _services(settings: Settings, options: UpOptions, variables: Mapping[str, str]) -> list[Part]:
    """The parts that need the servers, each with the settings that it reads. `variables` are those of the command."""
    return service_parts(
        options,
        embedder=("--socket", str(settings.embedder_socket), *wiring.embedder_options(settings)),
        environment=environment_of(settings),
        mount_environment=environment_of(settings, only=MOUNT_SETTINGS),
        search_environment=search_environment_of(settings, variables),
        time_zone=variables.get("TZ"),
        serve_environment=environment_of(settings, only=SERVE_SETTINGS) if settings.listen else None,
    )


def _servers(settings: Settings) -> list[Part]:
    """The parts that all others need."""
    if settings.hub is not None:
        return [hub_link_part(environment_of(settings, only=LINK_SETTINGS))]
    return server_parts(
        settings.home,
        database=settings.embedded_database,
        broker=settings.embedded_broker,
        connections=None if settings.listen is None else postgres.CONNECTIONS_OF_HUB,
    )


def _searched_specs(database: Database) -> list[ModelSpec]:
    """The models that searches use."""
    from magicfs.db.vectors.models import searched_models

    with database.transaction() as connection:
        return [model.spec for model in searched_models(connection)]


def _warm_up(settings: Settings, specs: Sequence[ModelSpec]) -> None:
    """Make the query embedder load the models that this machine has, so that the first search does not wait for it."""
    embedder = wiring.query_embedder(settings, may_start=False)
    for spec, error in embedder.warm_up(specs=specs, deadline_s=WARM_UP_SECONDS).items():
        # What is missing here was said when it could not be pulled.
        if error is not None and not isinstance(error, ModelMissing | ModelMismatch | ModelCorrupt):
            terminal.remark(f"searches do without {spec.label} for now: {error}")


def _add_roots(settings: Settings, database: Database, roots: Sequence[Path], mount: Path | None) -> None:
    """Add the roots that were asked for, and ask for a scan of every root."""
    from magicfs.db.cluster.roots import request_scan
    from magicfs.ingest.roots import add_roots

    add_roots(settings, database, roots, mount=mount)
    with database.transaction() as connection:
        request_scan(connection)


def _check_against_roots(settings: Settings, database: Database, mount: Path) -> None:
    from magicfs.db.cluster.roots import list_roots

    with database.transaction() as connection:
        roots = [registered.root for registered in list_roots(connection, host=settings.host)]
    mountpoint.prepare_mountpoint(mount, roots=roots, host=settings.host)


@contextmanager
def undone_on_failure(supervisor: Supervisor, former: Former) -> Iterator[None]:
    """On any failure, and on Ctrl-C, run the former parts again."""
    try:
        yield
    except BaseException as failure:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        if isinstance(failure, KeyboardInterrupt):
            # It takes some seconds, in which a second Ctrl-C does nothing. Who reads the remarks may have ended by it.
            with suppress(OSError):
                terminal.remark("stopping what was begun")
        try:
            if former.parts:
                supervisor.apply(former.parts, options=former.options)
            else:
                supervisor.stop()
                supervisor.store_options(former.options)
        except MagicFSError as error:
            if str(error) != str(failure):
                terminal.remark(f"magicfs: {error}")
        finally:
            signal.signal(signal.SIGINT, handler)
        raise
