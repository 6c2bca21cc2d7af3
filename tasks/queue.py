"""`CeleryQueue`: the `magicfs.jobs.JobQueue` that sends its notifications through Celery and Redis.

Services and commands get it from the composition root. Threads may share one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from magicfs.domain.status import BrokerStatus, WorkerStatus
from tasks import broker
from tasks.app import EMBED_TASK, EXTRACT_TASK, MAINTENANCE_TASK, declared_queue
from tasks.broker import SOCKET_SECONDS
from tasks.queue_names import EMBED_QUEUE, MAINTENANCE_QUEUE, embed_queue, extract_queue

log = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES = 8
"""Messages that one queue holds at most. A worker that finds work notifies again, so more messages add nothing."""

MAX_MAINTENANCE_MESSAGES = 1
"""Messages that the queue of maintenance holds: one does all that is due."""

PING_SECONDS = 1.0
"""How long workers have to answer."""

BACKOFF_FACTOR = 3.0
"""After a failed call nothing is sent for this many times the seconds that the call took, or until one succeeds.

While Redis restarts, a call fails immediately and the pause is short. A broker that hangs delays its callers rarely.
"""


class CeleryQueue:
    """Sends notifications, and asks the broker for its workers and queues."""

    def __init__(self, app: Celery) -> None:
        """Raises `ValueError` when the broker's address is malformed."""
        self._app = app
        self._url = str(app.conf.broker_url)
        # One retry, for a connection that a restart of Redis has closed.
        self._redis = broker.client(self._url, seconds=SOCKET_SECONDS, retries=1)
        self._reported: dict[str, str] = {}
        """The trouble with each queue that is in the log already, by the queue's name."""
        self._backoff_until = float("-inf")

    def notify_extract(self, host: str) -> None:
        """Notify the extract workers of `host` that files wait."""
        self._notify(EXTRACT_TASK, extract_queue(host))

    def notify_embed(self, model: str | None = None) -> None:
        """Notify the embed workers that chunks wait; with `model`, a name, also those that embed for it alone."""
        self._notify(EMBED_TASK, EMBED_QUEUE)
        if model is not None:
            self._notify(EMBED_TASK, embed_queue(model))

    def notify_maintenance(self) -> None:
        """Notify a worker that maintenance is due."""
        self._notify(MAINTENANCE_TASK, MAINTENANCE_QUEUE, max_messages=MAX_MAINTENANCE_MESSAGES)

    def delete_extract(self, host: str) -> None:
        """Delete the queue of the extract workers of `host`, which is gone for good. Without Redis it stays."""

        def delete() -> None:
            with self._app.connection_for_write() as connection:
                queue = declared_queue(extract_queue(host)).bind(connection.channel())
                # A channel knows only what it has declared.
                queue.declare()
                queue.delete()

        self._call(extract_queue(host), delete)

    def probe(self, host: str) -> BrokerStatus:
        """What `magicfs status` says of the broker: see `tasks.broker.probe`."""
        return broker.probe(self._url, host)

    def depths(self, names: Sequence[str]) -> Mapping[str, int] | None:
        """The number of messages in each of these queues; None when the broker takes none now. As quick as `probe`."""
        status = broker.probe_queues(self._url, names)
        return status.queues if status.ok else None

    def workers(self) -> list[WorkerStatus]:
        """The workers of the cluster that answer within a second."""
        workers: list[WorkerStatus] = []

        def ping() -> None:
            # Without a Redis, Celery would try for six seconds.
            self._redis.ping()
            replies = self._app.control.inspect(timeout=PING_SECONDS).stats() or {}
            for node, stats in replies.items():
                name, _, host = node.partition("@")
                kind = name.partition("-")[0]
                workers.append(WorkerStatus(name=node, host=host, kind=kind, pid=int(stats["pid"])))

        self._call("pings", ping)
        return sorted(workers, key=lambda worker: worker.name)

    def _notify(self, task: str, queue: str, *, max_messages: int = MAX_QUEUED_MESSAGES) -> None:
        def send() -> None:
            if int(self._redis.llen(queue)) < max_messages:
                self._app.send_task(task, queue=declared_queue(queue), ignore_result=True, retry=False)

        if time.monotonic() >= self._backoff_until:
            self._call(queue, send)

    def _call(self, queue: str, call: Callable[[], None]) -> None:
        """Call the broker. An error starts the backoff and is logged once an outage: messages may be lost."""
        started = time.monotonic()
        try:
            call()
        except (redis.RedisError, OperationalError, KombuError, OSError) as error:
            now = time.monotonic()
            self._backoff_until = now + BACKOFF_FACTOR * (now - started)
            trouble = broker.trouble_of(_cause(error), broker.remedy_of(self._url))
            if trouble not in self._reported.values():
                log.warning("%s; work waits in the database meanwhile", trouble)
            self._reported[queue] = trouble
        else:
            self._backoff_until = float("-inf")
            if self._reported.pop(queue, None) is not None and not self._reported:
                log.info("Redis takes messages again")


def _cause(error: Exception) -> Exception:
    """What Redis or the network has raised, of an error of Celery's."""
    cause = error.__cause__
    return cause if isinstance(error, OperationalError) and isinstance(cause, Exception) else error
