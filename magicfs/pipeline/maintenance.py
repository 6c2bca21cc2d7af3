"""What is done every few seconds so that the index converges: quarantine, and forgetting what nobody has."""

from __future__ import annotations

import logging
import time

from magicfs.db import contents as contents_db
from magicfs.db import embeddings as embeddings_db
from magicfs.db import files as files_db
from magicfs.db import models as models_db
from magicfs.db.pool import Database

log = logging.getLogger(__name__)

GRACE_SECONDS = 600.0
"""How long a content without a file is kept: a move, or an editor that saves by renaming, finds it again."""

VERDICT_SECONDS = 30 * 86400.0
"""How long it is remembered that bytes hold no text, so that copies are not parsed again."""

SWEEP_CONTENTS = 200
"""Contents deleted in one transaction ..."""

SWEEP_SECONDS = 5.0
"""... one after the other for so long."""

SWEEP_CHUNKS = 20_000
"""Chunks looked at every ORPHANS_SECONDS, for those that a sweep had to leave: a million within a few hours."""

OUTDATED_FILES = 2000
"""Files of a root that wait while some are to be read anew for a new version of the extractor."""

OUTDATED_SECONDS = 600.0
"""Pause between two looks for such files, once a look has found none, or enough that wait already."""

RETIRED_SECONDS = 7 * 86400.0
"""How long the vectors of a model that was replaced are kept, so that the way back is short."""

FAILED_SECONDS = 60.0
ORPHANS_SECONDS = 600.0
"""Pause between two looks over all contents, after one that failed and after one that did not."""


class MaintenanceService:
    """Sweeps the index. Safe to run in several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orphans_due = 0.0
        self._outdated_due = 0.0

    def sweep(self) -> None:
        """Do what is due."""
        with self._database.transaction() as connection:
            files = files_db.quarantine_files(connection)
            chunks = embeddings_db.quarantine_chunks(connection)
        if files or chunks:
            log.warning("%d files and %d chunks are set aside: 'magicfs failures' lists them", files, chunks)
        if time.monotonic() >= self._orphans_due:
            # Should it fail, the rest is to have its turn before the next try.
            self._orphans_due = time.monotonic() + FAILED_SECONDS
            with self._database.transaction() as connection:
                contents_db.mark_orphans(connection, unreadable_grace_s=VERDICT_SECONDS)
            with self._database.transaction() as connection:
                contents_db.sweep_chunks(connection, limit=SWEEP_CHUNKS)
            self._orphans_due = time.monotonic() + ORPHANS_SECONDS
        if time.monotonic() >= self._outdated_due:
            with self._database.transaction() as connection:
                requeued = files_db.requeue_outdated(connection, limit=OUTDATED_FILES)
            # While there are some, each sweep makes up for what has been read since the last one.
            if not requeued:
                self._outdated_due = time.monotonic() + OUTDATED_SECONDS
        with self._database.transaction() as connection:
            switched = models_db.complete_building(connection)
        if switched is not None:
            log.warning("searches use %s from now on", switched.spec.label)
        with self._database.transaction() as connection:
            models_db.drop_retired(connection, after_s=RETIRED_SECONDS)
        until = time.monotonic() + SWEEP_SECONDS
        swept = SWEEP_CONTENTS
        while swept == SWEEP_CONTENTS and time.monotonic() < until:
            with self._database.transaction() as connection:
                swept = contents_db.sweep_orphans(connection, grace_s=GRACE_SECONDS, limit=SWEEP_CONTENTS)
