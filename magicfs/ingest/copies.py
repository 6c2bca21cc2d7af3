"""Finds of which files that are gone or ignored nothing is lost when the index forgets their former paths.

Used by the scanner before it takes deletions for suspicious: whoever moves files to another disk copies and deletes
them, and whoever has added a root says then what is to be left out. What the index says of a copy counts only while the
disk says the same. Writes nothing. Any thread.
"""

from __future__ import annotations

import os
import stat

from magicfs.db.corpus.moved_files import KnownFile, copies_of_files, indexed_paths, paths_without_content
from magicfs.db.pool import Database
from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId
from magicfs.domain.roots import Root
from magicfs.ingest.difference import LostFiles


def without_replaceable(database: Database, root: Root, files: LostFiles) -> LostFiles:
    """Those of the files of which something is lost: that are in no root of the host by another path.

    Those that the index no longer has at these paths are elsewhere too: while this root was scanned, the scan of
    another one has found where they are. Nothing is lost either of what is only ignored, and was never read.
    """
    gone = [*files.deleted, *files.ignored]
    with database.transaction() as connection:
        left = set(gone) - indexed_paths(connection, root.id, gone)
        copies = copies_of_files(connection, root.id, gone)
        unread = paths_without_content(connection, root.id, files.ignored)
    unchanged: dict[FileId, bool] = {}
    copied: set[bytes] = set()
    for path, copy in copies:
        if copy.id not in unchanged:
            unchanged[copy.id] = _is_unchanged(copy)
        if unchanged[copy.id]:
            copied.add(path)
    replaceable = left | copied | unread
    return LostFiles(*([path for path in paths if path not in replaceable] for paths in (files.deleted, files.ignored)))


def _is_unchanged(file: KnownFile) -> bool:
    """Whether the disk has a file as the index knows it."""
    try:
        status = os.lstat(os.path.join(file.root_path, file.path))
    except (OSError, ValueError):
        # Any host of a cluster can write a path with a zero into a row.
        return False
    found = FileStat.of(status)
    return stat.S_ISREG(status.st_mode) and found[:4] == (file.size, file.mtime_ns, file.ctime_ns, file.ino)
