"""Extracts waiting files: claim, read, hash, get the text, cut it into chunks, write the rows.

Used by the extract worker: one `ExtractService` belongs to one process and one thread. It parses nothing itself; an
`Extractor` and a `Chunker` do. A claim is committed before a parser sees the file, so that a crash is counted. Small
files are processed in groups, because the queries about one file take longer than reading it. Each result is written
in one transaction, guarded by the lease of the claim.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from magicfs.db import contents as contents_db
from magicfs.db import embedding_queue as queue_db
from magicfs.db import file_claims
from magicfs.db.pool import Connection, Database, retry_on_conflict
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import ContentKey, Document, NewContent, StoredContent, Unreadable
from magicfs.domain.files import ClaimedFile, ExtractedFile, FileState, SkipReason, display_path
from magicfs.domain.ids import ContentId, FileId
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, ServerError
from magicfs.jobs import JobQueue
from magicfs.pipeline.claims import WorkerClaims
from magicfs.pipeline.pauses import pause_before_rereading_s
from magicfs.pipeline.reading import FileRead, GroupReading, group_files, read_group
from magicfs.text.extract import Extractor, OcrEngine, newest_version

log = logging.getLogger(__name__)

BATCH_FILES = 64
BATCH_BYTES = 4 << 20
"""A batch is a fraction of a second of work, so that a file just saved does not wait long behind it."""

BATCH_SECONDS = 0.25
"""After this time the batch starts no further file, and the claims of the others are returned."""

LEASE_SECONDS = 300.0
"""Longer than the hard time limit of a task. A worker that has died releases its claims at its next start, so only the
leases of a host that never comes back run out."""

_REASONS_THAT_MAY_PASS = frozenset({SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.NEEDS_OCR})
"""A later try, or a program that is installed later, may give a file with such a reason a text."""


class Chunker(Protocol):
    """Cuts a document into pieces that the model can read whole."""

    def chunks(self, document: Document) -> list[Chunk]:
        """The pieces in order. The same document always gives the same ones."""


@dataclass(frozen=True, slots=True)
class _GroupTimer:
    """Measures what the files of a group cost. Each counts for an equal share: they are small and differ little."""

    started: float
    """When the reading began, on the monotonic clock."""
    files: int

    def seconds_per_file(self) -> float:
        return (time.monotonic() - self.started) / self.files


class ExtractService:
    """Extracts the waiting files of one host."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        *,
        extractor: Extractor,
        chunker: Chunker,
        host: str,
        boot: str,
        owner: str,
        max_file_bytes: int,
        max_embedded_chunks: int,
        ocr: OcrEngine | None,
    ) -> None:
        """`owner` is the worker's name, stable over its restarts; `boot` tells its machine from others.

        Of a file, `max_embedded_chunks` chunks are embedded. `ocr` is what the extractor recognises text with: pictures
        and scanned pages that waited for it, or that a lesser one has read, are read again.
        """
        self._database = database
        self._queue = queue
        self._extractor = extractor
        self._chunker = chunker
        self._host = host
        self._boot = boot
        self._owner = owner
        self._max_file_bytes = max_file_bytes
        self._max_embedded_chunks = max_embedded_chunks
        self._ocr = ocr
        self._own_claims = WorkerClaims(
            database, release=partial(file_claims.release_files, owner=owner, counted=False)
        )

    def recover(self) -> int:
        """Release the claims that this worker had when it last died, and quarantine files that keep killing it.

        Also tells the index this host's limit of embedded chunks, and queues files that waited for the OCR that is
        installed now, if it starts. Returns the number of released claims.
        """
        with self._database.transaction() as connection:
            released = file_claims.release_files(connection, owner=self._owner, counted=True)
            file_claims.quarantine_files(connection, extractor=newest_version())
        if self._ocr is not None and self._has_files_for_ocr(self._ocr) and self._extractor.recognises():
            self._queue_files_for_ocr(self._ocr)
        limit = retry_on_conflict(self._declare_limit)
        if limit != self._max_embedded_chunks:
            log.warning(
                "the index embeds %d chunks of a file, not %d: MAGICFS_MAX_EMBEDDED_CHUNKS differs between hosts, and "
                "the last one that changed it decides",
                limit,
                self._max_embedded_chunks,
            )
        return released

    def _has_files_for_ocr(self, ocr: OcrEngine) -> bool:
        with self._database.transaction() as connection:
            return file_claims.has_files_for_ocr(connection, host=self._host, lesser=ocr.lesser)

    def _queue_files_for_ocr(self, ocr: OcrEngine) -> None:
        def queue() -> int:
            with self._database.transaction() as connection:
                return file_claims.queue_files_for_ocr(connection, host=self._host, lesser=ocr.lesser)

        queued = retry_on_conflict(queue)
        if queued:
            log.info("%d files that waited for %s are read", queued, ocr)

    def _declare_limit(self) -> int:
        with self._database.transaction() as connection:
            return queue_db.declare_max_embedded_chunks(connection, host=self._host, chunks=self._max_embedded_chunks)

    def rest(self) -> None:
        """End the parser process. The next file that needs one waits until it has started again."""
        self._extractor.close()

    def run_batch(self) -> int:
        """Claim and process the next files. Returns how many were processed, and notifies again if there were any.

        Raises `DatabaseError` or `ServerError` when the work cannot go on; the claims are returned then.
        """
        with self._own_claims.none_lost():
            return self._run_batch()

    def _run_batch(self) -> int:
        claims = self._claim()
        if not claims:
            self._extractor.rest()
            return 0
        deadline = time.monotonic() + BATCH_SECONDS
        unstarted = {claim.id: claim for claim in claims}
        try:
            for group in group_files(claims, may_need_parser=self._extractor.may_need_parser):
                if len(unstarted) < len(claims) and time.monotonic() >= deadline:
                    break
                self._process_group(group, unstarted, deadline)
        finally:
            self._return_claims(list(unstarted.values()), counted=False)
        self._queue.notify_extract(self._host)
        self._queue.notify_embed()
        return len(claims) - len(unstarted)

    def _claim(self) -> list[ClaimedFile]:
        with self._database.transaction() as connection:
            return file_claims.claim_files(
                connection,
                host=self._host,
                boot=self._boot,
                owner=self._owner,
                limit=BATCH_FILES,
                max_bytes=BATCH_BYTES,
                seconds=LEASE_SECONDS,
            )

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
            return self._process(claims)
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
            self._own_claims.return_early(
                lambda connection: file_claims.return_files(connection, claims, counted=counted, pause_s=0.0),
                what=f"{len(claims)} files",
            )

    def _process(self, claims: Sequence[ClaimedFile]) -> list[ClaimedFile]:
        """Read files, get their texts, and write the rows. Returns the files that must be processed alone.

        Files that need no extractor are written first: they never wait for a parser.
        """
        timer = _GroupTimer(started=time.monotonic(), files=len(claims))
        reading = read_group(claims, detector=self._extractor, max_bytes=self._max_file_bytes)
        new = retry_on_conflict(lambda: self._finish_without_extractor(reading, timer))
        if len(claims) == 1:
            quick, slow = new, []
        else:
            quick = [file for file in new if self._extractor.needs_no_parser(file.key.kind)]
            slow = [file.claim for file in new if not self._extractor.needs_no_parser(file.key.kind)]
        if quick:
            contents = self._extract(quick)
            retry_on_conflict(lambda: self._write(quick, contents, timer))
        return [*reading.too_large, *slow]

    def _finish_without_extractor(self, reading: GroupReading, timer: _GroupTimer) -> list[FileRead]:
        """Write the rows of files that need no extractor: unreadable ones, and those whose content is stored.

        Returns the files with a new content.
        """
        with self._database.transaction() as connection:
            # Files are locked before contents, as in every transaction.
            unreadable_claims = [claim for claim, _ in reading.unreadable]
            valid = file_claims.lock_claims(
                connection, [*(file.claim for file in reading.read), *unreadable_claims, *reading.changing]
            )
            read = [file for file in reading.read if file.claim.id in valid]
            stored = contents_db.find_contents(connection, [file.key for file in read])
            contents_db.outdate_contents(
                connection,
                [stored.pop(file.key).id for file in read if self._may_have_text_now(stored.get(file.key))],
            )
            finished: list[ExtractedFile] = []
            unreadable = list(reading.unreadable)
            for file in read:
                content = stored.get(file.key)
                if content is not None:
                    _sort(file, content.unreadable, content.id, finished, unreadable)
            _finish(connection, finished, unreadable, reading.changing, timer=timer)
        return [file for file in read if file.key not in stored]

    def _may_have_text_now(self, content: StoredContent | None) -> bool:
        """Whether a content has pictures that waited for the OCR of this host, or that a lesser one has read."""
        if content is None or self._ocr is None:
            return False
        reason = content.unreadable.reason if content.unreadable is not None else None
        return reason is SkipReason.NEEDS_OCR or content.ocr in self._ocr.lesser

    def _extract(self, files: Sequence[FileRead]) -> dict[ContentKey, NewContent]:
        """The contents of files by key. Files with the same key are extracted once."""
        contents: dict[ContentKey, NewContent] = {}
        for file in files:
            if file.key not in contents:
                contents[file.key] = self._content(file)
        return contents

    def _content(self, file: FileRead) -> NewContent:
        extracted = self._extractor.extract(file.content, name=file.claim.name)
        chunks = self._chunker.chunks(extracted) if isinstance(extracted, Document) else []
        if isinstance(extracted, Document) and not chunks:
            extracted = Unreadable(SkipReason.NO_TEXT)
        return NewContent(file.key, size=len(file.content), extracted=extracted, chunks=chunks)

    def _write(self, files: Sequence[FileRead], contents: Mapping[ContentKey, NewContent], timer: _GroupTimer) -> None:
        """Write the contents and the rows of files in one transaction."""
        with self._database.transaction() as connection:
            valid = file_claims.lock_claims(connection, [file.claim for file in files])
            files = [file for file in files if file.claim.id in valid]
            needed = {file.key: contents[file.key] for file in files}
            ids = contents_db.insert_contents(
                connection, [content for content in needed.values() if _is_valid_for_copies(content)]
            )
            finished: list[ExtractedFile] = []
            unreadable: list[tuple[ClaimedFile, Unreadable]] = []
            for file in files:
                extracted = contents[file.key].extracted
                reason = extracted if isinstance(extracted, Unreadable) else None
                _sort(file, reason, ids.get(file.key), finished, unreadable)
            _finish(connection, finished, unreadable, timer=timer)


def _sort(
    file: FileRead,
    reason: Unreadable | None,
    content: ContentId | None,
    finished: list[ExtractedFile],
    unreadable: list[tuple[ClaimedFile, Unreadable]],
) -> None:
    """Add a file to those that are finished with a content, with or without text, or to the unreadable ones."""
    state = FileState.INDEXED if reason is None else reason.state(kind=file.key.kind)
    if content is not None and state in {FileState.INDEXED, FileState.NAMED}:
        finished.append(ExtractedFile(file.claim, content, file.stat, state))
    elif reason is not None:
        unreadable.append((file.claim, reason))


def _finish(
    connection: Connection,
    files: Sequence[ExtractedFile],
    unreadable: Sequence[tuple[ClaimedFile, Unreadable]],
    changing: Sequence[ClaimedFile] = (),
    *,
    timer: _GroupTimer,
) -> None:
    """Queue the chunks of `files`, finish them and those that are unreadable, and return the changing ones."""
    chunks = queue_db.enqueue_chunks(connection, _chunk_priorities(files))
    reading_s = timer.seconds_per_file()

    def pause_s(claim: ClaimedFile) -> float:
        return pause_before_rereading_s(claim, reading_s=reading_s, chunks=chunks / timer.files)

    file_claims.finish_indexed(connection, files, pause_s=pause_s)
    file_claims.finish_unreadable(connection, unreadable, extractor=newest_version(), pause_s=pause_s)
    changing_pause_s = max([file_claims.REREAD_PAUSE_SECONDS, *(pause_s(claim) for claim in changing)])
    file_claims.return_files(connection, changing, counted=False, pause_s=changing_pause_s)


def _chunk_priorities(files: Sequence[ExtractedFile]) -> dict[ContentId, int]:
    """The priority of each content's chunks: the highest of its files."""
    urgent = {file.content for file in files if file.claim.priority}
    return {file.content: int(file.content in urgent) for file in files if file.state is FileState.INDEXED}


def _is_valid_for_copies(content: NewContent) -> bool:
    """Whether the outcome may be stored for all files with these bytes."""
    extracted = content.extracted
    if isinstance(extracted, Document) or extracted.state(kind=content.key.kind) is FileState.NAMED:
        return True
    return extracted.reason not in _REASONS_THAT_MAY_PASS
