"""What a parser makes of a file: a document, a document of which pages are to be recognised, or why there is none.

Used by the readers of the formats and by `process`, in the parser process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from magicfs.domain.contents import Document, Unreadable


@dataclass(frozen=True, slots=True)
class PartialDocument:
    """A document of which some pages have no text layer, or a few words only; there may be more to recognise."""

    document: Document
    """It has page starts; its text may be blank."""
    pages: tuple[int, ...]
    """The pages without a text layer, or with a few words only, by number from 0, ascending; at least one."""


Parsed: TypeAlias = Document | PartialDocument | Unreadable
