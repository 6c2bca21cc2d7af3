"""Which commands of Celery a worker obeys: `worker` calls `restrict_commands` in the parent, before that consumes.

Agents, Flower and `celery inspect` ask workers by such commands over Redis, and any host of a cluster can send them. So
a worker obeys those that change nothing, and answers that it refuses the others: those that end a worker, take its
queue away, or give it children or limits until its machine has no memory left.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import celery.worker.control
from celery.worker import state

EVENT_HEARTBEAT_SECONDS = 60
"""Pause between two signs of life that a worker sends to Flower, which waits for two of them."""

OBEYED_COMMANDS = frozenset(
    {
        *("ping", "stats", "conf", "clock", "active", "active_queues", "registered", "query_task"),
        *("reserved", "revoked", "scheduled", "enable_events"),
    }
)
"""Commands that change nothing."""


def restrict_commands() -> None:
    """Let the worker of this process obey these commands alone."""
    handlers: dict[str, Callable[..., object]] = celery.worker.control.Panel.data
    for command in handlers.keys() - OBEYED_COMMANDS:
        handlers[command] = partial(_refuse, command)
    handlers["heartbeat"] = _send_heartbeat


def _refuse(command: str, *_: object, **__: object) -> dict[str, str]:
    """The answer to a command that is not obeyed."""
    return {"error": f"workers of MagicFS refuse '{command}': any host of the cluster could send it"}


def _send_heartbeat(worker: Any, **_: object) -> None:
    """Send a sign of life, which Flower wants when it starts. Celery says that the next one comes in five seconds."""
    if worker.consumer.event_dispatcher:
        worker.consumer.event_dispatcher.send("worker-heartbeat", freq=EVENT_HEARTBEAT_SECONDS, **state.SOFTWARE_INFO)
