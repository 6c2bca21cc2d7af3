"""Periodic maintenance that makes the index converge: quarantine, deletion of orphans, a new extractor, a new model.

Used by the extract workers, which run `sweep` every few seconds. It extracts and embeds nothing itself. One
`MaintenanceService` belongs to one thread.
"""

from __future__ import annotations

import logging
import time

from magicfs.db import contents as contents_db
from magicfs.db import embeddings as embeddings_db
from magicfs.db import files as files_db
from magicfs.db import models as models_db
from magicfs.db.pool import Database

log = logging.getLogger(__name__)

ORPHAN_GRACE_SECONDS = 600.0
"""How long an orphaned content is kept. A moved file, or an editor that saves by renaming, needs it again."""

UNREADABLE_GRACE_SECONDS = 30 * 86400.0
"""How long an unreadable content is kept after its last use, so that copies are not parsed again."""

SWEEP_CONTENTS = 200
"""Orphaned contents that one transaction deletes."""

SWEEP_SECONDS = 5.0
"""How long one sweep deletes orphaned contents."""

SWEEP_CHUNKS = 20_000
"""Chunks that are checked for a content every ORPHANS_SECONDS: a million within a few hours."""

OUTDATED_FILES = 2000
"""A sweep requeues outdated files, extracted by an older version, until their root has this many pending files."""

OUTDATED_SECONDS = 600.0
"""Pause between two queries for outdated files, after a query that requeued none."""

RETIRED_SECONDS = 7 * 86400.0
"""How long the vectors of a replaced model are kept, so that going back to it is quick."""

ORPHANS_SECONDS = 600.0
"""Pause between two searches for orphans."""

ORPHANS_RETRY_SECONDS = 60.0
"""Pause after a search for orphans that failed."""


class MaintenanceService:
    """Sweeps the index. Several processes may do so at the same time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orphans_due = 0.0
        self._outdated_due = 0.0

    def sweep(self) -> None:
        """Do the maintenance that is due. Raises `DatabaseError`."""
        self._quarantine()
        if time.monotonic() >= self._orphans_due:
            self._find_orphans()
        if time.monotonic() >= self._outdated_due:
            self._requeue_outdated_files()
        self._switch_model()
        self._delete_orphans()

    def _quarantine(self) -> None:
        with self._database.transaction() as connection:
            files = files_db.quarantine_files(connection)
            chunks = embeddings_db.quarantine_chunks(connection)
        if files or chunks:
            log.warning("%d files and %d chunks are quarantined: 'magicfs failures' lists them", files, chunks)

    def _find_orphans(self) -> None:
        # Set before the work, so that a failure does not keep the rest of every sweep from running.
        self._orphans_due = time.monotonic() + ORPHANS_RETRY_SECONDS
        with self._database.transaction() as connection:
            contents_db.mark_orphans(connection, unreadable_grace_s=UNREADABLE_GRACE_SECONDS)
        with self._database.transaction() as connection:
            contents_db.sweep_chunks(connection, limit=SWEEP_CHUNKS)
        self._orphans_due = time.monotonic() + ORPHANS_SECONDS

    def _requeue_outdated_files(self) -> None:
        with self._database.transaction() as connection:
            requeued = files_db.requeue_outdated(connection, limit=OUTDATED_FILES)
        # While outdated files are left, every sweep requeues as many as were extracted since the last sweep.
        if not requeued:
            self._outdated_due = time.monotonic() + OUTDATED_SECONDS

    def _switch_model(self) -> None:
        with self._database.transaction() as connection:
            switched = models_db.complete_building(connection)
        if switched is not None:
            log.warning("searches use %s from now on", switched.spec.label)
        with self._database.transaction() as connection:
            models_db.drop_retired(connection, after_s=RETIRED_SECONDS)

    def _delete_orphans(self) -> None:
        deadline = time.monotonic() + SWEEP_SECONDS
        deleted = SWEEP_CONTENTS
        while deleted == SWEEP_CONTENTS and time.monotonic() < deadline:
            with self._database.transaction() as connection:
                deleted = contents_db.sweep_orphans(connection, grace_s=ORPHAN_GRACE_SECONDS, limit=SWEEP_CONTENTS)
