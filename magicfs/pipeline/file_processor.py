"""Turns claimed files into rows: reads them, gets their texts, cuts these into chunks, and writes the result.

Used by `pipeline.extract`, which claims files, and decides what is done after an error. It parses nothing itself; an
`Extractor` and a `Chunker` do. Small files are processed in groups, because the queries about one file take longer than
reading it. Each result is written in one transaction, guarded by the lease of the claim. One thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import file_claims, linked_files
from magicfs.db.corpus.linked_files import LinkedContent
from magicfs.db.pool import Connection, Database, retry_on_conflict
from magicfs.db.vectors import embedding_queue as queue_db
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import ContentKey, Document, NewContent, StoredContent, Unreadable
from magicfs.domain.files import PAGES_PRIORITY, SAVED_PRIORITY, ClaimedFile, ExtractedFile, FileState, SkipReason
from magicfs.domain.ids import ContentId, FileId
from magicfs.pipeline.large_files import LargeFiles
from magicfs.pipeline.pauses import pause_before_rereading_s
from magicfs.pipeline.reading import FileRead, GroupReading, read_group, stat_of_link
from magicfs.text.extract.extractor import Extractor
from magicfs.text.extract.options import OcrEngine
from magicfs.text.extract.versions import newest_version, reader_version

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


class FileProcessor:
    """Processes claimed files, one group at a time."""

    def __init__(
        self,
        database: Database,
        extractor: Extractor,
        chunker: Chunker,
        *,
        max_file_bytes: int,
        ocr: OcrEngine | None,
        allows: Callable[[bytes, bytes], bool],
    ) -> None:
        """`ocr` is what the extractor recognises text with: contents that waited for it are extracted again.

        `allows` tells of a root and a path below it whether that file is read.
        """
        self._allows = allows
        self._database = database
        self.extractor = extractor
        self._chunker = chunker
        self._large_files = LargeFiles(max_bytes=max_file_bytes)
        self.ocr = ocr

    def process(self, claims: Sequence[ClaimedFile]) -> list[ClaimedFile]:
        """Read files, get their texts, and write the rows. Returns the files that must be processed alone.

        Files that need no extractor are written first: they never wait for a parser.
        """
        timer = _GroupTimer(started=time.monotonic(), files=len(claims))
        reading = read_group(
            claims,
            detector=self.extractor,
            large_files=self._large_files,
            allows=self._allows,
            find_links=self._find_links,
        )
        try:
            return self._process(reading, timer)
        finally:
            reading.close()

    def _find_links(self, claims: Sequence[ClaimedFile]) -> dict[FileId, LinkedContent]:
        """The contents of those files that were read by another of their names, and need not be read again."""
        whole = [claim for claim in claims if claim.priority != PAGES_PRIORITY]
        linked = {claim.id: (claim, stat) for claim in whole if (stat := stat_of_link(claim)) is not None}
        if not linked:
            return {}
        with self._database.transaction() as connection:
            found = linked_files.contents_of_links(connection, linked)
        return {
            file: content
            for file, content in found.items()
            if content.key.extractor == reader_version(content.key.kind) and not self._may_have_text_now(content.stored)
        }

    def _process(self, reading: GroupReading, timer: _GroupTimer) -> list[ClaimedFile]:
        new = retry_on_conflict(lambda: self._finish_without_extractor(reading, timer))
        if len(new) == 1 and new[0].stored is not None:
            self._read_more_pages(new[0], new[0].stored, timer)
            return []
        if timer.files == 1:
            quick, slow = new, []
        else:
            quick = [file for file in new if self.extractor.needs_no_parser(file.key.kind)]
            slow = [file.claim for file in new if not self.extractor.needs_no_parser(file.key.kind)]
        if quick:
            contents = self._extract(quick)
            changing = [file.claim for file in quick if file.has_changed()]
            retry_on_conflict(lambda: self._write(quick, contents, changing, timer))
        return [*reading.too_large, *slow]

    def _finish_without_extractor(self, reading: GroupReading, timer: _GroupTimer) -> list[FileRead]:
        """Write the rows of files that need no extractor: unreadable ones, and those whose content is stored.

        Returns the files with a new content, and one that was claimed for its pending pages.
        """
        with self._database.transaction() as connection:
            # Files are locked before contents, as in every transaction.
            unreadable_claims = [claim for claim, _ in reading.unreadable]
            valid = file_claims.lock_claims(
                connection, [*(file.claim for file in reading.read), *unreadable_claims, *reading.changing]
            )
            read = [file for file in reading.read if file.claim.id in valid]
            changing = list(reading.changing)
            stored = contents_db.find_contents(connection, [file.key for file in read])
            contents_db.outdate_contents(
                connection,
                [stored.pop(file.key).id for file in read if self._may_have_text_now(stored.get(file.key))],
            )
            pending = {file.key: stored.pop(file.key) for file in read if _reads_pages(file, stored.get(file.key))}
            finished: list[ExtractedFile] = []
            unreadable = list(reading.unreadable)
            for file in read:
                content = stored.get(file.key)
                if content is not None:
                    _sort(file, content.unreadable, content.id, finished, unreadable)
                elif file.read_by_link:
                    # Its content was outdated meanwhile.
                    changing.append(file.claim)
            _finish(connection, finished, unreadable, changing, timer=timer)
        new = [file for file in read if file.key not in stored and not file.read_by_link]
        return [replace(file, stored=pending.get(file.key)) for file in new]

    def _may_have_text_now(self, content: StoredContent | None) -> bool:
        """Whether a content has pictures that waited for the OCR of this host, or that a lesser one has read."""
        if content is None or self.ocr is None:
            return False
        reason = content.unreadable.reason if content.unreadable is not None else None
        return reason is SkipReason.NEEDS_OCR or content.ocr in self.ocr.lesser

    def _extract(self, files: Sequence[FileRead]) -> dict[ContentKey, NewContent]:
        """The contents of files by key. Files with the same key are extracted once."""
        contents: dict[ContentKey, NewContent] = {}
        for file in files:
            if file.key not in contents:
                contents[file.key] = self._chunked(file, self._extracted(file))
        return contents

    def _extracted(self, file: FileRead) -> Document | Unreadable:
        if file.opened is not None:
            return self.extractor.extract_open(file.opened.fileno(), kind=file.key.kind)
        return self.extractor.extract(file.content, name=file.claim.name, gap=file.gap)

    def _chunked(self, file: FileRead, extracted: Document | Unreadable) -> NewContent:
        chunks = self._chunker.chunks(extracted) if isinstance(extracted, Document) else []
        pages = extracted if isinstance(extracted, Document) and extracted.pending_pages else None
        if isinstance(extracted, Document) and not chunks:
            extracted = Unreadable(SkipReason.NO_TEXT)
        return NewContent(file.key, size=file.size, extracted=extracted, chunks=chunks, pages=pages)

    def _read_more_pages(self, file: FileRead, stored: StoredContent, timer: _GroupTimer) -> None:
        """Read some of the pending pages of a file, and add them to its content, which all copies have.

        A file that cannot be read now, and could be before, keeps what it has; the attempt counts.
        """
        extracted = self._with_more_pages(file, stored)
        has_changed = file.has_changed()
        if has_changed or (isinstance(extracted, Unreadable) and extracted.reason is not SkipReason.NO_TEXT):
            counted = not has_changed
            self._database.run_in_transaction(
                lambda connection: file_claims.return_files(connection, [file.claim], counted=counted, pause_s=0.0)
            )
            return
        content = self._chunked(file, extracted)
        retry_on_conflict(lambda: self._add_pages(file, stored, content, timer))

    def _with_more_pages(self, file: FileRead, stored: StoredContent) -> Document | Unreadable:
        """The text of a file with some more of its pending pages."""
        page_texts = self._database.run_in_transaction(lambda connection: contents_db.page_texts(connection, stored.id))
        if not page_texts:
            # An earlier version has kept no page: a turn reads fewer than the time of a file, which it had for them.
            extracted = self._extracted(file)
            if isinstance(extracted, Unreadable) or extracted.page_texts or not extracted.pending_pages:
                return extracted
        source = file.content if file.opened is None else file.opened.fileno()
        return self.extractor.go_on(source, kind=file.key.kind, page_texts=page_texts)

    def _add_pages(self, file: FileRead, stored: StoredContent, content: NewContent, timer: _GroupTimer) -> None:
        state = FileState.NAMED if isinstance(content.extracted, Unreadable) else FileState.INDEXED
        with self._database.transaction() as connection:
            if stored.unreadable is not None:
                file_claims.lock_copies(connection, stored.id)
            if not file_claims.lock_claims(connection, [file.claim]):
                return
            if contents_db.replace_content(connection, stored, content) and state is FileState.INDEXED:
                file_claims.index_copies(connection, stored.id)
            _finish(connection, [ExtractedFile(file.claim, stored.id, file.stat, state)], [], timer=timer)

    def _write(
        self,
        files: Sequence[FileRead],
        contents: Mapping[ContentKey, NewContent],
        changing: Sequence[ClaimedFile],
        timer: _GroupTimer,
    ) -> None:
        """Write the contents and the rows of files in one transaction, and return those that were changing."""
        with self._database.transaction() as connection:
            valid = file_claims.lock_claims(connection, [file.claim for file in files])
            files = [file for file in files if file.claim.id in valid and file.claim not in changing]
            needed = {file.key: contents[file.key] for file in files}
            valid_for_copies = [content for content in needed.values() if _is_valid_for_copies(content)]
            ids = contents_db.insert_contents(connection, valid_for_copies)
            finished: list[ExtractedFile] = []
            unreadable: list[tuple[ClaimedFile, Unreadable]] = []
            for file in files:
                extracted = contents[file.key].extracted
                reason = extracted if isinstance(extracted, Unreadable) else None
                _sort(file, reason, ids.get(file.key), finished, unreadable)
            _finish(connection, finished, unreadable, changing, timer=timer)


def _reads_pages(file: FileRead, content: StoredContent | None) -> bool:
    """Whether the file was claimed for pending pages, and its content has some."""
    return file.claim.priority == PAGES_PRIORITY and content is not None and content.pending_pages > 0


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
        if claim.priority == PAGES_PRIORITY:
            return 0.0  # it has not changed
        return pause_before_rereading_s(claim, reading_s=reading_s, chunks=chunks / timer.files)

    file_claims.finish_indexed(connection, files, pause_s=pause_s)
    file_claims.finish_unreadable(connection, unreadable, extractor=newest_version(), pause_s=pause_s)
    changing_pause_s = max([file_claims.REREAD_PAUSE_SECONDS, *(pause_s(claim) for claim in changing)])
    file_claims.return_files(connection, changing, counted=False, pause_s=changing_pause_s)


def _chunk_priorities(files: Sequence[ExtractedFile]) -> dict[ContentId, int]:
    """The priority of each content's chunks: the highest of its files."""
    urgent = {file.content for file in files if file.claim.priority == SAVED_PRIORITY}
    return {file.content: int(file.content in urgent) for file in files if file.state is FileState.INDEXED}


def _is_valid_for_copies(content: NewContent) -> bool:
    """Whether the outcome may be stored for all files with these bytes."""
    extracted = content.extracted
    if isinstance(extracted, Document) or extracted.state(kind=content.key.kind) is FileState.NAMED:
        return True
    return extracted.reason not in _REASONS_THAT_MAY_PASS
