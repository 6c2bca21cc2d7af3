"""Everything that the index has about one file: what `magicfs doctor PATH` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from magicfs.domain.files import FileState
from magicfs.domain.ids import FileId


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Everything that the index has about one file, for `magicfs doctor PATH`."""

    id: FileId
    state: FileState
    reason: str | None
    detail: str | None
    attempts: int
    leased_by: str | None
    """The worker that has claimed the file."""
    size: int
    mtime_ns: int
    indexed_at: float | None
    """Seconds since the epoch."""
    mime_type: str | None
    kind: str | None
    """How the bytes are read."""
    title: str | None
    language: str | None
    """ISO 639-1; None where it is not known."""
    beginning: str | None
    """The first characters of its text."""
    words: int
    """Different words in its text, whole ones and parts; stems are not counted."""
    chunks: int
    embedded: int
    """Chunks with a vector of a model that searches use."""
    waiting: int
    """Chunks that have no vector yet."""
    unread: int
    """Chunks that no model reads: they have no vector."""
    refused: int
    """Chunks that failed to get a vector."""
    words_only: int
    """Chunks beyond the limit of embedded ones: they get no vector."""
    active_vectors: int
    """Chunks with a vector of the active model."""
    multilingual_vectors: int
    """Chunks with a vector of the multilingual model."""
    second_vectors: int
    """Chunks that wait for a second vector."""
    active_model: str | None
    multilingual_model: str | None
    """The names of the models that searches use."""
    is_read_by_active: bool | None
    """Whether the active model reads the language of the text; None without a model."""
    cut_bytes: int
    """Bytes of text beyond the limit, which are not in the index."""
    unread_pages: int
    """Pages that were not read, or not recognised."""
    pending_pages: int
    """Those of them that are read later."""
    unread_detail: str | None
    """Which ones, and why, such as `pages 3, 7-9: timeout`; None in the rows of an older version."""
    unread_parts: str | None
    """The parts that could not be read, such as `2 of 14 parts could not be read: …`; None if all were read."""
    waits_for_ocr: bool
    """Whether some of them are read when there is OCR."""
    encoded_characters: int
    """Characters of encoded data, which were taken out of the text."""
    recognised_by: str | None
    """What has recognised text in its pictures, and on which pages; None if nothing has."""
    copies: int
    """Other files with the same bytes; 0 for an empty file."""
    some_copies: Sequence[bytes]
    """The absolute paths of the first of them, by path."""

    @property
    def partly_read(self) -> bool:
        """Whether the file has text that is not in the index."""
        return self.cut_bytes > 0 or self.unread_pages > 0 or self.unread_parts is not None
