"""Text on its way from a file to the index: the extracted document, and the chunks it is cut into."""

from __future__ import annotations

from dataclasses import dataclass, field

from magicfs.domain.files import Reason

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

    reason: Reason
    detail: str = ""
    """One line for a person, such as the message of the parser."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, small enough for the model to read whole."""

    text: str
    tokens: int
    """By the tokenizer that cut it, special tokens not counted."""
    first_line: int
    """Counted from 1 in the document's text."""
    last_line: int
    page: int | None = None
    """Counted from 1, in formats that have pages."""
    context: str = ""
    """What the model reads before the text; see `magicfs.text.context`."""

    @property
    def model_input(self) -> str:
        """What the model reads. Claims put it together in SQL in the same way."""
        return f"{self.context}\n{self.text}" if self.context else self.text
