"""The Celery application and its settings.

Messages are doorbells (docs/adr/0002): none is worth keeping, so they are acknowledged before the work and
have no results. `app` serves the command line tools of Celery; services configure it with `make_app`.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from celery import Celery, signals
from kombu.entity import Queue

from magicfs.config import Settings

EMBED_QUEUE = "embed"
MAINTENANCE_QUEUE = "maintenance"

EXTRACT_TASK = "magicfs.extract"
EMBED_TASK = "magicfs.embed"
MAINTENANCE_TASK = "magicfs.maintenance"

HARD_SECONDS = {
    # A batch ends after about a second and one more file, whose parser may take half of this (magicfs.config).
    # Below the lease.
    EXTRACT_TASK: 240,
    # A batch takes half a second: what takes this long hangs in native code. Below the lease.
    EMBED_TASK: 30,
    MAINTENANCE_TASK: 240,
}
"""When a task's process is killed. Soft limits would not interrupt native code."""

VISIBILITY_SECONDS = 3600
SOCKET_SECONDS = 10
"""Longest wait for Redis. Celery's default is for ever."""


def extract_queue(host: str) -> str:
    """The queue of the workers that can open the files of `host`."""
    return f"extract.{host}"


def make_app(settings: Settings) -> Celery:
    """The application, talking to the broker of `settings`."""
    app = Celery("magicfs", set_as_current=True, include=["tasks.extract", "tasks.embed", "tasks.maintenance"])
    app.conf.update(
        broker_url=settings.broker_dsn,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": SOCKET_SECONDS,
            "health_check_interval": 15,
        },
        task_queues=[Queue(EMBED_QUEUE), Queue(MAINTENANCE_QUEUE), Queue(extract_queue(settings.host))],
        task_create_missing_queues=True,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        task_annotations={task: {"time_limit": seconds} for task, seconds in HARD_SECONDS.items()},
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        worker_hijack_root_logger=False,
        worker_max_memory_per_child=settings.worker_memory_mb * 1024,
        # A child loads its model before it says that it is up.
        worker_proc_alive_timeout=120.0,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        timezone="UTC",
    )
    return app


@signals.setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Being connected is enough: Celery leaves the logging alone that the entry point has set up."""


def redis_url(broker_url: str) -> str:
    """The address of a broker as the redis package spells it: Celery has another scheme for unix sockets."""
    if not broker_url.startswith("redis+socket://"):
        return broker_url
    parts = urlsplit(broker_url.replace("redis+socket://", "unix://", 1))
    number = dict(pair.partition("=")[::2] for pair in parts.query.split("&")).get("virtual_host", "0")
    user = f"{quote(parts.username or '')}:{quote(parts.password)}@" if parts.password else ""
    return f"unix://{user}{parts.path}?db={number.strip('/') or 0}"
