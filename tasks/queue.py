"""`CeleryQueue`: the `magicfs.jobs.JobQueue` that sends its notifications through Celery and Redis.

Services and commands get it from the composition root. Threads may share one.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from magicfs.domain.status import BrokerStatus, WorkerStatus
from tasks.app import (
    EMBED_QUEUE,
    EMBED_TASK,
    EXTRACT_TASK,
    MAINTENANCE_QUEUE,
    MAINTENANCE_TASK,
    SOCKET_SECONDS,
    declared_queue,
    embed_queue,
    extract_queue,
    redis_url,
)

log = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES = 8
"""Messages that one queue holds at most. A worker that finds work notifies again, so more messages add nothing."""

MAX_MAINTENANCE_MESSAGES = 1

PING_SECONDS = 1.0
"""How long workers have to answer."""

PROBE_SECONDS = 1.0
"""How long the broker has to answer each step of a probe."""

MAX_PROBE_SECONDS = 1.5
"""How long a probe takes at most: the look-up of a name has no timeout of its own."""

PROBE_KEY_MS = 1000
"""How long the key lives that a probe writes."""

BACKOFF_FACTOR = 3.0
"""After a failed call nothing is sent for this many times the seconds that the call took, or until one succeeds.

While Redis restarts, a call fails immediately and the pause is short. A broker that hangs delays its callers rarely.
"""

TROUBLES: dict[type[Exception], str] = {
    redis.AuthenticationError: "Redis refuses the password: correct it in MAGICFS_BROKER_URL",
    redis.OutOfMemoryError: "Redis is full and takes no messages: raise its maxmemory, or delete what else is in it",
    redis.ReadOnlyError: "Redis is read-only, a replica: name its primary in MAGICFS_BROKER_URL",
    redis.BusyLoadingError: "Redis is still loading its data: wait for it",
    redis.TimeoutError: "Redis does not answer in time: restart it, or check the network to it",
    TimeoutError: "Redis does not answer in time: restart it, or check the network to it",
}
"""What is wrong with the broker and what to do, by the error of a call."""


class CeleryQueue:
    """Sends notifications, and asks the broker for its workers and queues."""

    def __init__(self, app: Celery) -> None:
        """Raises `ValueError` when the broker's address is malformed."""
        self._app = app
        # One retry, for a connection that a restart of Redis has closed.
        self._redis = _client(app, seconds=SOCKET_SECONDS, retries=1)
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

    def probe(self, host: str) -> BrokerStatus:
        """Whether the broker takes messages now, and how many the queues of `host` hold.

        Writes a key that expires: a full Redis and a replica answer everything else. Takes about a second at most.
        """
        return self._probe_in_time((extract_queue(host), EMBED_QUEUE, MAINTENANCE_QUEUE))

    def depths(self, names: Sequence[str]) -> Mapping[str, int] | None:
        """The number of messages in each of these queues; None when the broker takes none now. As quick as `probe`."""
        status = self._probe_in_time(names)
        return status.queues if status.ok else None

    def _probe_in_time(self, names: Sequence[str]) -> BrokerStatus:
        answers: list[BrokerStatus] = []
        probing = threading.Thread(target=lambda: answers.append(self._probe(names)), daemon=True)
        try:
            probing.start()
        except RuntimeError as error:
            detail = f"this process may start no thread to ask Redis ({error}): raise its limit of tasks"
            return BrokerStatus(ok=False, detail=detail, queues={})
        probing.join(MAX_PROBE_SECONDS)
        return answers[0] if answers else BrokerStatus(ok=False, detail=_trouble(redis.TimeoutError()), queues={})

    def _probe(self, names: Sequence[str]) -> BrokerStatus:
        try:
            with _client(self._app, seconds=PROBE_SECONDS, retries=0) as client:
                key = f"magicfs.probe.{uuid.uuid4().hex}"
                client.pipeline(transaction=False).lpush(key, "").pexpire(key, PROBE_KEY_MS).execute()
                depths = client.pipeline(transaction=False)
                for name in names:
                    depths.llen(name)
                answers = dict(zip(names, depths.execute(raise_on_error=False), strict=True))
        except (redis.RedisError, OSError) as error:
            return BrokerStatus(ok=False, detail=_trouble(error), queues={})
        queues = {name: depth for name, depth in answers.items() if isinstance(depth, int)}
        other = next((name for name in names if name not in queues), None)
        return BrokerStatus(ok=other is None, detail=other and _wrong_type(other), queues=queues)

    def workers(self) -> list[WorkerStatus]:
        """The workers of the cluster that answer within a second."""
        workers: list[WorkerStatus] = []

        def ping() -> None:
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
            trouble = _trouble(error)
            if trouble not in self._reported.values():
                log.warning("%s; work waits in the database meanwhile", trouble)
            self._reported[queue] = trouble
        else:
            self._backoff_until = float("-inf")
            if self._reported.pop(queue, None) is not None and not self._reported:
                log.info("Redis takes messages again")


def _client(app: Celery, *, seconds: float, retries: int) -> redis.Redis:
    """A client of the broker of `app` that waits for each answer `seconds` at most."""
    return redis.Redis.from_url(
        redis_url(app.conf.broker_url),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), retries),
    )


def _trouble(error: Exception) -> str:
    """What is wrong with the broker, and what to do, in one line without a password."""
    if isinstance(error, OperationalError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    for kind, trouble in TROUBLES.items():
        if isinstance(error, kind):
            return trouble
    if isinstance(error, redis.ConnectionError | OSError):
        return f"no Redis answers ({error}): start it, or correct MAGICFS_BROKER_URL"
    return f"Redis takes no messages ({error}): see its log"


def _wrong_type(name: str) -> str:
    return (
        f"the key {name} in Redis is no queue: delete it with 'redis-cli DEL {name}', "
        "or give MagicFS a database of its own in MAGICFS_BROKER_URL"
    )
