"""Watches the disk of the embedded database, so that an import stops before the disk is full.

A thread of the agent beside that database. It declares a shortage in the database, where the workers of all hosts see
it; the work goes on by itself when there is room again.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from magicfs.db import storage
from magicfs.db.pool import Database
from magicfs.ingest.outages import errors_logged
from magicfs.logs import Outage

log = logging.getLogger(__name__)

SPARED_BYTES = 512 << 20
"""What stays free of the disk, for the log of the database and for other programs. A checkpoint after a shortage may
free a multiple of it."""

RESUME_BYTES = SPARED_BYTES + (128 << 20)
"""The room with which work begins again: at one limit alone it would begin and end all the time."""

CHECK_SECONDS = 5.0
"""Two embed and two extract workers wrote less than 100 MB in this time."""


def keep_room(home: Path, database: Database, outage: Outage, stop: threading.Event) -> None:
    """Declare a shortage as long as the file system of `home` has too little room, until `stop` is set."""
    is_short: bool | None = None  # perhaps the former agent has declared a shortage
    while not stop.is_set():
        with errors_logged(stop, outage, "disk"):
            is_short = _check(home, database, was_short=is_short)
        stop.wait(CHECK_SECONDS)


def _check(home: Path, database: Database, *, was_short: bool | None) -> bool:
    free_bytes = _free_bytes(home)
    is_short = free_bytes < (RESUME_BYTES if was_short else SPARED_BYTES)
    if is_short:
        with database.transaction() as connection:
            storage.declare_shortage(connection, free_bytes=free_bytes)
        if not was_short:
            log.warning("work stops until there is room on the disk of %s: %d MB are free", home, free_bytes >> 20)
    elif was_short is not False:
        with database.transaction() as connection:
            storage.end_shortage(connection)
        if was_short:
            log.info("work goes on: the disk has room again")
    return is_short


def _free_bytes(path: Path) -> int:
    """The bytes that an ordinary user may still write to the file system of a path. Raises `OSError`."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize
