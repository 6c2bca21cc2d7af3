"""Contents: the distinct bytes that files hold, and the text that was extracted from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from magicfs.domain.chunks import Chunk
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import ContentId, Digest

EXTRACTOR_VERSION = 2
"""Raised when text or chunks come out differently, so that every file is read anew, also those that had no text."""


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file and what is known about it."""

    text: str
    mime_type: str
    title: str | None = None
    author: str | None = None
    language: str | None = None
    """ISO 639-1, where the file says it."""
    page_starts: tuple[int, ...] = field(default=())
    """Offsets in `text` where pages begin, ascending; empty for formats without pages."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No text could be had from a file, and why."""

    reason: SkipReason
    detail: str = ""
    """One line for a person, such as the message of the parser."""


@dataclass(frozen=True, slots=True, order=True)
class ContentKey:
    """What makes two contents one."""

    digest: Digest
    """Of the bytes."""
    extractor: int
    """The version that reads them."""
    kind: str
    """What they are taken to be, their name considered."""


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A content that was read before, and why it has no text if it has none."""

    id: ContentId
    unreadable: Unreadable | None


@dataclass(frozen=True, slots=True)
class NewContent:
    """A content that was read just now. `size` is in bytes; without text there are no chunks."""

    key: ContentKey
    size: int
    found: Document | Unreadable
    chunks: Sequence[Chunk]
