"""What a parser makes of a file: a document, a document with pages to recognise, or why it has no text.

Used by the readers of the formats and by `process`, in the parser process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from magicfs.domain.contents import Document, Unreadable


@dataclass(frozen=True, slots=True)
class PartialDocument:
    """A document with pages that may have more text to recognise. Pages count from 0, ascending; one at least."""

    document: Document
    """It has page starts; its text may be blank."""
    pages: tuple[int, ...]
    """Those without a text layer, or with a few words only on a scan."""
    beside_text: tuple[int, ...] = ()
    """Those with a text layer, and pictures that may have words beside it: they are read when no file waits."""


Parsed: TypeAlias = Document | PartialDocument | Unreadable
