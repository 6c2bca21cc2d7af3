"""Turns raw text into what a person reads: without terminal sequences, invisible characters, divided words, markup.

Used by the analysis of words alone: the stored text of a chunk stays as the file has it. Pure functions; any thread.
Each rule is guarded by a search for its characters, so that ordinary text costs some microseconds.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_TERMINAL_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\)?|[ -/]*[0-Z\\-_a-z])"
)
"""A colour, a movement of the cursor, a window's title or a hyperlink of ECMA-48."""

_OVERSTRUCK: Final = re.compile(r"[^\n]\x08")
"""A character that the next one is printed over: bold or underlined in formatted manual pages."""

_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Soft hyphens, zero-width characters, signs of direction, variation selectors, tags."""

_SIGNS: Final = str.maketrans("\u2018\u2019\u02bc\u2032\u2010\u2011\u2012\u2013\u2014\u2212\u2043", "''''-------")
"""Typographic quotes and dashes, as they are typed."""

_SOFT_LINE_END: Final = re.compile("\u00ad[ \t]*\n[ \t]*")
_DIVIDED: Final = re.compile(r"([^\W\d_]+)-\n[ \t]*(?:(?://+|#+|\*|>+|--|;+)[ \t]*)?(\w+)")
"""A word that is divided at the end of a line; the next line may begin with the sign of a comment or a quotation."""

_BOLD: Final = re.compile(r"(?<!\w)(\*{2,3})([^\s*](?:[^*\n]{0,200}[^\s*])?)\1|(\*{2,3})([^\s*][^*\n]{0,200})\3(?!\w)")
_ITALIC: Final = re.compile(r"(?<![\w*])\*([^\W\d_]{2,})\*(?=[^\W\d_]{2})|(?<=[^\W\d_]{2})\*([^\W\d_]{2,})\*(?![\w*])")
"""Emphasis that begins or ends inside a word. The signs of other emphasis stand between words and do not count."""

_LINK_TARGET: Final = re.compile(
    r"\](?:\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+[\"'][^\n]*?[\"'])?\s*\)|\[[^\]\n]*\])"
)
"""What follows the text of a link in Markdown: its address, or the name of one that stands elsewhere."""


def readable(text: str) -> tuple[str, list[str]]:
    """The text as a person reads it, and what else it says: addresses of links, divided words with their hyphens.

    The second part stands outside of the running text, where no phrase goes through it.
    """
    asides: list[str] = []
    if "\x1b" in text:
        text = _TERMINAL_SEQUENCE.sub("", text)
    if "\b" in text:
        text = _OVERSTRUCK.sub("", text)
    if not text.isascii():
        text = _without_invisible(text)
    if "-\n" in text:
        text = _DIVIDED.sub(lambda match: _joined(match, asides), text)
    if "*" in text:
        text = _BOLD.sub(lambda match: match[2] or match[4], text)
        text = _ITALIC.sub(lambda match: match[1] or match[2], text)
    if "](" in text or "][" in text:
        text = _LINK_TARGET.sub(lambda match: _without_target(match, asides), text)
    return text, asides


def _without_invisible(text: str) -> str:
    if "\u00ad" in text:
        text = _SOFT_LINE_END.sub("", text)
    text = _INVISIBLE.sub("", text).translate(_SIGNS)
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _joined(match: re.Match[str], asides: list[str]) -> str:
    """The divided word in one piece. It keeps its hyphen before a capital or a digit, as in `INV-2023`."""
    first, rest = match.groups()
    if not rest[0].islower():
        return f"{first}-{rest}"
    asides.append(f"{first}-{rest}")
    return f"{first}{rest}"


def _without_target(match: re.Match[str], asides: list[str]) -> str:
    if match[1]:
        asides.append(match[1])
    return ""
