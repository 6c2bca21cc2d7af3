"""Writes what the scanner has seen into the rows of files: records, moves, and deletes those that are gone.

Used by the scanner. It decides nothing. Each transaction holds the host, and the cache of snapshots knows of each
write. Threads may share a writer.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from magicfs.db.cluster import roots as roots_db
from magicfs.db.corpus import files as files_db
from magicfs.db.pool import Connection, Database, retry_on_conflict
from magicfs.domain.files import SeenFile, display_path
from magicfs.domain.roots import Root
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, SchemaError
from magicfs.ingest.deletion_guard import is_emptied, is_present
from magicfs.ingest.index_snapshot import SnapshotCache
from magicfs.ingest.moves import follow_moves
from magicfs.jobs import JobQueue
from magicfs.linux.mounts import is_shared_file_system
from magicfs.text.names import file_name

log = logging.getLogger(__name__)

BATCH_FILES = 1000
"""Files written in one transaction: workers read the first ones while a scan goes on."""


class RowWriter:
    """Writes the rows of files of this host."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        cache: SnapshotCache,
        *,
        hold: Callable[[Connection], None],
        on_change: Callable[[], None],
    ) -> None:
        """`hold` keeps the host during a transaction, and raises `HostTaken` when another machine has it.

        `on_change` is called after files changed.
        """
        self._database = database
        self._queue = queue
        self._cache = cache
        self._hold = hold
        self._on_change = on_change

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction during which no other machine gets the host. Raises `HostTaken` if one has it."""
        with self._database.transaction() as connection:
            self._hold(connection)
            yield connection

    def record(self, root: Root, seen: Sequence[SeenFile], *, priority: int, unmoved: set[int]) -> int:
        """Record new, moved and changed files and notify the extract workers. Returns how many are to be read.

        `unmoved` is that of `follow_moves`: one set serves a whole scan.
        """
        if not seen:
            return 0
        changed = self._upsert(root, seen, priority=priority, unmoved=unmoved)
        if changed:
            self._queue.notify_extract(root.host)
            self._on_change()
        return changed

    def _upsert(self, root: Root, seen: Sequence[SeenFile], *, priority: int, unmoved: set[int]) -> int:
        """Upsert files; those that the database refuses are logged and left out. Returns how many have changed."""
        renumbers = is_shared_file_system(root.path)

        def write() -> int:
            with self.transaction() as connection:
                done = follow_moves(connection, root, seen, unmoved=unmoved, on_move=self._cache.mark_stale_parents)
                rest = [file for file in seen if file.path not in done]
                if not rest:
                    return 0
                changed = files_db.upsert_files(
                    connection, root.id, rest, name_of=file_name, priority=priority, renumbers=renumbers
                )
                return len(changed)

        try:
            return retry_on_conflict(write)
        except (DatabaseUnavailable, DatabaseConflict, SchemaError):
            raise
        except DatabaseError as error:
            if len(seen) == 1:
                path = os.path.join(root.path, seen[0].path)
                log.warning("%s cannot be indexed: %s", display_path(path), error)
                return 0
            middle = len(seen) // 2
            parts = seen[:middle], seen[middle:]
            return sum(self._upsert(root, part, priority=priority, unmoved=unmoved) for part in parts)

    def delete(self, root: Root, paths: Sequence[bytes]) -> int | None:
        """Delete the rows at these paths and below them. Returns how many; None when the root is not present."""

        def delete() -> int | None:
            with self.transaction() as connection:
                if not is_present(root):
                    return None
                self._cache.mark_stale_below(root.id, paths)
                return files_db.delete_paths(connection, root.id, paths)

        deleted = retry_on_conflict(delete)
        if deleted:
            self._cache.count_own_deletion(root.id)
        return deleted

    def forget_ignored(self, root: Root, directory: bytes) -> tuple[int, int]:
        """Delete the rows below a directory that a rule ignores by now. Returns how many; and how many it has kept.

        It keeps them all when they are the whole root, or that is suspect: a full scan must decide.
        """

        def delete() -> tuple[int, int]:
            with self.transaction() as connection:
                count = files_db.count_files_under(connection, root.id, [directory])
                if self._waits(connection, root, count):
                    return 0, count
                return files_db.delete_paths(connection, root.id, [directory]), 0

        deleted, kept = retry_on_conflict(delete)
        if deleted:
            self._cache.count_own_deletion(root.id)
        return deleted, kept

    def _waits(self, connection: Connection, root: Root, ignored: int) -> bool:
        """Whether a full scan must decide about `ignored` files of a root."""
        if roots_db.is_suspect(connection, root.id):
            return True
        return is_emptied(ignored=ignored, kept=lambda: files_db.count_files_of_root(connection, root.id) - ignored)

    def delete_unseen(self, root: Root, paths: Sequence[bytes], began: datetime) -> int:
        """Delete the rows at these paths that have not been recorded since a scan began. Returns how many."""

        def delete(batch: Sequence[bytes]) -> int:
            with self.transaction() as connection:
                return files_db.delete_unseen(connection, root.id, batch, began=began)

        total = 0
        for start in range(0, len(paths), BATCH_FILES):
            if deleted := retry_on_conflict(partial(delete, paths[start : start + BATCH_FILES])):
                self._cache.count_own_deletion(root.id)
            total += deleted
        return total
