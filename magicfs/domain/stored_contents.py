"""Contents as the database keeps them: their identity, what is known of one, and one that is to be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.ids import ContentId, Digest


@dataclass(frozen=True, slots=True, order=True)
class ContentKey:
    """The identity of a content."""

    digest: Digest
    """Digest of the bytes."""
    extractor: int
    """The version of the reader of `kind`."""
    kind: str
    """The detected file type. It depends on the file's name too: Markdown has other chunks than source code."""


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A content that the database has already. `unreadable` is None for one with text; `ocr` is that of `Document`."""

    id: ContentId
    unreadable: Unreadable | None
    ocr: str | None = None
    pending_pages: int = 0
    """The number of its pages that are read later."""


@dataclass(frozen=True, slots=True)
class EarlierReading:
    """What searches find of some pages of a file that is read anew."""

    chunks: Sequence[Chunk]
    """In the order of the document; at least one."""
    language: str | None
    """That of the whole document, as are the others."""
    title: str | None
    author: str | None
    keywords: str | None


@dataclass(frozen=True, slots=True)
class NewContent:
    """A content to be stored. `size` is in bytes; an unreadable one has no chunks."""

    key: ContentKey
    size: int
    extracted: Document | Unreadable
    chunks: Sequence[Chunk]
    pages: Document | None = None
    """The document, if some of its pages are read later, or it has pictures; also where `extracted` is unreadable."""
    picture_ocr: str | None = None
    """The OCR that reads its pictures."""
