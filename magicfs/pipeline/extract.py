"""Extracts waiting files: claims a batch, has it processed, and returns the claims of what could not be.

Used by the extract worker: one `ExtractService` belongs to one process and one thread. `file_processor` reads the files
and writes the rows. A claim is committed before a parser sees the file, so that a crash is counted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from magicfs.db.corpus import file_claims, page_claims
from magicfs.db.pool import Connection, Database
from magicfs.db.vectors import embedding_queue as queue_db
from magicfs.domain.files import ClaimedFile, display_path
from magicfs.domain.ids import FileId
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, ServerError
from magicfs.jobs import JobQueue
from magicfs.linux.memory import require_memory
from magicfs.pipeline.claim_groups import group_files
from magicfs.pipeline.claims import return_early
from magicfs.pipeline.file_processor import FileProcessor
from magicfs.text.extract.options import OcrEngine
from magicfs.text.extract.versions import newest_version

log = logging.getLogger(__name__)

BATCH_FILES = 64
BATCH_BYTES = 4 << 20
"""A batch is a fraction of a second of work, so that a file just saved does not wait long behind it."""

BATCH_SECONDS = 0.25
"""After this time the batch starts no further file, and the claims of the others are returned."""

ORDINARY_BYTES = 32 << 20
"""The memory that reading a file may take without being the reason if the worker is killed for want of memory."""

FIRST_OCR_PAUSE_SECONDS, MAX_OCR_PAUSE_SECONDS = 60.0, 3600.0
"""OCR that does not start is tried again, for files that wait for it, after these pauses: each is twice as long."""

LEASE_SECONDS = 540.0
"""Longer than the hard time limit of a task, and shorter than the ten minutes of `is_held`. A worker that has died
releases its claims at its next start, so only the leases of a host that never comes back run out."""


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """Who claims files."""

    host: str
    """The host whose files are claimed."""
    boot: str
    """What tells this machine, since its start, from others."""
    owner: str
    """The worker's name, stable over its restarts."""


class ExtractService:
    """Extracts the waiting files of one host."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        processor: FileProcessor,
        *,
        worker: WorkerIdentity,
        max_embedded_chunks: int,
        paused: Callable[[], bool],
    ) -> None:
        """Claim files as `worker`. Of a file, `max_embedded_chunks` chunks are embedded.

        While `paused` returns True, no pages are read of files that were read but for these.
        """
        self._database = database
        self._queue = queue
        self._processor = processor
        self._extractor = processor.extractor
        self._worker = worker
        self._max_embedded_chunks = max_embedded_chunks
        self._paused = paused
        self._lacked_memory = False
        self._waits_for_ocr = False
        """Whether files may wait for the OCR that is installed now: they were read without, or it did not start."""
        self._ocr_pause_s = FIRST_OCR_PAUSE_SECONDS
        self._ocr_due_at = 0.0
        """The moment, on the monotonic clock, from which OCR is tried again for them."""

    @property
    def ocr_is_due(self) -> bool:
        """Whether files may wait for the OCR that is installed now, and it is time to try it. Any thread may ask."""
        return self._waits_for_ocr and time.monotonic() >= self._ocr_due_at

    def recover(self, *, memory_kills: int = 0) -> int:
        """Release the claims that this worker had when it last died, and quarantine files that keep killing it.

        `memory_kills` is how often it has been killed in a row for want of memory. The first of these kills does not
        count: before each claim, those that follow have taken what an ordinary file needs, see `_require_memory`.

        Also tells the index this host's limit of embedded chunks. Files that waited for the OCR that is installed now
        are queued when no other file waits: to start it may take longer than a child has. Returns the number of
        released claims.
        """
        with self._database.transaction() as connection:
            released = file_claims.release_files(
                connection, owner=self._worker.owner, counted=memory_kills != 1, alone=True
            )
            # Files that others have released were theirs to crash over.
            lacking = released if memory_kills else []
            file_claims.quarantine_files(connection, extractor=newest_version(), lacking=lacking)
        self._lacked_memory = memory_kills > 0
        ocr = self._processor.ocr
        self._waits_for_ocr = ocr is not None and self._has_files_for_ocr(ocr)
        limit = self._database.run_in_transaction(self._declare_limit)
        if limit != self._max_embedded_chunks:
            log.warning(
                "the index embeds %d chunks of a file, not %d: MAGICFS_MAX_EMBEDDED_CHUNKS differs between hosts, and "
                "the last one that changed it decides",
                limit,
                self._max_embedded_chunks,
            )
        return len(released)

    def _has_files_for_ocr(self, ocr: OcrEngine) -> bool:
        with self._database.transaction() as connection:
            return file_claims.has_files_for_ocr(connection, host=self._worker.host, lesser=ocr.lesser)

    def try_ocr(self) -> None:
        """Queue the files that wait for OCR, if it starts now."""
        ocr = self._processor.ocr
        if ocr is None or not self.ocr_is_due:
            return
        if self._extractor.recognises():
            self._waits_for_ocr, self._ocr_pause_s = False, FIRST_OCR_PAUSE_SECONDS
            self._queue_files_for_ocr(ocr)
        else:
            self._ocr_due_at = time.monotonic() + self._ocr_pause_s
            self._ocr_pause_s = min(2 * self._ocr_pause_s, MAX_OCR_PAUSE_SECONDS)

    def _queue_files_for_ocr(self, ocr: OcrEngine) -> None:
        queued = self._database.run_in_transaction(
            lambda connection: file_claims.queue_files_for_ocr(connection, host=self._worker.host, lesser=ocr.lesser)
        )
        if queued:
            log.info("%d files that waited for %s are read", queued, ocr)
            self._queue.notify_extract(self._worker.host)

    def _declare_limit(self, connection: Connection) -> int:
        return queue_db.declare_max_embedded_chunks(
            connection, host=self._worker.host, chunks=self._max_embedded_chunks
        )

    def free_memory(self) -> None:
        """End the parser process. The next file that needs one waits until it has started again."""
        self._extractor.close()

    def run_batch(self) -> int:
        """Claim and process the next files. Returns how many were processed, and notifies again if there were any.

        Raises `DatabaseError` or `ServerError` when the work cannot go on; the claims are returned then.
        """
        claims = self.claim_files()
        if not claims:
            self.try_ocr()
            claims = self.claim_pages()
        if not claims:
            self._extractor.free_memory()
            return 0
        deadline = time.monotonic() + BATCH_SECONDS
        unstarted = {claim.id: claim for claim in claims}
        try:
            for group in group_files(claims, may_need_parser=self._extractor.may_need_parser):
                if len(unstarted) < len(claims) and time.monotonic() >= deadline:
                    break
                self._process_group(group, unstarted, deadline)
        finally:
            self._waits_for_ocr = self._waits_for_ocr or self._extractor.lacks_ocr()
            self._return_claims(list(unstarted.values()), counted=False)
        self._queue.notify_extract(self._worker.host)
        self._queue.notify_embed()
        return len(claims) - len(unstarted)

    def claim_files(self) -> list[ClaimedFile]:
        """Claim the next files that wait, the ones that were just saved first. Raises `DatabaseError`."""
        self._require_memory()
        with self._database.transaction() as connection:
            # This worker has none now: they are lost ones.
            file_claims.release_files(connection, owner=self._worker.owner, counted=False)
            return file_claims.claim_files(
                connection,
                host=self._worker.host,
                boot=self._worker.boot,
                owner=self._worker.owner,
                limit=BATCH_FILES,
                max_bytes=BATCH_BYTES,
                seconds=LEASE_SECONDS,
            )

    def claim_pages(self) -> list[ClaimedFile]:
        """Claim a file that has pending pages or pictures; none while that is paused. Raises `DatabaseError`."""
        if self._paused():
            return []
        self._require_memory()
        with self._database.transaction() as connection:
            return page_claims.claim_pages(
                connection,
                host=self._worker.host,
                boot=self._worker.boot,
                owner=self._worker.owner,
                seconds=LEASE_SECONDS,
                recognises=self._processor.ocr is not None and not self._extractor.lacks_ocr(),
            )

    def _require_memory(self) -> None:
        """Take what an ordinary file needs, after a kill for want of memory: who dies of it has claimed no file."""
        if self._lacked_memory:
            require_memory(ORDINARY_BYTES)

    def _process_group(
        self, group: Sequence[ClaimedFile], unstarted: dict[FileId, ClaimedFile], deadline: float
    ) -> None:
        """Process the files of a group together, and then those that must be processed alone, one by one.

        Removes the files from `unstarted` that need not be claimed again. Those that must be processed alone and whose
        turn does not come before `deadline` stay in it.
        """
        for claim in group:
            del unstarted[claim.id]
        alone = self._process_or_return_claims(group)
        unstarted |= {claim.id: claim for claim in alone}
        for position, claim in enumerate(alone):
            # The first file is processed even after the deadline. Otherwise a group that takes until the deadline to
            # read would be returned, claimed and read again without an end.
            if position > 0 and time.monotonic() >= deadline:
                break
            del unstarted[claim.id]
            self._process_or_return_claims([claim])

    def _process_or_return_claims(self, claims: Sequence[ClaimedFile]) -> Sequence[ClaimedFile]:
        """Process files. After an error, return their claims or try the files one by one.

        Returns the files that must be processed alone. Raises errors that are not the fault of a file.
        """
        try:
            return self._processor.process(claims)
        except (DatabaseUnavailable, DatabaseConflict, ServerError):
            self._return_claims(claims, counted=False)
            raise
        except Exception as error:
            if len(claims) > 1:
                log.info("%d files are processed one by one, because one of them failed: %s", len(claims), error)
                return claims
            name = display_path(claims[0].path)
            if isinstance(error, DatabaseError):
                # The database will refuse this file again, so the error is not raised: the batch goes on.
                log.warning("%s cannot be written to the index: %s", name, error)
            else:
                log.exception("extracting a file failed: %s", name)
            self._return_claims(claims, counted=True)
            return []

    def _return_claims(self, claims: Sequence[ClaimedFile], *, counted: bool) -> None:
        if claims:
            return_early(
                self._database,
                lambda connection: file_claims.return_files(connection, claims, counted=counted, pause_s=0.0),
                what=f"{len(claims)} files",
            )
