"""Up to which moment the index holds everything that was saved. A search reads it in its first statement.

The agent records which roots it watches, and since when; searches read it. Runs in the caller's transaction.
"""

from __future__ import annotations

from typing import Final

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.ids import RootId
from magicfs.domain.results import AsOf
from magicfs.domain.roots import Watch

_SQL = load_queries("as_of")

WATCH_DELAY_SECONDS: Final = 1.0
"""The time within which a watcher writes down a change: it collects events for 0.4 seconds at most."""

SILENT_SECONDS: Final = 30.0
"""The age of a heartbeat at which people are told of the agent: its lease of the host has run out."""

MAX_WAITING_FILES: Final = 1000
"""The number of waiting files up to which the first is looked for: of more, that would take longer than the search."""


AS_OF_SQL = _SQL["as_of"]
"""The moment, and what holds it back, as one row; a search reads it with other things in one statement."""


def as_of_values() -> dict[str, float]:
    """The parameters of `AS_OF_SQL`."""
    return {"delay": WATCH_DELAY_SECONDS, "silent": SILENT_SECONDS, "waiting": MAX_WAITING_FILES}


def read_as_of(connection: Connection) -> AsOf:
    """The moment before which everything that was saved is in the results of a search in this transaction."""
    moment, unscanned, silent = fetch_one(connection.execute(AS_OF_SQL, as_of_values()))
    return AsOf(moment, tuple(unscanned), tuple(silent))


def record_watch(connection: Connection, root: RootId, watch: Watch) -> None:
    """Record how an agent watches a root from now on. A scan that begins later finds what has changed before."""
    connection.execute(_SQL[f"watch_{watch.value}"], {"root_id": root})


def forget_watches(connection: Connection, *, host: str) -> None:
    """Record that no root of a host is watched: its agent begins, and has not seen what changed before."""
    connection.execute(_SQL["delete_watches_of_host"], {"host": host})
