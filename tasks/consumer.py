"""`Consumer`: the part of a worker's parent that receives messages, made to outlive a broker in trouble.

Celery loads it by the setting `worker_consumer`. The work itself runs in the child. Main thread of the parent.
"""

# ruff: noqa: SLF001  Celery and kombu have no public names for these.
from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import signals
from celery.worker import state
from celery.worker.consumer import consumer
from kombu.asynchronous import Hub
from kombu.connection import Connection
from kombu.transport import redis
from redis import RedisError, ResponseError

from tasks import app
from tasks.event_loop import (
    expect_answers,
    has_answered,
    look_rarely_at_bindings,
    lose_connection_soon,
    wake_on_signals,
)

log = logging.getLogger(__name__)

MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What Celery and kombu raise for a list entry that is no message of Celery."""

FIRST_PAUSE_SECONDS = 1
MAX_PAUSE_SECONDS = 16
"""Pauses before a reconnection. A broker that refuses to work accepts connections immediately, so that without a pause
the parent would reconnect in a busy loop. The pause doubles from one failure to the next."""

STEADY_SECONDS = 60.0
"""A connection that has lasted this long was no failure: the pauses begin again with the first."""

MAX_RESULTS = 16
"""Messages of one child that are read at the start of a loop. A child sends a few for each task."""


@dataclass(slots=True)
class Counts:
    """What the consumer of this process has done so far."""

    taken: int = 0
    """Messages of Celery that it has taken from a queue, and for which a task is to begin at once."""
    connected: int = 0
    """Connections to Redis that it has made."""


counts = Counts()


@signals.task_rejected.connect
@signals.task_unknown.connect
@signals.task_revoked.connect
def _turn_down(**_: object) -> None:
    """Count a message no more for which no task begins."""
    counts.taken -= 1


@signals.task_received.connect
def _begin_at_once(request: Any, **_: object) -> None:
    """Let no task begin at a later time: nothing of ours asks for it, and the worker would keep any number of them."""
    request._eta = None


class QoS(app.QoS):
    """The messages that a worker has taken and not acknowledged: one at a time, and it asks for no other meanwhile."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge a message. One that Redis does not let go counts as acknowledged; it may come once more."""
        try:
            super().ack(delivery_tag)
        except (RedisError, OSError) as error:
            # The worker would not ask for a message again, and so never notice that its connection is lost.
            log.debug("a message is not acknowledged: %s", error)
            self._quick_ack(delivery_tag)
            if not isinstance(error, ResponseError):
                lose_connection_soon(self.channel, error)


class Channel(redis.Channel):
    """A channel that drops what is no message of Celery, instead of ending the worker, and closes at once."""

    QoS = QoS

    def _brpop_read(self, **options: Any) -> Any:
        delivered = set(self.qos._delivered)
        try:
            taken = super()._brpop_read(**options)
        except MALFORMED as error:
            # It does not name the content: that may be anything.
            log.warning("dropped an entry of a queue that is no message of Celery (%s)", type(error).__name__)
            for tag in set(self.qos._delivered) - delivered:
                self.basic_ack(tag)
            return True
        counts.taken += 1
        return taken

    def close(self) -> None:
        """Close, without waiting for what Redis has not answered yet: each stop of a worker would take seconds longer.

        A message that Redis sends at this very moment is lost. The agent notifies again of what waits.
        """
        if self._in_poll and not has_answered(self._in_poll):
            self._in_poll = False
        super().close()

    def _receive_one(self, c: Any) -> Any:
        try:
            return super()._receive_one(c)
        except MALFORMED as error:
            log.warning("dropped an event that is no message of Celery (%s)", type(error).__name__)
            return None


class Consumer(consumer.Consumer):
    """Celery's consumer, with pauses between reconnections, and without killing children for the outage's duration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._connected_at: float | None = None
        self._outage_logged = False

    def ensure_connected(self, conn: Connection) -> Connection:
        """Connect, with as many attempts as it takes. Logs one line about the failed ones."""
        conn.transport.Channel = Channel
        with _one_error_line(silent=self._outage_logged):
            connected: Connection = super().ensure_connected(conn)
        self._outage_logged = False
        self._connected_at = time.monotonic()
        return connected

    def connect(self) -> Connection:
        """Connect, and register the connection with the loop, which then sleeps for seconds while nothing happens."""
        connected: Connection = super().connect()
        counts.connected += 1
        if self.hub:
            look_rarely_at_bindings(self.hub, connected.transport.cycle)
            expect_answers(self.hub, connected.transport.cycle)
            wake_on_signals(self.hub)
        return connected

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Log the error once an outage, and pause."""
        with _one_error_line(silent=self._outage_logged):
            super().on_connection_error_before_connected(exc)
        self._pause()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Log the error, close the connection, and pause."""
        with warnings.catch_warnings():
            # Celery repeats at each outage what a future version does by default.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            super().on_connection_error_after_connected(exc)
        self._pause()

    def _pause(self) -> None:
        """Wait before the reconnection, longer each time unless the connection was steady."""
        self._outage_logged = True
        if self._connected_at is not None and time.monotonic() - self._connected_at > STEADY_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        self._connected_at = None
        for _ in range(self._pause_seconds):
            state.maybe_shutdown()
            time.sleep(1.0)
        self._pause_seconds = min(MAX_PAUSE_SECONDS, 2 * self._pause_seconds)

    def register_with_event_loop(self, hub: Hub) -> None:
        """Register with a new loop, which first reads what the children said during the outage.

        The loop looks at its timers before it reads. The time limit of a task that has ended during the outage would
        kill the child.
        """
        super().register_with_event_loop(hub)
        hub.call_soon(self._read_results)

    def _read_results(self) -> None:
        pool = getattr(self.pool, "_pool", None)
        if pool is None:
            return
        for process in list(pool._pool):
            for _ in range(MAX_RESULTS):
                if process.outqR_fd not in pool._fileno_to_outq or not process.outq._reader.poll(0):
                    break
                pool.handle_result_event(process.outqR_fd)


class _OneErrorLine(logging.Filter):
    """Passes one record of level ERROR."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__()
        self._silent = silent

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR:
            return True
        passes, self._silent = not self._silent, True
        return passes


@contextmanager
def _one_error_line(*, silent: bool) -> Iterator[None]:
    """Let Celery log one failed attempt to connect, or none if `silent`: the later ones say the same."""
    only_one = _OneErrorLine(silent=silent)
    consumer.logger.addFilter(only_one)
    try:
        yield
    finally:
        consumer.logger.removeFilter(only_one)
