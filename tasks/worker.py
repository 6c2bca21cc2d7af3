"""A worker: a parent that receives messages, and one child that does the work of one kind.

The composition root calls `run` with a factory; the tasks call `run_task`. What the work needs is created in the child
(`services`). The worker's name is stable, so that a new child releases the claims of a dead one. An embed worker's
child without tasks ends after a while, and its successor waits without any of that; an extract worker's child ends its
parser process: `idle_timeout`. A parent that no longer takes messages ends: `watchdog`.
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

import billiard.pool
import billiard.util
import celery.apps.worker
from celery import Celery, signals

from magicfs.config import Settings
from magicfs.errors import MagicFSError, SchemaError, UsageError
from magicfs.linux.process import return_free_memory, trim_heap
from magicfs.logs import Outage
from magicfs.state_directory.memory_kills import MemoryKills
from tasks.app import EMBED_TASK, EXTRACT_TASK, declared_queue, make_app
from tasks.commands import EVENT_HEARTBEAT_SECONDS, restrict_commands
from tasks.idle_timeout import IdleTimeout
from tasks.memory import MemoryGuard
from tasks.pool import TaskPool
from tasks.queue import CeleryQueue
from tasks.queue_names import MAINTENANCE_QUEUE, embed_queue, extract_queue
from tasks.services import (
    BuildServices,
    Kind,
    Role,
    current_role,
    embed_service,
    end_parser,
    extract_service,
    take_role,
    watch_ocr,
)
from tasks.watchdog import Watchdog

log = logging.getLogger(__name__)

MAX_NICENESS = 19

RESULT_WAIT_TRIES = 10
"""The longest that a stopping child waits for its parent to receive its results, in tenths of a second.

The count that billiard compares stays one short after a crash, so its default of 300 would delay every later stop by
half a minute. MagicFS does not use the results.
"""

LOCK_TRIES = 3
LOCK_PAUSE_SECONDS = 0.02
"""Whoever asks whether a worker has ended may hold the lock of its name for a moment (`magicfs/linux/locks.py`)."""

Result = TypeVar("Result")


def run(
    settings: Settings,
    *,
    kind: Kind,
    name: str | None = None,
    model: str | None = None,
    build: BuildServices,
) -> None:
    """Work until a signal stops it. With `model`, an embed worker receives the messages of that model alone.

    `name` is unique in the cluster, stable over restarts, and begins with the kind. Without a name, one is made of the
    name of this machine or container and, if another worker here has it, a number. `build` is called in the child with
    the owner, which is `name@host`, and with what says that the worker stops. Raises `UsageError` for a name that is
    malformed or in use here, and `ConfigError` for a state directory without locks.
    """
    settings.make_home()
    name = _lock_given_name(settings, kind, name) if name else _lock_free_name(settings, kind)
    queues = [embed_queue(model)] if kind == "embed" else [extract_queue(settings.host), MAINTENANCE_QUEUE]
    # A saved file is found by its words at once: an extract worker keeps what that takes.
    idle_timeout = IdleTimeout(seconds=settings.idle_seconds, free=end_parser if kind == "extract" else None)
    memory = MemoryGuard(MemoryKills(settings.run_dir, name))
    take_role(Role(kind, f"{name}@{settings.host}", build, idle_timeout, memory))
    # Extraction goes first: it is cheap beside embedding, and makes files findable by their words.
    niceness = MAX_NICENESS if settings.gentle else settings.nice
    os.nice(niceness if kind == "embed" else niceness // 2)
    celery.apps.worker.safe_say = _say
    # Its records have no handler of their own.
    billiard.util.get_logger().propagate = True
    restrict_commands()
    billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = RESULT_WAIT_TRIES
    app = make_app(settings)
    app.conf.task_queues = [*app.conf.task_queues, *map(declared_queue, queues)]
    worker = _celery_worker(app, settings, name=f"{name}@{settings.host}", queues=queues)
    Watchdog(CeleryQueue(app), queues, children=lambda: _children(worker), child_works=idle_timeout.child_works).start()
    worker.start()
    if not worker.exitcode:
        memory.worker_ends()
    raise SystemExit(worker.exitcode)


def _celery_worker(app: Celery, settings: Settings, *, name: str, queues: list[str]) -> celery.apps.worker.Worker:
    """The worker that receives the messages of some queues.

    Not by Celery's command line, which imports Flower, a shell and more: the parent and its child would keep all that.
    """
    return app.Worker(
        hostname=name,
        queues=queues,
        concurrency=1,
        pool_cls=TaskPool,
        loglevel=logging.getLevelName(settings.log_level.upper()),
        quiet=True,
        task_events=True,
        heartbeat_interval=EVENT_HEARTBEAT_SECONDS,
        without_gossip=True,
        without_mingle=True,
    )


def _children(worker: celery.apps.worker.Worker) -> list[int]:
    """The ids of the child processes of a worker."""
    pool = getattr(worker.pool, "_pool", None)
    return [child.pid for child in getattr(pool, "_pool", ()) if child.pid is not None]


def _say(message: str, *_: object) -> None:
    """Log what Celery prints for a person when a signal stops a worker."""
    log.info("%s", message.strip())


def _lock_given_name(settings: Settings, kind: Kind, name: str) -> str:
    if not re.fullmatch(rf"{kind}-[\w.-]+", name):
        raise UsageError(f"a worker of this kind cannot be named '{name}': call it '{kind}-' and letters or digits")
    if not _lock_name(settings, name):
        raise UsageError(f"a worker named '{name}' runs here already: give this one another --name")
    return name


def _lock_free_name(settings: Settings, kind: Kind) -> str:
    machine = re.sub(r"[^\w.-]", "-", socket.gethostname())
    candidates = (f"{kind}-{machine}" + (f"-{number}" if number > 1 else "") for number in itertools.count(1))
    return next(name for name in candidates if _lock_name(settings, name))


def _lock_name(settings: Settings, name: str) -> bool:
    """Lock a name for the life of this process. Returns False when another process here has it."""
    for _ in range(LOCK_TRIES):
        if settings.try_lock(name) is not None:
            return True
        time.sleep(LOCK_PAUSE_SECONDS)
    return False


_outage = Outage(log)


def run_task(task: str, work: Callable[[], Result]) -> Result:
    """Run the work of a task, given its name. A child that waits for the next one keeps no memory of it.

    A `MagicFSError` is logged once an outage and passed on, since Celery expects it. Raises `RuntimeError`
    for a `MemoryError`, which would end Celery's parent too.
    """
    role = current_role()
    try:
        with role.idle_timeout.working() if role is not None else nullcontext():
            result = work()
    except MemoryError as error:
        raise RuntimeError("out of memory") from error
    except MagicFSError as error:
        _outage.began(task, error)
        raise
    finally:
        trim_heap()
    _outage.ended(task)
    return result


@signals.worker_before_create_process.connect
def _freeze_shared_memory(**_: object) -> None:
    """Keep the garbage collectors from writing to what the parent and its child share: it would be copied."""
    return_free_memory()
    gc.freeze()
    role = current_role()
    if role is not None:
        role.memory.child_begins()


@signals.worker_shutting_down.connect
def _let_child_end(**_: object) -> None:
    """Keep a child that waits for memory from holding up the end of its worker."""
    role = current_role()
    if role is not None:
        role.memory.worker_stops()


@signals.worker_process_init.connect
def _prepare_child(**_: object) -> None:
    """Build the service before the first task needs it, unless the predecessor has ended for want of tasks.

    A predecessor that has died had claims, which the service releases; an idle one had none. After an error the first
    task builds it.
    """
    # A signal to this process is none to the loop of its parent.
    signal.set_wakeup_fd(-1)
    role = current_role()
    if role is None:
        return
    follows_idle, may_start = role.idle_timeout.child_started(), role.memory.wait_for_memory()
    if follows_idle or not may_start:
        return
    extracts = role.kind == "extract"
    try:
        if extracts:
            threading.Thread(target=watch_ocr, name="ocr", daemon=True).start()
            extract_service()
        else:
            embed_service()
        return_free_memory()
    except SchemaError as error:
        _stop_outdated_worker(error)
    except MagicFSError as error:
        _outage.began(EXTRACT_TASK if extracts else EMBED_TASK, error)


@signals.task_failure.connect
def _stop_outdated_worker(exception: BaseException, **_: object) -> None:
    """End the worker when its schema is outdated, so that it takes no messages from the workers of the new version.

    Whoever starts it again may start the new version.
    """
    if isinstance(exception, SchemaError):
        log.error("the worker ends: %s", exception)
        os.kill(os.getppid(), signal.SIGTERM)
