"""Heartbeats: which agents, workers and mounts are alive.

An agent reports itself and all workers of the cluster that have answered it, a mount reports itself. `magicfs status`
reads who has reported recently. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.status import MountStatus, WorkerStatus

_SQL = load_queries("heartbeats")

MOUNT_SECONDS = 20.0
"""The time after its last report at which a mount counts as gone. It reports every few seconds."""

WORKER_SECONDS = 150.0
"""The time after its last answer at which a worker counts as gone, whose agent is gone too or does not see its lock. An
agent without work asks every minute."""


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Which machine has a host for its agent, and for how long."""

    host: str
    machine: str
    boot: str
    """Tells the kernel of the machine from others, for the extract workers; empty if the kernel does not say it."""
    seconds: float
    """How long it lasts unless it is extended."""


def take_host(connection: Connection, terms: LeaseTerms) -> str | None:
    """Lease a host or extend the lease, and record that the agent is alive. Inserts the host if it is new.

    Returns None, or the machine that has the host.
    """
    values = asdict(terms)
    if (
        connection.execute(_SQL["extend_lease"], values).rowcount
        or connection.execute(_SQL["take_host"], values).rowcount
    ):
        return None
    row = connection.execute(_SQL["machine_of_host"], values).fetchone()
    if row is None:
        connection.execute(_SQL["insert_host"], values)
        return take_host(connection, terms)
    return str(row[0])


def extend_lease(connection: Connection, terms: LeaseTerms) -> bool:
    """Extend a lease, and record that the agent is alive. Returns False if the machine does not have the host."""
    return connection.execute(_SQL["extend_lease"], asdict(terms)).rowcount == 1


def hold_host(connection: Connection, *, host: str, machine: str) -> bool:
    """Whether a machine has a host. If so, no other one gets it before the transaction ends."""
    return connection.execute(_SQL["hold_host"], {"host": host, "machine": machine}).rowcount == 1


def machine_of_host(connection: Connection, *, host: str) -> str:
    """The machine whose agent has a host; empty if none has."""
    row = connection.execute(_SQL["machine_of_host"], {"host": host}).fetchone()
    return str(row[0]) if row else ""


def release_host(connection: Connection, *, host: str, machine: str) -> None:
    """End the lease of a host by a machine. Does nothing when another machine has it."""
    connection.execute(_SQL["release_host"], {"host": host, "machine": machine})


def has_agent(connection: Connection, *, host: str) -> bool:
    """Whether an agent works the host: it has leased the host, and the lease lasts."""
    return bool(fetch_one(connection.execute(_SQL["has_agent"], {"name": host}))[0])


def record_workers(connection: Connection, workers: Sequence[WorkerStatus]) -> None:
    """Record the workers that have just answered, and delete workers and mounts that were silent for ten minutes."""
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
    connection.execute(_SQL["delete_old_mounts"])


def remove_workers(connection: Connection, names: Sequence[str]) -> None:
    """Delete workers that have ended."""
    connection.execute(_SQL["remove_workers"], {"names": list(names)})


def record_mount(connection: Connection, *, host: str, path: bytes, pid: int) -> None:
    """Record that a mount is alive."""
    connection.execute(_SQL["record_mount"], {"host": host, "path": path, "pid": pid})


def remove_mount(connection: Connection, *, host: str, path: bytes) -> None:
    """Delete a mount that has ended."""
    connection.execute(_SQL["remove_mount"], {"host": host, "path": path})


def live_workers(connection: Connection) -> tuple[WorkerStatus, ...]:
    """The workers that have answered an agent within the last WORKER_SECONDS, by name."""
    rows = connection.execute(_SQL["live_workers"], {"within": WORKER_SECONDS})
    return tuple(WorkerStatus(name=name, host=host, kind=kind, pid=pid) for name, host, kind, pid in rows)


def live_mounts(connection: Connection) -> tuple[MountStatus, ...]:
    """The mounts that have reported within the last MOUNT_SECONDS, by host and path."""
    rows = connection.execute(_SQL["live_mounts"], {"within": MOUNT_SECONDS})
    return tuple(MountStatus(host=host, path=path, pid=pid) for host, path, pid in rows)
