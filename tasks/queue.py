"""`CeleryQueue`: rings for workers through Celery and Redis. Threads may share one."""

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

MOST_WAITING = 8
"""Messages of a kind that wait at most. Each worker that finds work rings again, so this need not grow with them."""

PING_SECONDS = 1.0
COMPLAINT_SECONDS = 30.0
"""Pause between two log lines about a broker that does not answer."""

SPARED = 3.0
"""After a try that failed nobody rings for so many times as long as it took: next to nothing while Redis restarts."""


class CeleryQueue:
    """The `magicfs.jobs.JobQueue` of real life."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._redis = redis.Redis.from_url(
            redis_url(app.conf.broker_url), socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS
        )
        self._complained = float("-inf")
        self._spared_until = float("-inf")
        """Until then nobody rings: to wait for a broker that hangs would hold up whoever does."""

    def notify_extract(self, host: str) -> None:
        """Files of `host` wait to be read."""
        self._ring(EXTRACT_TASK, extract_queue(host))

    def notify_embed(self) -> None:
        """Chunks wait for their vectors."""
        self._ring(EMBED_TASK, EMBED_QUEUE)

    def notify_maintenance(self) -> None:
        """It is time to sweep."""
        self._ring(MAINTENANCE_TASK, MAINTENANCE_QUEUE, most=1)

    def depths(self, host: str) -> dict[str, int]:
        """How many messages wait, by queue; empty when the broker does not answer."""
        depths: dict[str, int] = {}

        def count() -> None:
            for name in (extract_queue(host), EMBED_QUEUE, MAINTENANCE_QUEUE):
                depths[name] = self._waiting(name)

        self._patiently(count)
        return depths

    def workers(self) -> list[WorkerStatus]:
        """The workers of the cluster that answer within a second."""
        found: list[WorkerStatus] = []

        def ask() -> None:
            replies = self._app.control.inspect(timeout=PING_SECONDS).stats() or {}
            for node, stats in replies.items():
                name, _, host = node.partition("@")
                kind = name.partition("-")[0]
                found.append(WorkerStatus(name=node, host=host, kind=kind, pid=int(stats["pid"])))

        self._patiently(ask)
        return sorted(found, key=lambda worker: worker.name)

    def _ring(self, task: str, queue: str, *, most: int = MOST_WAITING) -> None:
        def send() -> None:
            if time.monotonic() >= self._spared_until and self._waiting(queue) < most:
                self._app.send_task(task, queue=queue, ignore_result=True, retry=False)

        self._patiently(send)

    def _waiting(self, queue: str) -> int:
        return int(self._redis.llen(queue))

    def _patiently(self, action: Callable[[], None]) -> None:
        """A broker that does not answer costs a log line now and then; nothing depends on a message."""
        began = time.monotonic()
        try:
            action()
        except (redis.RedisError, OperationalError, KombuError, OSError) as error:
            now = time.monotonic()
            self._spared_until = now + SPARED * (now - began)
            if now - self._complained > COMPLAINT_SECONDS:
                self._complained = now
                log.warning("the broker does not answer (%s): work waits in the database meanwhile", error)
