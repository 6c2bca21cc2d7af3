"""The heartbeat of a mount: reports to the database that the mount is up, and reads what else must be current there.

The roots are passed to the tree; which hosts serve their files is read by whoever asks them for it.

Used by `run_mount`. Runs in a thread of its own, so that a slow or unreachable database delays no request.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from magicfs.db.cluster.heartbeats import record_mount, remove_mount
from magicfs.db.cluster.roots import list_roots
from magicfs.db.pool import Connection, Database
from magicfs.domain.roots import RegisteredRoot
from magicfs.errors import MagicFSError

log = logging.getLogger(__name__)

REPORT_SECONDS = 5.0
"""The interval of reports and of reading the roots, which are also read when a change of them is announced. A mount
without a report for four intervals counts as gone."""
_JOIN_SECONDS = 5.0
"""The end of the mount waits this long for the thread."""


class Heartbeat:
    """A context that keeps a mount reported."""

    def __init__(
        self,
        database: Database,
        *,
        host: str,
        mountpoint: Path,
        set_roots: Callable[[Sequence[RegisteredRoot]], None],
        read_hosts: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        """`read_hosts` reads in the transaction of a report, and does not block otherwise."""
        self._database = database
        self._host = host
        self._path = os.fsencode(mountpoint)
        self._set_roots = set_roots
        self._read_hosts = read_hosts
        self._listener = database.listen()
        self._is_reachable = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._database.give_up_once(self._stop.is_set)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._listener.interrupt()
        self._thread.join(_JOIN_SECONDS)
        if not self._thread.is_alive():
            self._listener.close()
        try:
            with self._database.transaction() as connection:
                remove_mount(connection, host=self._host, path=self._path)
        except MagicFSError as database_error:
            log.warning("could not report the end of the mount: %s", database_error)

    def _run(self) -> None:
        """Report until the mount ends, whatever fails: a mount without reports counts as gone."""
        has_failed = False
        while not self._stop.is_set():
            try:
                self._report_and_wait()
                has_failed = False
            except Exception:
                if not has_failed:
                    log.exception("the heartbeat failed unexpectedly, and goes on")
                has_failed = True
                self._stop.wait(REPORT_SECONDS)

    def _report_and_wait(self) -> None:
        try:
            self._report()
            if not self._is_reachable:
                log.info("the database answers again")
            self._is_reachable = True
        except MagicFSError as error:
            if self._is_reachable:
                log.warning("searches fail, files still work: %s", error)
            self._is_reachable = False
        self._listener.wait(REPORT_SECONDS)

    def _report(self) -> None:
        """Report that the mount is up, and pass on what is read."""
        with self._database.transaction() as connection:
            record_mount(connection, host=self._host, path=self._path, pid=os.getpid())
            roots = list_roots(connection)
            self._read_hosts(connection)
        self._set_roots(roots)
