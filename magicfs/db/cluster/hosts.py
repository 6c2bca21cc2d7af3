"""Hosts as a whole: which there are, and the deletion of one that is gone for good.

Used by `magicfs status`, `magicfs metrics` and `magicfs hosts`. Agents take and renew their leases in `heartbeats`; a
host is inserted there, or with its first root. Runs in the caller's transaction.
"""

from __future__ import annotations

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.status import HostStatus

_SQL = load_queries("hosts")


def list_hosts(connection: Connection) -> tuple[HostStatus, ...]:
    """All hosts, by name."""
    return tuple(HostStatus(*row) for row in connection.execute(_SQL["list_hosts"]))


def lock_host(connection: Connection, *, name: str) -> bool | None:
    """Whether an agent works the host, which no agent takes before the transaction ends; None without such a host."""
    row = connection.execute(_SQL["lock_host"], {"name": name}).fetchone()
    return None if row is None else bool(row[0])


def delete_host(connection: Connection, *, name: str) -> None:
    """Delete a host that `lock_host` has locked and that has no roots any more, with its lease, workers and mounts."""
    for query in ("delete_workers_of_host", "delete_mounts_of_host", "delete_host"):
        connection.execute(_SQL[query], {"name": name})


def end_long_statements(connection: Connection, *, seconds: float) -> None:
    """End the other sessions of this database whose statement runs for `seconds`. Those still needed come back.

    A session that runs a statement does not notice that its client has been cut off, if that has seen to it.
    """
    connection.execute(_SQL["end_long_statements"], {"seconds": seconds})
