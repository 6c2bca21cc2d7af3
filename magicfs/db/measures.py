"""What `magicfs metrics` shows beside the status of the index: reasons, sizes, and how current results are.

A reading costs about as much as one of `magicfs status`, or less. Runs in the caller's transaction.
"""

from __future__ import annotations

from magicfs.db.as_of import read_as_of
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.status import IndexMeasures

_SQL = load_queries("measures")


def read_measures(connection: Connection) -> IndexMeasures:
    """The measures of the whole index."""
    size, schema = fetch_one(connection.execute(_SQL["database_size"]))
    complete_until = read_as_of(connection).moment
    return IndexMeasures(
        reasons=dict(connection.execute(_SQL["count_reasons"]).fetchall()),
        failed_chunks={
            (model, reason): count for model, reason, count in connection.execute(_SQL["count_failed_chunks"])
        },
        database_bytes=size,
        schema=schema,
        complete_until=None if complete_until is None else complete_until.timestamp(),
    )
