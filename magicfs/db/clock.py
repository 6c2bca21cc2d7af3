"""Corrects the times in the index after the clock of the database was put back.

All times in the index are those of this clock. One that is ahead of it would hold up work until the clock is there
again: a waiting file would be read again and again, a deleted one would stay, a scan would count as done. Clocks are
put back where a computer begins with the wrong time and learns the right one from the network. Leases and pauses of
files and chunks need no correction: `is_held` bounds them. Runs in the caller's transaction.
"""

from __future__ import annotations

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries

_SQL = load_queries("clock")


def is_put_back(connection: Connection) -> bool:
    """Whether the clock was put back by more than a second since the last heartbeat of an agent."""
    return bool(fetch_one(connection.execute(_SQL["is_put_back"]))[0])


def correct_files(connection: Connection, *, limit: int) -> int:
    """Correct the times of up to `limit` files. Returns of how many."""
    return connection.execute(_SQL["correct_files"], {"limit": limit}).rowcount


def correct_others(connection: Connection) -> None:
    """Correct all times but those of files, and have roots scanned whose last scan is ahead of the clock.

    After that, `is_put_back` is False: files come first.
    """
    for name in ("roots", "watches", "workers", "mounts", "scale_claims", "hosts"):
        connection.execute(_SQL[f"correct_{name}"])
