"""Adding roots, for the commands that do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.db.status import read_status
from magicfs.domain.files import Root
from magicfs.ingest.roots import add_root, check_root


def add_all(settings: Settings, database: Database, paths: Sequence[Path], *, mount: Path | None = None) -> list[Root]:
    """Add roots of this host. Raises `RootError` for one that cannot be one, mostly before any is added.

    `mount` is a mount point that need not be in use yet.
    """
    mounts = mounts_of(settings, database)
    if mount is not None:
        mounts.append(os.fsencode(mount))
    for path in paths:
        check_root(path, home=settings.home, mounts=mounts)
    return [add_root(database, host=settings.host, path=path, home=settings.home, mounts=mounts) for path in paths]


def mounts_of(settings: Settings, database: Database) -> list[bytes]:
    """Where this host has mounts now."""
    with database.transaction() as connection:
        return [mount.path for mount in read_status(connection).mounts if mount.host == settings.host]
