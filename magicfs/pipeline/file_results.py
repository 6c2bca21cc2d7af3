"""Writes the rows of files that were read: which have a content, which are unreadable, and which are read again later.

Used by `file_processor` and `page_turns`, in their transactions, after they have locked the claims.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from magicfs.db.corpus import file_claims
from magicfs.db.pool import Connection
from magicfs.db.vectors import embedding_queue as queue_db
from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import PAGES_PRIORITY, SAVED_PRIORITY, ClaimedFile, ExtractedFile, FileState, SkipReason
from magicfs.domain.ids import ContentId
from magicfs.domain.stored_contents import NewContent
from magicfs.pipeline.pauses import pause_before_rereading_s
from magicfs.pipeline.reading import FileRead
from magicfs.text.extract.versions import newest_version

_REASONS_THAT_MAY_PASS = frozenset(
    {
        SkipReason.TIMEOUT,
        SkipReason.CRASHED,
        SkipReason.OUT_OF_MEMORY,
        SkipReason.NEEDS_OCR,
        SkipReason.VANISHED,
    }
)
"""A later try, or a program that is installed later, may give a file with such a reason a text."""

FIRST_MEMORY_PAUSE_SECONDS = 10.0
"""The pause after the first attempt in which the parser of a file was killed for want of memory; twice as long after
each further one. What takes all memory of a machine has mostly ended within a minute, or was killed too."""


@dataclass(frozen=True, slots=True)
class GroupTimer:
    """Measures what the files of a group cost. Each counts for an equal share: they are small and differ little."""

    started: float
    """When the reading began, on the monotonic clock."""
    files: int

    def seconds_per_file(self) -> float:
        """What a file of the group has cost until now."""
        return (time.monotonic() - self.started) / self.files


def sort_result(
    file: FileRead,
    reason: Unreadable | None,
    content: ContentId | None,
    *,
    finished: list[ExtractedFile],
    unreadable: list[tuple[ClaimedFile, Unreadable]],
    changing: list[ClaimedFile],
) -> None:
    """Add a file to those that are finished with a content, with or without text, or to the unreadable ones.

    One that is corrupt because a program may be saving it is added to the changing ones, and keeps its earlier text.
    """
    state = FileState.INDEXED if reason is None else reason.state(kind=file.key.kind)
    if content is not None and state in {FileState.INDEXED, FileState.NAMED}:
        finished.append(ExtractedFile(file.claim, content, file.stat, state))
    elif reason is not None and reason.reason is SkipReason.CORRUPT and file.may_be_half_written():
        changing.append(file.claim)
    elif reason is not None:
        unreadable.append((file.claim, reason))


def finish_files(
    connection: Connection,
    files: Sequence[ExtractedFile],
    unreadable: Sequence[tuple[ClaimedFile, Unreadable]],
    changing: Sequence[ClaimedFile] = (),
    *,
    timer: GroupTimer,
) -> None:
    """Queue the chunks of `files`, finish them and those that are unreadable, and return the changing ones.

    A file for which memory lacked is tried again, alone and after a while: others may have taken the memory.
    """
    lacking = [claim for claim, reason in unreadable if may_lack_memory(claim, reason)]
    unreadable = [(claim, reason) for claim, reason in unreadable if not may_lack_memory(claim, reason)]
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
    for claim in lacking:
        pause = FIRST_MEMORY_PAUSE_SECONDS * 2.0 ** (claim.attempts - 1)
        file_claims.return_files(connection, [claim], counted=True, pause_s=pause)


def may_lack_memory(claim: ClaimedFile, reason: Unreadable) -> bool:
    """Whether the machine, and not the file, may be the reason for which its parser was killed for want of memory."""
    return reason.reason is SkipReason.OUT_OF_MEMORY and claim.attempts < file_claims.MAX_ATTEMPTS


def _chunk_priorities(files: Sequence[ExtractedFile]) -> dict[ContentId, int]:
    """The priority of each content's chunks: the highest of its files."""
    urgent = {file.content for file in files if file.claim.priority == SAVED_PRIORITY}
    return {file.content: int(file.content in urgent) for file in files if file.state is FileState.INDEXED}


def is_valid_for_copies(content: NewContent) -> bool:
    """Whether the outcome may be stored for all files with these bytes."""
    extracted = content.extracted
    if isinstance(extracted, Document) or extracted.state(kind=content.key.kind) is FileState.NAMED:
        return True
    return extracted.reason not in _REASONS_THAT_MAY_PASS
