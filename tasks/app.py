"""The Celery application and its settings.

A message only notifies (docs/adr/0002-messages-only-notify.md), so none is worth keeping: messages are acknowledged
before the work, and tasks have no results. Workers, queues and Flower each call `make_app`. `app` is for Celery's own
command: `celery -A tasks.app inspect ping`, `status`, `call magicfs.maintenance`.
"""

from __future__ import annotations

import socket
from typing import Any

from celery import Celery, signals
from celery.app import amqp
from kombu import compression, messaging
from kombu.entity import Exchange, Queue
from kombu.transport import redis

from magicfs import config
from magicfs.config import MAX_EXTRACT_SECONDS, PATIENCE_SECONDS, Settings
from magicfs.errors import MagicFSError
from tasks.broker import SOCKET_SECONDS
from tasks.queue_names import EMBED_QUEUE, MAINTENANCE_QUEUE, extract_queue

EXCHANGE = Exchange("magicfs", type="direct")
"""The exchange of all queues. The routing key of a queue is its name."""

EXTRACT_TASK = "magicfs.extract"
EMBED_TASK = "magicfs.embed"
MAINTENANCE_TASK = "magicfs.maintenance"

HARD_SECONDS = {
    # A batch takes about a second and one file more, whose parser may take MAX_EXTRACT_SECONDS twice, and longer on a
    # machine with too much to do (magicfs.config). The lease is longer.
    EXTRACT_TASK: 2 * MAX_EXTRACT_SECONDS + PATIENCE_SECONDS,
    # A batch takes half a second, and the load of a model a few: a task that takes this long hangs in native code, or
    # others have the processors (tasks.pool). The lease is longer by more than PATIENCE_SECONDS.
    EMBED_TASK: 30,
    MAINTENANCE_TASK: 240,
}
"""When the process of a task is killed. A soft limit does not interrupt native code."""

LONGEST_SECONDS = max(HARD_SECONDS.values())
"""No task takes longer, whoever has the processors."""

START_SECONDS = 120.0 + PATIENCE_SECONDS
"""When a child is killed that does not say that it is up. It loads its model before, on a machine that may be busy."""

VISIBILITY_SECONDS = 3600
KEEPALIVE = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 15_000}
"""How the kernel notices a Redis whose network is gone: seconds, seconds, probes, milliseconds. None by unix socket."""

POLLING_SECONDS = 5
"""How long a worker without messages waits for one before it asks again. It gets a message at once."""


class QoS(redis.QoS):
    """The messages that a process has taken and not acknowledged."""

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Do nothing where kombu restores the messages of dead workers: nobody waits for those.

        It takes a lock that is released by a script, which the embedded Redis refuses.
        """


# kombu has no setting for it. Whoever asks workers has such a channel too, and not only a worker.
redis.Channel.QoS = QoS


def _refuse_compression(_: bytes) -> bytes:
    """Raise `ValueError`: nothing of ours packs a message, and a small one of another host would fill the memory."""
    raise ValueError("compressed messages are refused")


# kombu unpacks each message that it takes, by whatever its header names.
for _content_type in compression.encoders():
    compression.register(_refuse_compression, _refuse_compression, _content_type)


class Producer(messaging.Producer):
    """Sends messages. One that cannot be sent is an error."""

    def publish(self, *arguments: Any, **options: Any) -> Any:
        """Send once. Celery would ask workers until it succeeds, and an agent neither renew its lease nor stop."""
        return super().publish(*arguments, **options | {"retry": False})


class AMQP(amqp.AMQP):
    """What an application sends messages by."""

    @property
    def producer_pool(self) -> Any:
        """The producers."""
        pool = super().producer_pool
        pool.Producer = Producer
        return pool


def declared_queue(name: str) -> Queue:
    """A queue of that name on the exchange of all queues."""
    return Queue(name, EXCHANGE, routing_key=name)


def make_app(settings: Settings) -> Celery:
    """The application that talks to the broker of `settings`."""
    made = _new_app()
    made.conf.update(configuration(settings))
    return made


def _new_app() -> Celery:
    tasks = ["tasks.extract", "tasks.embed", "tasks.maintenance"]
    return Celery("magicfs", set_as_current=True, amqp=AMQP, include=tasks)


def configuration(settings: Settings) -> dict[str, Any]:
    """Celery's configuration."""
    queues = {
        EXTRACT_TASK: extract_queue(settings.host),
        EMBED_TASK: EMBED_QUEUE,
        MAINTENANCE_TASK: MAINTENANCE_QUEUE,
    }
    return {
        "broker_url": settings.broker_dsn,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A full Redis and a key of another type are errors of a channel: reconnect as for a lost connection.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": SOCKET_SECONDS,
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
            "health_check_interval": 15,
            "polling_interval": POLLING_SECONDS,
            # Nobody waits for messages that a dead worker has taken, and our passwords do not expire: kombu would look
            # every ten seconds.
            "unacked_restore_interval": VISIBILITY_SECONDS,
            "unacked_restore_throttle": 1,
            "reauth_check_interval": VISIBILITY_SECONDS,
        },
        # kombu expires what binds a queue by scripts, which the embedded Redis refuses. Who asks workers deletes the
        # queue of the answers.
        "control_queue_expires": None,
        "event_queue_expires": None,
        "task_queues": [declared_queue(name) for name in queues.values()],
        "task_routes": {task: {"queue": name} for task, name in queues.items()},
        "task_default_queue": EMBED_QUEUE,
        "task_default_exchange": EXCHANGE.name,
        "task_default_routing_key": EMBED_QUEUE,
        # The queues of other hosts and of single models.
        "task_create_missing_queues": True,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "task_annotations": {task: {"time_limit": seconds} for task, seconds in HARD_SECONDS.items()},
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "worker_consumer": "tasks.consumer:Consumer",
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "worker_hijack_root_logger": False,
        "worker_max_memory_per_child": settings.worker_memory_mb * 1024,
        "worker_proc_alive_timeout": START_SECONDS,
        # One message at a time: nothing to reduce, and a line of the log less.
        "worker_enable_prefetch_count_reduction": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "timezone": "UTC",
    }


def _configuration_of_environment() -> dict[str, Any]:
    """The configuration for Celery's own command, from the settings of this process. Exits with the error in a line."""
    try:
        return configuration(config.load())
    except MagicFSError as error:
        raise SystemExit(f"magicfs: {error}") from error


app = _new_app()
"""The application for `celery -A tasks.app`. It reads the settings when its configuration is first used."""
app.add_defaults(_configuration_of_environment)


@signals.celeryd_init.connect
def _refuse_worker(instance: Any, **_: object) -> None:
    """Refuse `celery -A tasks.app worker`: it would take messages, and has no services to do the work with."""
    if instance.app is app:
        raise SystemExit("magicfs: start workers with 'magicfs worker --queue extract' or '--queue embed'")


@signals.setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Do nothing: a handler of this signal keeps Celery from replacing the logging of the entry point."""
