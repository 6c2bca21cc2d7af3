"""Reads more pages of a file of which some are pending, in a turn for which no other file waits.

Used by `file_processor`. A turn adds what it has read to the content of the file, which all copies have, or has no
effect: what was found is found whatever happens to the file meanwhile. One thread.
"""

from __future__ import annotations

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import file_claims
from magicfs.db.corpus import page_texts as page_texts_db
from magicfs.db.pool import Database, retry_on_conflict
from magicfs.domain.contents import NewContent, StoredContent, Unreadable
from magicfs.domain.files import ExtractedFile, FileState, SkipReason
from magicfs.pipeline.file_results import GroupTimer, finish_files
from magicfs.pipeline.new_contents import NewContents
from magicfs.pipeline.reading import FileRead
from magicfs.text.extract.extractor import Extractor


class PageTurns:
    """Reads pending pages of one file after the other."""

    def __init__(self, database: Database, extractor: Extractor, contents: NewContents) -> None:
        self._database = database
        self._extractor = extractor
        self._contents = contents

    def read_pages(self, file: FileRead, stored: StoredContent, timer: GroupTimer) -> None:
        """Read some of the pending pages of a file, and add them to its content.

        A file that cannot be read now, and could be before, keeps what it has; the attempt counts.
        """
        known = self._database.run_in_transaction(lambda connection: page_texts_db.page_texts(connection, stored.id))
        source = file.content if file.opened is None else file.opened.fileno()
        extracted = self._extractor.go_on(source, kind=file.key.kind, page_texts=known)
        has_changed = file.has_changed()
        if has_changed or (isinstance(extracted, Unreadable) and extracted.reason is not SkipReason.NO_TEXT):
            counted = not has_changed
            self._database.run_in_transaction(
                lambda connection: file_claims.return_files(connection, [file.claim], counted=counted, pause_s=0.0)
            )
            return
        content = self._contents.content(file, extracted)
        retry_on_conflict(lambda: self._add_pages(file, stored, content, timer))

    def _add_pages(self, file: FileRead, stored: StoredContent, content: NewContent, timer: GroupTimer) -> None:
        state = FileState.NAMED if isinstance(content.extracted, Unreadable) else FileState.INDEXED
        with self._database.transaction() as connection:
            if stored.unreadable is not None:
                file_claims.lock_copies(connection, stored.id)
            if not file_claims.lock_claims(connection, [file.claim]):
                return
            if contents_db.replace_content(connection, stored, content) and state is FileState.INDEXED:
                file_claims.index_copies(connection, stored.id)
            finish_files(connection, [ExtractedFile(file.claim, stored.id, file.stat, state)], [], timer=timer)
