"""What a chunk belongs to: the title of its document, which the model reads before the chunk's own words.

Used by `chunk`. Pure; any thread. By meaning alone it lifts nDCG@10 from 0.381 to 0.390 on cranfield and from 0.446 to
0.460 on cacm, whose texts have two chunks at most. The words of a title are found where they stand, so only vectors
know of contexts.
"""

from __future__ import annotations

import re

from magicfs.domain.text import Document

LONGEST = 150
"""Characters: what says more is no title, and would take the place of what the chunk says."""

_HEAD = 300
_END = re.compile(r"(?<=[.?!])[ \t]*\n|\n[ \t]*\n")
"""Where a title that stands above a text ends: at the end of a line, by a full stop or before a blank line."""
_PROSE = frozenset(
    {
        "text/plain",
        "application/pdf",
        "application/rtf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.oasis.opendocument.text",
    }
)
"""Formats of which the lines above the text are likely to be its title, if they do not name one."""

_FEWEST_WORDS = 3
_WORD = re.compile(r"[^\W\d_]{2,}")
_LEAST_LETTERS = 0.6


def context_of(document: Document) -> str:
    """Return the title of a document, or what stands in for it; empty when there is neither."""
    title = document.title or (_opening(document.text) if document.mime_type in _PROSE else "")
    return " ".join(title.split())[:LONGEST]


def _opening(text: str) -> str:
    """Return the title that stands above a text, if there is one; no sentence of the text, no line of numbers."""
    first = _END.split(text[:_HEAD].strip(), maxsplit=1)[0]
    if len(" ".join(first.split())) > LONGEST:
        return ""
    letters = sum(character.isalpha() or character.isspace() for character in first)
    if len(_WORD.findall(first)) < _FEWEST_WORDS or letters < _LEAST_LETTERS * len(first):
        return ""
    return first


def needs(context: str, text: str) -> bool:
    """Whether a chunk does not say its context itself."""
    return bool(context) and context.casefold() not in " ".join(text.split()).casefold()
