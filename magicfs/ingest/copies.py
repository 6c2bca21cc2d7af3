"""Finds which of the files that are gone are elsewhere: nothing is lost when the index forgets their former paths.

Used by the scanner before it takes deletions for suspicious: whoever moves files to another disk copies and deletes
them. What the index says of a copy counts only while the disk says the same. Writes nothing. Any thread.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection

from magicfs.db.corpus.moved_files import KnownFile, copies_of_files, indexed_paths
from magicfs.db.pool import Database
from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId
from magicfs.domain.roots import Root


def count_elsewhere(database: Database, root: Root, gone: Collection[bytes]) -> int:
    """How many of the files that are gone from these paths of a root are in some root of the host by another path.

    Those count too that the index no longer has at these paths: while this root was scanned, the scan of another one
    has found where they are.
    """
    with database.transaction() as connection:
        left = set(gone) - indexed_paths(connection, root.id, gone)
        copies = copies_of_files(connection, root.id, gone)
    unchanged: dict[FileId, bool] = {}
    copied: set[bytes] = set()
    for path, copy in copies:
        if copy.id not in unchanged:
            unchanged[copy.id] = _is_unchanged(copy)
        if unchanged[copy.id]:
            copied.add(path)
    return len(left | copied)


def _is_unchanged(file: KnownFile) -> bool:
    """Whether the disk has a file as the index knows it."""
    try:
        status = os.lstat(os.path.join(file.root_path, file.path))
    except (OSError, ValueError):
        # Any host of a cluster can write a path with a zero into a row.
        return False
    found = FileStat.of(status)
    return stat.S_ISREG(status.st_mode) and found[:4] == (file.size, file.mtime_ns, file.ctime_ns, file.ino)
