"""Bring up what `magicfs up` asks for: checks first, servers next, then everything that needs them.

What fails half way is taken back: a machine on which nothing ran is left with nothing running, one on which
something ran is left as it was.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.cli import output, wiring
from magicfs.config import Settings
from magicfs.errors import MagicFSError, MountError, ServerError
from magicfs.fuse import mountpoint
from magicfs.runtime import parts as parts_of
from magicfs.runtime import postgres, redis
from magicfs.runtime.parts import Part
from magicfs.runtime.processes import wait_until
from magicfs.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from magicfs.db.pool import Database
    from magicfs.domain.models import StoredModel

SERVER_SECONDS = 90.0
"""The first start creates a database; one after a crash may have much to recover."""

MOUNT_SECONDS = 30.0
WARM_UP_SECONDS = 20.0
TRIES = 2
"""A part that has been started so often and ended each time will not come up by itself."""

NOT_FOR_PARTS = frozenset({"workers", "mount"})
"""Settings that tell `up` what to start; no part of it reads them."""

MOUNT_READS = frozenset({"database_url", "host", "search_seconds", "search_limit", "log_level"})
"""Settings that the mount reads."""


@dataclass(frozen=True, slots=True)
class Request:
    """What should run."""

    roots: Sequence[Path]
    mount: Path | None
    """Absolute; None leaves a mount that is there alone."""
    workers: int | None
    """None leaves their number alone."""
    gentle: bool | None
    """None leaves that alone too."""
    tied: bool
    """Whether it all ends with the calling process."""


@dataclass(frozen=True, slots=True)
class Started:
    """What runs now."""

    model: StoredModel
    mount: Path | None
    began: datetime
    """The database's time before anything was looked at."""


def bring_up(settings: Settings, request: Request) -> Started:
    """Start or change what runs on this machine. Raises `MagicFSError`; then everything is as it was before."""
    supervisor = wiring.supervisor(settings)
    with supervisor.locked():
        former = supervisor.wanted()
        _check(settings, request, former)
        with _taken_back(supervisor, former):
            return _start(settings, request, supervisor, former)


def _check(settings: Settings, request: Request, former: Sequence[Part]) -> None:
    """Everything that can be known to fail before anything is started."""
    from magicfs.ingest.roots import check_root

    mounts = [os.fsencode(request.mount)] if request.mount else []
    for root in request.roots:
        check_root(root, home=settings.home, mounts=mounts)
    if request.mount is not None and request.mount != mount_of(former):
        mountpoint.prepare(request.mount, roots=[], host=settings.host)
    if settings.embedded_database:
        postgres.binaries()
    else:
        wiring.require_database(settings)
    if settings.embedded_broker:
        redis.binary()
    else:
        wiring.require_broker(settings)
    if shutil.which("setpriv") is None:
        raise ServerError("the program setpriv is missing: install util-linux")


def _start(settings: Settings, request: Request, supervisor: Supervisor, former: Sequence[Part]) -> Started:
    from magicfs.db.migrate import migrate
    from magicfs.db.pool import Database
    from magicfs.db.roots import database_time

    settings = _as_gentle_as_wanted(settings, request, former)
    servers = parts_of.server_parts(settings.home, database=settings.embedded_database, broker=settings.embedded_broker)
    if not former:
        output.remark("starting")
        supervisor.apply(servers, tied=request.tied)
    _wait_for_servers(settings, supervisor)
    with Database(settings.database_dsn, application="up", size=1) as database:
        migrate(database)
        with database.transaction() as connection:
            began = database_time(connection)
        model = wiring.model_of_index(settings, database, say=output.remark)
        mount = request.mount or mount_of(former)
        _add_roots(settings, database, request, mount)
        if mount is not None and mount != mount_of(former):
            _check_against_roots(settings, database, mount)
    services = parts_of.service_parts(
        embed_workers=_workers(settings, request, former),
        embedder=("--socket", str(settings.embedder_socket), "--models", str(settings.model_dir)),
        mount=mount,
        environment=environment_of(settings),
        mount_environment=environment_of(settings, only=MOUNT_READS),
    )
    supervisor.apply([*servers, *services])
    if mount is not None:
        _wait_for_mount(settings, supervisor, mount)
    _warm_up(settings, model)
    return Started(model=model, mount=mount, began=began)


def _warm_up(settings: Settings, model: StoredModel) -> None:
    """Have the query embedder load the model, so that the first search need not wait for it."""
    try:
        wiring.query_embedder(settings).embed("warm up", spec=model.spec, deadline_s=WARM_UP_SECONDS)
    except MagicFSError as error:
        output.remark(f"searches go by words alone for now: {error}")


def _add_roots(settings: Settings, database: Database, request: Request, mount: Path | None) -> None:
    """Add the roots that were asked for, and have those that are known looked at anew."""
    from magicfs.db.roots import request_scan
    from magicfs.ingest.roots import add_all

    add_all(settings, database, request.roots, mount=mount)
    with database.transaction() as connection:
        request_scan(connection)


def _check_against_roots(settings: Settings, database: Database, mount: Path) -> None:
    from magicfs.db.roots import list_roots

    with database.transaction() as connection:
        roots = [known.root for known in list_roots(connection, host=settings.host)]
    mountpoint.prepare(mount, roots=roots, host=settings.host)


@contextmanager
def _taken_back(supervisor: Supervisor, former: Sequence[Part]) -> Iterator[None]:
    """On any failure, and on Ctrl-C, make run what ran before."""
    try:
        yield
    except BaseException as why:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            if former:
                supervisor.apply(former)
            else:
                supervisor.stop()
        except MagicFSError as error:
            if str(error) != str(why):
                output.remark(f"magicfs: {error}")
        finally:
            signal.signal(signal.SIGINT, before)
        raise


def environment_of(settings: Settings, *, only: frozenset[str] | None = None) -> dict[str, str]:
    """The settings that were set, as the environment of a part: a change of one restarts the part."""
    names = settings.model_fields_set - NOT_FOR_PARTS - {"home"}
    if only is not None:
        names &= only
    values = {name: getattr(settings, name) for name in sorted(names) if not name.startswith("flower_")}
    environment = {f"MAGICFS_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    return {"MAGICFS_HOME": str(settings.home), **environment}


def mount_of(parts: Sequence[Part]) -> Path | None:
    """Where a set of parts mounts."""
    return next((Path(part.command[-1]) for part in parts if part.name == parts_of.MOUNT), None)


def _workers(settings: Settings, request: Request, former: Sequence[Part]) -> int:
    if request.workers is not None:
        return request.workers
    if request.gentle and "workers" not in settings.model_fields_set:
        return 1
    was_gentle = any(part.environment.get("MAGICFS_GENTLE") == "True" for part in former)
    if request.gentle is False and was_gentle:
        return settings.workers
    running = sum(part.name.startswith(f"{parts_of.EMBED_WORKER}-") for part in former)
    if former:
        return running
    return 1 if settings.gentle and "workers" not in settings.model_fields_set else settings.workers


def _as_gentle_as_wanted(settings: Settings, request: Request, former: Sequence[Part]) -> Settings:
    """What was asked for now, else what is set, else what runs."""
    gentle = request.gentle
    if gentle is None and "gentle" not in settings.model_fields_set:
        gentle = any(part.environment.get("MAGICFS_GENTLE") == "True" for part in former) or None
    return settings if gentle is None else settings.model_copy(update={"gentle": gentle})


def _wait_for_servers(settings: Settings, supervisor: Supervisor) -> None:
    if settings.embedded_database:
        _wait_for(settings, supervisor, parts_of.POSTGRES, lambda: postgres.answers(settings.run_dir), SERVER_SECONDS)
    if settings.embedded_broker:
        _wait_for(settings, supervisor, parts_of.REDIS, lambda: redis.answers(settings.home), SERVER_SECONDS)


def _wait_for_mount(settings: Settings, supervisor: Supervisor, mount: Path) -> None:
    try:
        _wait_for(settings, supervisor, parts_of.MOUNT, lambda: _is_mounted(mount), MOUNT_SECONDS)
    except ServerError as error:
        raise MountError(str(error)) from error


def _is_mounted(mount: Path) -> bool:
    present = mountpoint.mounted_at(mount)
    return present is not None and present.kind == mountpoint.KIND


def _wait_for(settings: Settings, supervisor: Supervisor, name: str, ready: Callable[[], bool], seconds: float) -> None:
    """Wait until a part is ready; if it ends instead, its last words say why. Raises `ServerError`."""
    log = settings.log_dir / f"{name}.log"

    def is_ready() -> bool:
        if ready():
            return True
        status = supervisor.part(name)
        if status is None or status.restarts >= TRIES:
            raise ServerError(f"{name} does not start: {last_words(log)}: see {log}")
        return False

    wait_until(is_ready, seconds=seconds, failed=f"{name} does not get ready: {last_words(log)}: see {log}", pause=0.1)


def last_words(log: Path) -> str:
    """The last line of a part's log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].strip().removeprefix("magicfs: ") if lines else "it says nothing"
