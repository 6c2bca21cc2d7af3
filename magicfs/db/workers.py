"""Which workers are alive, as the agents see them."""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.status import WorkerStatus

_SQL = load_queries("workers")


def record_workers(connection: Connection, workers: Sequence[WorkerStatus]) -> None:
    """Note the workers that have just answered."""
    connection.execute(
        _SQL["record"],
        {
            "hosts": [worker.host for worker in workers],
            "names": [worker.name for worker in workers],
            "kinds": [worker.kind for worker in workers],
            "pids": [worker.pid for worker in workers],
        },
    )
    connection.execute(_SQL["forget"])
