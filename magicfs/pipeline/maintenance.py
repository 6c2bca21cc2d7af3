"""Periodic maintenance that makes the index converge: quarantine, deletion of orphans, a new extractor, a new model.

Used by the extract workers, which run `sweep` every few seconds. It extracts and embeds nothing itself. One
`MaintenanceService` belongs to one thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from magicfs.db.cluster import roots as roots_db
from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import file_claims
from magicfs.db.corpus import files as files_db
from magicfs.db.corpus import names as names_db
from magicfs.db.corpus import words as words_db
from magicfs.db.pool import Connection, Database
from magicfs.db.storage import read_shortage
from magicfs.db.vectors import embedding_queue as queue_db
from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.db.vectors import renewal
from magicfs.db.vectors import second_vectors as second_vectors_db
from magicfs.db.vectors.model_changes import complete_building, drop_retired
from magicfs.domain.file_groups import PICTURE_EXTENSIONS
from magicfs.jobs import JobQueue
from magicfs.pipeline.unread_vectors import UnreadVectors
from magicfs.text.analysis import ANALYSIS_VERSION
from magicfs.text.chunk_words import words_of_source
from magicfs.text.extract.versions import newest_version, reader_version
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
"""Pause between two queries for outdated files, which visit all files, after one that requeued none and had room."""

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

    def __init__(self, database: Database, queue: JobQueue, *, host: str, unread: UnreadVectors) -> None:
        """`host` is the one whose files this process extracts: those that an older version has read are read again.

        `queue` is notified when a sweep leaves work that should not wait for the next period.

        `unread` checks the vectors of older versions.
        """
        self._database = database
        self._queue = queue
        self._host = host
        self._unread = unread
        self._orphans_due = 0.0
        self._outdated_due = 0.0
        self._named_due = 0.0

    def sweep(self) -> None:
        """Do the maintenance that is due, unless the disk of the database has no room. Raises `DatabaseError`."""
        self._quarantine()
        with self._database.transaction() as connection:
            if read_shortage(connection) is not None:
                return
        if time.monotonic() >= self._orphans_due:
            self._find_orphans()
        if time.monotonic() >= self._outdated_due:
            self._requeue_outdated_files()
        self._apply_limit()
        self._switch_model()
        self._settle_models()
        self._delete_orphans()
        self._write_words()
        self.write_names()
        if self._unread.forget():
            self._queue.notify_maintenance()

    def _quarantine(self) -> None:
        with self._database.transaction() as connection:
            files = file_claims.quarantine_files(connection, extractor=newest_version())
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
            requeued = file_claims.requeue_outdated(
                connection,
                host=self._host,
                version_of=reader_version,
                newest=newest_version(),
                limit=OUTDATED_FILES,
            )
            # While outdated files are left, every sweep requeues as many as were extracted since the last sweep. That
            # may be none: a file may take minutes. Where there is room for more, none are left.
            is_over = not requeued and not file_claims.has_full_root(connection, host=self._host, limit=OUTDATED_FILES)
        if is_over:
            self._outdated_due = time.monotonic() + OUTDATED_SECONDS

    def write_names(self) -> None:
        """Write the names and states of files that an older version has recorded, a part of them at a time."""
        rewrite = partial(names_db.rewrite_names, analysis=ANALYSIS_VERSION, name_of=file_name, limit=NAMES_BATCH)
        self._in_batches(rewrite)
        with self._database.transaction() as connection:
            roots_db.write_folded_names(connection, fold_path)
        self._in_batches(partial(files_db.write_names, name_of=file_name, limit=NAMES_BATCH))
        if time.monotonic() >= self._named_due:
            name_skipped = partial(files_db.name_skipped_files, picture_extensions=PICTURE_EXTENSIONS)
            if self._in_batches(partial(name_skipped, limit=NAMES_BATCH)):
                self._named_due = time.monotonic() + OUTDATED_SECONDS

    def _write_words(self) -> None:
        """Compute the words of chunks that have those of an earlier version, a part of them at a time."""
        rewrite = partial(
            words_db.rewrite_words,
            analysis=ANALYSIS_VERSION,
            language_of=language_of_samples,
            words_of=words_of_source,
            limit=WORDS_BATCH,
        )
        if not self._repeat(lambda connection: rewrite(connection) == WORDS_BATCH, seconds=WORDS_SECONDS):
            self._queue.notify_maintenance()

    def _in_batches(self, work: Callable[[Connection], int]) -> bool:
        """Do the work of `NAMES_BATCH` files in each transaction, for `NAMES_SECONDS`. Whether nothing is left."""
        return self._repeat(lambda connection: work(connection) >= NAMES_BATCH, seconds=NAMES_SECONDS)

    def _repeat(self, work: Callable[[Connection], bool], *, seconds: float) -> bool:
        """Do work in one transaction after another, for `seconds`. `work` returns whether more may be left.

        Returns whether nothing is left.
        """
        deadline = time.monotonic() + seconds
        while self._database.run_in_transaction(work):
            if time.monotonic() >= deadline:
                return False
        return True

    def _apply_limit(self) -> None:
        """Apply a changed limit of embedded chunks to stored contents, a few at a time."""
        apply = partial(queue_db.apply_max_embedded_chunks, contents=LIMITED_CONTENTS)
        self._repeat(apply, seconds=LIMIT_SECONDS)

    def _switch_model(self) -> None:
        with self._database.transaction() as connection:
            switched = [complete_building(connection), renewal.complete_renewal(connection)]
        for model in filter(None, switched):
            log.warning("searches use %s from now on", model.spec.full_label)
        with self._database.transaction() as connection:
            drop_retired(connection, after_s=RETIRED_SECONDS)

    def _settle_models(self) -> None:
        """Bring the rows of chunks in line with changed models, a few contents at a time."""
        settle = partial(second_vectors_db.continue_pass, contents=SETTLED_CONTENTS)
        if not self._repeat(settle, seconds=SETTLE_SECONDS):
            self._queue.notify_maintenance()

    def _delete_orphans(self) -> None:
        sweep = partial(contents_db.sweep_orphans, grace_s=ORPHAN_GRACE_SECONDS, limit=SWEEP_CONTENTS)
        self._repeat(lambda connection: sweep(connection) == SWEEP_CONTENTS, seconds=SWEEP_SECONDS)
