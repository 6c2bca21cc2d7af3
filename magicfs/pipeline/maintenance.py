"""Periodic maintenance that makes the index converge: quarantine, deletion of orphans, a new extractor, a new model.

Used by the extract workers, which run `sweep` every few seconds. It extracts and embeds nothing itself. One
`MaintenanceService` belongs to one thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from magicfs.db import contents as contents_db
from magicfs.db import embedding_queue as queue_db
from magicfs.db import embeddings as embeddings_db
from magicfs.db import files as files_db
from magicfs.db import models as models_db
from magicfs.db import names as names_db
from magicfs.db import roots as roots_db
from magicfs.db import second_vectors as second_vectors_db
from magicfs.db import words as words_db
from magicfs.db.pool import Connection, Database, retry_on_conflict
from magicfs.domain.file_groups import PICTURE_EXTENSIONS
from magicfs.jobs import JobQueue
from magicfs.pipeline.unread import UnreadVectors
from magicfs.text.analysis import ANALYSIS_VERSION
from magicfs.text.chunk_words import words_of_source
from magicfs.text.extract import newest_version, reader_version
from magicfs.text.language import language_of_samples
from magicfs.text.names import file_name, fold_path

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

NAMES_BATCH = 500
"""Files whose names one transaction writes: a few hundredths of a second."""

NAMES_SECONDS = 5.0
"""How long one sweep writes names."""

WORDS_BATCH = 300
"""Chunks whose words one transaction computes: about a tenth of a second."""

WORDS_SECONDS = 2.0
"""How long one sweep computes words. While some are left, the next one is requested at once; files that were just saved
come between."""

LIMITED_CONTENTS = 100
"""Contents to which one transaction applies a changed limit. Most have few chunks and are only looked at."""

LIMIT_SECONDS = 5.0
"""How long one sweep applies a changed limit."""

SETTLED_CONTENTS = 100
"""Contents whose chunks one transaction brings in line with the models that read them."""

SETTLE_SECONDS = 5.0
"""How long one sweep does that."""

RETIRED_SECONDS = 7 * 86400.0
"""How long the vectors of a replaced model are kept, so that going back to it is quick."""

ORPHANS_SECONDS = 600.0
"""Pause between two searches for orphans."""

ORPHANS_RETRY_SECONDS = 60.0
"""Pause after a search for orphans that failed."""


class MaintenanceService:
    """Sweeps the index. Several processes may do so at the same time."""

    def __init__(
        self, database: Database, queue: JobQueue | None = None, *, unread: UnreadVectors | None = None
    ) -> None:
        """`queue` is notified when a sweep leaves work that should not wait for the next period.

        `unread` checks the vectors of older versions.
        """
        self._database = database
        self._queue = queue
        self._unread = unread
        self._orphans_due = 0.0
        self._outdated_due = 0.0
        self._named_due = 0.0

    def sweep(self) -> None:
        """Do the maintenance that is due. Raises `DatabaseError`."""
        self._quarantine()
        if time.monotonic() >= self._orphans_due:
            self._find_orphans()
        if time.monotonic() >= self._outdated_due:
            self._requeue_outdated_files()
        self._apply_limit()
        self._switch_model()
        self._settle_models()
        self._delete_orphans()
        self._write_words()
        self._write_names()
        if self._unread is not None and self._unread.forget() and self._queue is not None:
            self._queue.notify_maintenance()

    def _quarantine(self) -> None:
        with self._database.transaction() as connection:
            files = files_db.quarantine_files(connection, extractor=newest_version())
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
            requeued = files_db.requeue_outdated(
                connection, version_of=reader_version, newest=newest_version(), limit=OUTDATED_FILES
            )
        # While outdated files are left, every sweep requeues as many as were extracted since the last sweep.
        if not requeued:
            self._outdated_due = time.monotonic() + OUTDATED_SECONDS

    def _write_names(self) -> None:
        """Write the names and states of files that an older version has recorded, a part of them at a time."""
        rewrite = partial(names_db.rewrite_names, analysis=ANALYSIS_VERSION, name_of=file_name, limit=NAMES_BATCH)
        retry_on_conflict(lambda: self._in_batches(rewrite))
        with self._database.transaction() as connection:
            roots_db.write_folded_names(connection, fold_path)
        self._in_batches(partial(files_db.write_names, name_of=file_name, limit=NAMES_BATCH))
        if time.monotonic() >= self._named_due:
            name_skipped = partial(files_db.name_skipped_files, picture_extensions=PICTURE_EXTENSIONS)
            if self._in_batches(partial(name_skipped, limit=NAMES_BATCH)):
                self._named_due = time.monotonic() + OUTDATED_SECONDS

    def _write_words(self) -> None:
        """Compute the words of chunks that have those of an earlier version, a part of them at a time."""
        deadline = time.monotonic() + WORDS_SECONDS
        while retry_on_conflict(self._write_some_words) == WORDS_BATCH:
            if time.monotonic() >= deadline:
                if self._queue is not None:
                    self._queue.notify_maintenance()
                return

    def _write_some_words(self) -> int:
        with self._database.transaction() as connection:
            return words_db.rewrite_words(
                connection,
                analysis=ANALYSIS_VERSION,
                language_of=language_of_samples,
                words_of=words_of_source,
                limit=WORDS_BATCH,
            )

    def _in_batches(self, work: Callable[[Connection], int]) -> bool:
        """Do the work of `NAMES_BATCH` files in each transaction, for `NAMES_SECONDS`. Whether nothing is left."""
        deadline = time.monotonic() + NAMES_SECONDS
        while True:
            with self._database.transaction() as connection:
                count = work(connection)
            if count < NAMES_BATCH or time.monotonic() >= deadline:
                return count < NAMES_BATCH

    def _apply_limit(self) -> None:
        """Apply a changed limit of embedded chunks to stored contents, a few at a time."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while retry_on_conflict(self._apply_limit_to_batch) and time.monotonic() < deadline:
            pass

    def _apply_limit_to_batch(self) -> bool:
        with self._database.transaction() as connection:
            return queue_db.apply_max_embedded_chunks(connection, contents=LIMITED_CONTENTS)

    def _switch_model(self) -> None:
        with self._database.transaction() as connection:
            switched = models_db.complete_building(connection)
        if switched is not None:
            log.warning("searches use %s from now on", switched.spec.label)
        with self._database.transaction() as connection:
            models_db.drop_retired(connection, after_s=RETIRED_SECONDS)

    def _settle_models(self) -> None:
        """Bring the rows of chunks in line with changed models, a few contents at a time."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while retry_on_conflict(self._settle_batch):
            if time.monotonic() >= deadline:
                if self._queue is not None:
                    self._queue.notify_maintenance()
                return

    def _settle_batch(self) -> bool:
        with self._database.transaction() as connection:
            return second_vectors_db.continue_pass(connection, contents=SETTLED_CONTENTS)

    def _delete_orphans(self) -> None:
        deadline = time.monotonic() + SWEEP_SECONDS
        deleted = SWEEP_CONTENTS
        while deleted == SWEEP_CONTENTS and time.monotonic() < deadline:
            with self._database.transaction() as connection:
                deleted = contents_db.sweep_orphans(connection, grace_s=ORPHAN_GRACE_SECONDS, limit=SWEEP_CONTENTS)
