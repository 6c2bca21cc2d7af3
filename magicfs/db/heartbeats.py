"""Heartbeats: which agents, workers and mounts are alive.

An agent reports itself and all workers of the cluster that have answered it, a mount reports itself. `magicfs status`
reads who has reported recently. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.status import MountStatus, WorkerStatus

_SQL = load_queries("heartbeats")

ALIVE_SECONDS = 20.0
"""The time after its last report at which a worker or a mount counts as gone. Both report every few seconds."""


def record_agent(connection: Connection, *, host: str) -> None:
    """Record that the host's agent is alive."""
    connection.execute(_SQL["record_agent"], {"name": host})


def record_workers(connection: Connection, workers: Sequence[WorkerStatus]) -> None:
    """Record the workers that have just answered, and delete those that have not answered for ten minutes."""
    connection.execute(
        _SQL["record_workers"],
        {
            "hosts": [worker.host for worker in workers],
            "names": [worker.name for worker in workers],
            "kinds": [worker.kind for worker in workers],
            "pids": [worker.pid for worker in workers],
        },
    )
    connection.execute(_SQL["delete_old_workers"])


def record_mount(connection: Connection, *, host: str, path: bytes, pid: int) -> None:
    """Record that a mount is alive."""
    connection.execute(_SQL["record_mount"], {"host": host, "path": path, "pid": pid})


def remove_mount(connection: Connection, *, host: str, path: bytes) -> None:
    """Delete a mount that has ended."""
    connection.execute(_SQL["remove_mount"], {"host": host, "path": path})


def live_workers(connection: Connection, *, within_s: float = ALIVE_SECONDS) -> tuple[WorkerStatus, ...]:
    """The workers that have answered an agent within the last `within_s` seconds, by name."""
    rows = connection.execute(_SQL["live_workers"], {"within": within_s})
    return tuple(WorkerStatus(name=name, host=host, kind=kind, pid=pid) for name, host, kind, pid in rows)


def live_mounts(connection: Connection, *, within_s: float = ALIVE_SECONDS) -> tuple[MountStatus, ...]:
    """The mounts that have reported within the last `within_s` seconds, by host and path."""
    rows = connection.execute(_SQL["live_mounts"], {"within": within_s})
    return tuple(MountStatus(host=host, path=path, pid=pid) for host, path, pid in rows)
