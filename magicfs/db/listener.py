"""`Listener`: waits until some process of the cluster says that roots have changed, or a scan is wanted.

Who changes roots announces it in the same transaction (`magicfs.db.cluster.roots`), so that agents and mounts need not
ask again and again. An announcement is lost with the connection: whoever waits looks from time to time all the same. A
listener has a connection of its own, because those of a pool are lent and replaced. One thread waits; any may end that.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import time
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.conninfo import make_conninfo

from magicfs.db.connection import SHORTEST_CONNECT_SECONDS, connection_options

log = logging.getLogger(__name__)

CHANNEL = "magicfs_roots"
"""What Postgres calls the announcements of changed roots."""


class Listener:
    """Listens for announcements. A context manager, which closes it."""

    def __init__(self, dsn: str, *, application: str) -> None:
        """`application` is the name that `pg_stat_activity` shows. The connection is made by the first `wait`."""
        self._conninfo = make_conninfo(
            dsn,
            **connection_options(dsn, application=f"{application} listener", connect_seconds=SHORTEST_CONNECT_SECONDS),
        )
        self._connection: psycopg.Connection[Any] | None = None
        self._interrupt = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def wait(self, seconds: float) -> None:
        """Wait for an announcement or an interrupt, at most `seconds`.

        Returns at once with a new connection, because what was announced before is not known. While there is no
        database it waits for an interrupt alone.
        """
        deadline = time.monotonic() + seconds
        if self._connection is None and self._connect():
            return
        connection = self._connection
        watched = [self._interrupt] if connection is None else [self._interrupt, connection.fileno()]
        readable, _, _ = select.select(watched, [], [], max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._interrupt)
        if connection is not None and set(readable) - {self._interrupt}:
            self._take_announcements(connection)

    def interrupt(self) -> None:
        """End the `wait` that goes on, or else the next one."""
        os.eventfd_write(self._interrupt, 1)

    def close(self) -> None:
        """Close the connection. Nobody waits any more."""
        self._disconnect()
        os.close(self._interrupt)

    def _connect(self) -> bool:
        """Whether there is a connection now."""
        try:
            self._connection = psycopg.connect(self._conninfo, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error as error:
            # Whoever waits meets the same error in its own work, and reports it.
            log.debug("not listening: %s", error)
            self._disconnect()
            return False
        return True

    def _take_announcements(self, connection: psycopg.Connection[Any]) -> None:
        try:
            for _ in connection.notifies(timeout=0):
                pass
        except psycopg.Error as error:
            log.debug("no longer listening: %s", error)
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
