"""Reads more pages of a file that has pending ones, in a turn for which no other file waits.

Used by `file_processor`. A turn adds what it has read to the content of the file, which all copies have, or has no
effect: what was found is found whatever happens to the file meanwhile. One thread.
"""

from __future__ import annotations

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import file_claims, page_claims
from magicfs.db.corpus import page_texts as page_texts_db
from magicfs.db.pool import Database, retry_on_conflict
from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import PAGES_PRIORITY, ClaimedFile, ExtractedFile, FileState, SkipReason
from magicfs.domain.stored_contents import NewContent, StoredContent
from magicfs.pipeline.file_results import GroupTimer, finish_files
from magicfs.pipeline.new_contents import NewContents
from magicfs.pipeline.reading import FileRead, GroupReading
from magicfs.text.extract.extractor import Extractor

_PDF = "application/pdf"

_OUT_OF_REACH = frozenset({SkipReason.VANISHED, SkipReason.CORRUPT})
"""Why a file is not read that could be before: it is gone, or its bytes cannot be had."""

_NOT_ITS_FAULT = frozenset({SkipReason.NEEDS_OCR, SkipReason.VANISHED})
"""Why a turn has read nothing though the parser can read the file."""


class PageTurns:
    """Reads pending pages of one file after the other."""

    def __init__(self, database: Database, extractor: Extractor, contents: NewContents) -> None:
        self._database = database
        self._extractor = extractor
        self._contents = contents

    def read_pages(self, file: FileRead, stored: StoredContent, timer: GroupTimer) -> None:
        """Read some of the pending pages of a file, and add them to its content.

        A file that cannot be read now, and could be before, keeps what it has. The attempt counts, unless the file has
        changed or is out of reach, or the OCR is gone.
        """
        extracted = self._go_on(file, stored)
        has_changed = file.has_changed()
        if has_changed or (isinstance(extracted, Unreadable) and extracted.reason is not SkipReason.NO_TEXT):
            is_at_fault = isinstance(extracted, Unreadable) and extracted.reason not in _NOT_ITS_FAULT
            self._put_off(file.claim, counted=is_at_fault and not has_changed)
            return
        content = self._contents.content(file, extracted)
        retry_on_conflict(lambda: self._add_pages(file, stored, content, timer))

    def _go_on(self, file: FileRead, stored: StoredContent) -> Document | Unreadable:
        """The file with more of its pages or pictures. A picture that was read in any document is not read again."""
        known = self._database.run_in_transaction(lambda connection: page_texts_db.page_texts(connection, stored.id))
        if file.mime_type != _PDF:
            # Which pictures wait is not stored. To look takes a fraction of the time that one of them takes.
            document = self._extractor.extract(file.content, name=file.claim.name, gap=file.gap)
            if isinstance(document, Unreadable):
                return document
            known = self._contents.known_pictures(document) | known
        source = file.content if file.opened is None else file.opened.fileno()
        return self._extractor.go_on(source, kind=file.key.kind, page_texts=known)

    def put_off(self, reading: GroupReading) -> bool:
        """Whether a file that was claimed for its pending pages is out of reach. It keeps what it has, and waits.

        It may be gone, which the next scan finds out, or its disk or its network fails for a moment.
        """
        out_of_reach = [
            *reading.changing,
            *(claim for claim, unreadable in reading.unreadable if unreadable.reason in _OUT_OF_REACH),
        ]
        if not out_of_reach or out_of_reach[0].priority != PAGES_PRIORITY:
            return False
        self._put_off(out_of_reach[0], counted=False)
        return True

    def _put_off(self, claim: ClaimedFile, *, counted: bool) -> None:
        self._database.run_in_transaction(
            lambda connection: page_claims.return_pages(connection, claim, counted=counted)
        )

    def _add_pages(self, file: FileRead, stored: StoredContent, content: NewContent, timer: GroupTimer) -> None:
        state = FileState.NAMED if isinstance(content.extracted, Unreadable) else FileState.INDEXED
        with self._database.transaction() as connection:
            if stored.unreadable is not None:
                page_claims.lock_copies(connection, stored.id)
            if not file_claims.lock_claims(connection, [file.claim]):
                return
            if contents_db.replace_content(connection, stored, content) and state is FileState.INDEXED:
                page_claims.index_copies(connection, stored.id)
            finish_files(connection, [ExtractedFile(file.claim, stored.id, file.stat, state)], [], timer=timer)
