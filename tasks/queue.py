"""`CeleryQueue`: the `magicfs.jobs.JobQueue` that sends its notifications through Celery and Redis.

Services and commands get it from the composition root. Threads may share one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from magicfs.domain.status import WorkerStatus
from tasks.app import (
    EMBED_QUEUE,
    EMBED_TASK,
    EXTRACT_TASK,
    MAINTENANCE_QUEUE,
    MAINTENANCE_TASK,
    SOCKET_SECONDS,
    extract_queue,
    redis_url,
)

log = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES = 8
"""Messages that one queue holds at most. A worker that finds work notifies again, so more messages add nothing."""

MAX_MAINTENANCE_MESSAGES = 1

PING_SECONDS = 1.0
"""How long workers have to answer."""

LOG_PAUSE_SECONDS = 30.0
"""Pause between two log lines about a broker that does not answer."""

BACKOFF_FACTOR = 3.0
"""After a failed call nothing is sent for this many times the seconds that the call took.

While Redis restarts, a call fails immediately and the pause is short. A broker that hangs delays its callers rarely.
"""


class CeleryQueue:
    """Sends notifications, and asks the broker for its workers and queues."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._redis = redis.Redis.from_url(
            redis_url(app.conf.broker_url), socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS
        )
        self._last_logged = float("-inf")
        self._backoff_until = float("-inf")

    def notify_extract(self, host: str) -> None:
        """Notify the extract workers of `host` that files wait."""
        self._notify(EXTRACT_TASK, extract_queue(host))

    def notify_embed(self) -> None:
        """Notify the embed workers that chunks wait for their vectors."""
        self._notify(EMBED_TASK, EMBED_QUEUE)

    def notify_maintenance(self) -> None:
        """Notify a worker that maintenance is due."""
        self._notify(MAINTENANCE_TASK, MAINTENANCE_QUEUE, max_messages=MAX_MAINTENANCE_MESSAGES)

    def queue_depths(self, host: str) -> dict[str, int]:
        """How many messages each queue holds, by its name; empty when the broker does not answer."""
        depths: dict[str, int] = {}

        def read_depths() -> None:
            for name in (extract_queue(host), EMBED_QUEUE, MAINTENANCE_QUEUE):
                depths[name] = self._depth(name)

        self._log_broker_errors(read_depths)
        return depths

    def workers(self) -> list[WorkerStatus]:
        """The workers of the cluster that answer within a second."""
        workers: list[WorkerStatus] = []

        def ping() -> None:
            replies = self._app.control.inspect(timeout=PING_SECONDS).stats() or {}
            for node, stats in replies.items():
                name, _, host = node.partition("@")
                kind = name.partition("-")[0]
                workers.append(WorkerStatus(name=node, host=host, kind=kind, pid=int(stats["pid"])))

        self._log_broker_errors(ping)
        return sorted(workers, key=lambda worker: worker.name)

    def _notify(self, task: str, queue: str, *, max_messages: int = MAX_QUEUED_MESSAGES) -> None:
        def send() -> None:
            if time.monotonic() >= self._backoff_until and self._depth(queue) < max_messages:
                self._app.send_task(task, queue=queue, ignore_result=True, retry=False)

        self._log_broker_errors(send)

    def _depth(self, queue: str) -> int:
        return int(self._redis.llen(queue))

    def _log_broker_errors(self, call: Callable[[], None]) -> None:
        """Call the broker. An error is logged and starts the backoff: nothing depends on a message."""
        started = time.monotonic()
        try:
            call()
        except (redis.RedisError, OperationalError, KombuError, OSError) as error:
            now = time.monotonic()
            self._backoff_until = now + BACKOFF_FACTOR * (now - started)
            if now - self._last_logged > LOG_PAUSE_SECONDS:
                self._last_logged = now
                log.warning("the broker does not answer (%s): work waits in the database meanwhile", error)
