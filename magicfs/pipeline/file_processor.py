"""Turns claimed files into rows: reads them, gets their texts, cuts these into chunks, and writes the result.

Used by `pipeline.extract`, which claims files, and decides what is done after an error. It parses nothing itself; an
`Extractor` and a `Chunker` do. Small files are processed in groups, because the queries about one file take longer than
reading it. Each result is written in one transaction, guarded by the lease of the claim. One thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import file_claims, linked_files
from magicfs.db.corpus.linked_files import LinkedContent
from magicfs.db.pool import Database, retry_on_conflict
from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import PAGES_PRIORITY, ClaimedFile, ExtractedFile, SkipReason
from magicfs.domain.ids import FileId
from magicfs.domain.stored_contents import ContentKey, NewContent, StoredContent
from magicfs.pipeline.file_results import GroupTimer, finish_files, is_valid_for_copies, sort_result
from magicfs.pipeline.large_files import LargeFiles
from magicfs.pipeline.new_contents import Chunker, NewContents
from magicfs.pipeline.page_turns import PageTurns
from magicfs.pipeline.reading import FileRead, GroupReading, read_group, stat_of_link
from magicfs.text.extract.extractor import Extractor
from magicfs.text.extract.options import OcrEngine
from magicfs.text.extract.versions import reader_version

_PDF = "application/pdf"


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
        self._contents = NewContents(database, chunker, ocr=ocr)
        self._page_turns = PageTurns(database, extractor, self._contents)
        self._large_files = LargeFiles(max_bytes=max_file_bytes)
        self.ocr = ocr

    def process(self, claims: Sequence[ClaimedFile]) -> list[ClaimedFile]:
        """Read files, get their texts, and write the rows. Returns the files that must be processed alone.

        Files that need no extractor are written first: they never wait for a parser.
        """
        timer = GroupTimer(started=time.monotonic(), files=len(claims))
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

    def _process(self, reading: GroupReading, timer: GroupTimer) -> list[ClaimedFile]:
        if self._page_turns.put_off(reading):
            return []
        new = retry_on_conflict(lambda: self._finish_without_extractor(reading, timer))
        if len(new) == 1 and new[0].stored is not None:
            self._page_turns.read_pages(new[0], new[0].stored, timer)
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

    def _finish_without_extractor(self, reading: GroupReading, timer: GroupTimer) -> list[FileRead]:
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
                    sort_result(
                        file,
                        content.unreadable,
                        content.id,
                        finished=finished,
                        unreadable=unreadable,
                        changing=changing,
                    )
                elif file.read_by_link:
                    # Its content was outdated meanwhile.
                    changing.append(file.claim)
            finish_files(connection, finished, unreadable, changing, timer=timer)
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
                contents[file.key] = self._contents.content(file, self._extracted(file))
        return contents

    def _extracted(self, file: FileRead) -> Document | Unreadable:
        """The text of a file. Of a PDF file that a newer reader reads, no page is recognised again."""
        known = self._contents.recognised_before(file.key) if file.mime_type == _PDF else {}
        if known:
            source = file.content if file.opened is None else file.opened.fileno()
            outcome = self.extractor.go_on(source, kind=file.key.kind, page_texts=known)
            if isinstance(outcome, Document):
                return outcome
        if file.opened is not None:
            return self.extractor.extract_open(file.opened.fileno(), kind=file.key.kind)
        return self.extractor.extract(file.content, name=file.claim.name, gap=file.gap)

    def _write(
        self,
        files: Sequence[FileRead],
        contents: Mapping[ContentKey, NewContent],
        changing: Sequence[ClaimedFile],
        timer: GroupTimer,
    ) -> None:
        """Write the contents and the rows of files in one transaction, and return those that were changing."""
        with self._database.transaction() as connection:
            valid = file_claims.lock_claims(connection, [file.claim for file in files])
            files = [file for file in files if file.claim.id in valid and file.claim not in changing]
            needed = {file.key: contents[file.key] for file in files}
            valid_for_copies = [content for content in needed.values() if is_valid_for_copies(content)]
            ids = contents_db.insert_contents(connection, valid_for_copies)
            finished: list[ExtractedFile] = []
            unreadable: list[tuple[ClaimedFile, Unreadable]] = []
            still_changing = list(changing)
            for file in files:
                extracted = contents[file.key].extracted
                reason = extracted if isinstance(extracted, Unreadable) else None
                sort_result(
                    file,
                    reason,
                    ids.get(file.key),
                    finished=finished,
                    unreadable=unreadable,
                    changing=still_changing,
                )
            finish_files(connection, finished, unreadable, still_changing, timer=timer)


def _reads_pages(file: FileRead, content: StoredContent | None) -> bool:
    """Whether the file was claimed for pending pages, and its content has some."""
    return file.claim.priority == PAGES_PRIORITY and content is not None and content.pending_pages > 0
