"""What a parser makes of a file: a document, a document of which pages are to be recognised, or why there is none.

Used by the readers of the formats and by `process`, in the parser process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from magicfs.domain.contents import Document, Unreadable


@dataclass(frozen=True, slots=True)
class PartialDocument:
    """A document with pages of which there may be more to recognise. Pages count from 0, ascending; one at least."""

    document: Document
    """It has page starts; its text may be blank."""
    pages: tuple[int, ...]
    """Those without a text layer, or with a few words only on a scan."""
    beside_text: tuple[int, ...] = ()
    """Those with a text layer, and pictures that may have words beside it: they are read when no file waits."""


Parsed: TypeAlias = Document | PartialDocument | Unreadable
