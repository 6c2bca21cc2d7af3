"""A worker: one process, one kind of work, one child, one model.

The parent only receives messages. What the work needs is made in the child, after the fork, and again in each
child that replaces a dead one; there the worker's stable name frees what the dead one held.
"""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import billiard.pool
import psutil
from celery import signals

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.errors import MagicFSError, UsageError
from magicfs.pipeline.embed import EmbedService
from magicfs.pipeline.extract import ExtractService
from magicfs.pipeline.maintenance import MaintenanceService
from tasks.app import EMBED_QUEUE, MAINTENANCE_QUEUE, extract_queue, make_app
from tasks.queue import CeleryQueue

log = logging.getLogger(__name__)

LOWEST_PRIORITY = 19

LEAVING_TRIES = 10
"""Tenths of a second that a child which leaves waits for its parent to have counted all of its results. Once a child
has crashed, that count may be one short for ever, and billiard's own patience of 300 would hold up every stop by half a
minute. Nothing of ours depends on a result."""

Kind = Literal["extract", "embed"]


@dataclass(frozen=True, slots=True)
class Role:
    """What this worker is. Set in the parent; the children inherit it."""

    settings: Settings
    kind: Kind
    name: str


_roles: list[Role] = []


def run(settings: Settings, *, kind: Kind, name: str | None = None) -> None:
    """Work until a signal says to stop.

    `name` must be unique in the cluster and stable over restarts, and begin with the kind. Without one, it is made of
    the name of this machine or container and, should that be in use here, a number. Raises `UsageError` for a name
    that cannot be used or is in use here.
    """
    settings.make_home()
    name = _claim_given_name(settings, kind, name) if name else _claim_free_name(settings, kind)
    queues = [EMBED_QUEUE] if kind == "embed" else [extract_queue(settings.host), MAINTENANCE_QUEUE]
    _roles.append(Role(settings, kind, f"{name}@{settings.host}"))
    # Reading makes files findable by their words, and costs little beside embedding: it goes first.
    least = LOWEST_PRIORITY if settings.gentle else settings.nice
    os.nice(least if kind == "embed" else least // 2)
    billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = LEAVING_TRIES
    make_app(settings).worker_main(
        [
            "worker",
            f"--hostname={name}@{settings.host}",
            f"--queues={','.join(queues)}",
            "--concurrency=1",
            "--pool=prefork",
            f"--loglevel={settings.log_level.upper()}",
            "--task-events",
            "--without-gossip",
            "--without-mingle",
        ]
    )


def _claim_given_name(settings: Settings, kind: Kind, name: str) -> str:
    if not re.fullmatch(rf"{kind}-[\w.-]+", name):
        raise UsageError(f"a worker of this kind cannot be named '{name}': call it '{kind}-' and letters or digits")
    if not _claim(settings, name):
        raise UsageError(f"a worker named '{name}' runs here already: give this one another --name")
    return name


def _claim_free_name(settings: Settings, kind: Kind) -> str:
    machine = re.sub(r"[^\w.-]", "-", socket.gethostname())
    candidates = (f"{kind}-{machine}" + (f"-{number}" if number > 1 else "") for number in itertools.count(1))
    return next(name for name in candidates if _claim(settings, name))


def _claim(settings: Settings, name: str) -> bool:
    """Take a name for as long as this process lives; whether no other one here has it."""
    lock = os.open(settings.run_dir / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    return True


@cache
def database() -> Database:
    """This process's connections. A crash of Postgres may lose the last commits: they are only done again."""
    role = _roles[-1]
    return Database(role.settings.database_dsn, application=role.name, size=2, lazy_commit=True)


@cache
def queue() -> CeleryQueue:
    """This process's way to ring for others."""
    return CeleryQueue(make_app(_roles[-1].settings))


@cache
def extraction() -> ExtractService:
    """The service behind `tasks.extract`, with a parser process of its own."""
    from magicfs.db.models import active_model
    from magicfs.models.store import ModelStore
    from magicfs.text.chunking import TokenChunker, room_for_text
    from magicfs.text.extract import FileExtractor, Limits
    from magicfs.text.extract.ocr import find_ocr

    settings = _roles[-1].settings
    with database().transaction() as connection:
        active = active_model(connection)
    store = ModelStore(settings.model_dir)
    if active is None:
        model = store.find_in_use(settings.model, settings.precision)
    else:
        model = store.find(active.spec.name, active.spec.precision)
    service = ExtractService(
        database(),
        queue(),
        extractor=FileExtractor(limits=Limits.of(settings), ocr=find_ocr()),
        chunker=TokenChunker(model.tokenizer_path, max_tokens=min(settings.chunk_tokens, room_for_text(model.spec))),
        host=settings.host,
        owner=_roles[-1].name,
        max_file_bytes=settings.max_file_mb << 20,
    )
    service.recover()
    return service


@cache
def embedding() -> EmbedService:
    """The service behind `tasks.embed`, with a model of its own."""
    from magicfs.domain.models import ModelSpec
    from magicfs.embedding.embedder import Embedder, FastembedEmbedder
    from magicfs.models.store import ModelStore

    store = ModelStore(_roles[-1].settings.model_dir)

    def load(spec: ModelSpec) -> Embedder:
        return FastembedEmbedder.load(store.find(spec.name, spec.precision).folder)

    settings = _roles[-1].settings
    service = EmbedService(
        database(), queue(), load=load, owner=_roles[-1].name, resting=lambda: settings.gentle and _on_battery()
    )
    service.recover()
    service.warm_up()
    return service


def _on_battery() -> bool:
    """Whether this machine runs on its battery; one without a battery does not."""
    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False


def contained(work: Callable[[], int]) -> int:
    """Do a batch of work. Memory that ran out is an ordinary failure: as itself it would end the parent too."""
    try:
        return work()
    except MemoryError as error:
        raise RuntimeError("out of memory") from error


@cache
def maintenance() -> MaintenanceService:
    """The service behind `tasks.maintenance`."""
    return MaintenanceService(database())


@signals.worker_process_init.connect
def _prepare_child(**_: object) -> None:
    """Make what the first task would make, so that it need not wait. What fails here is tried again by the task."""
    if not _roles:
        return
    try:
        extraction() if _roles[-1].kind == "extract" else embedding()
    except MagicFSError as error:
        log.warning("not ready yet: %s", error)
