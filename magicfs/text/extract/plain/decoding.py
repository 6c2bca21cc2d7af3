"""Reads files that are text already: decodes them, and replaces what their format writes instead of letters.

Used by `text_pieces` in the worker's own process, and in the parser process for texts inside of other files. Pure
functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from magicfs.text.extract.plain.bank_files import (
    ENTRIES_TYPE,
    EXCHANGE_TYPE,
    STATEMENT_TYPE,
    read_entries,
    read_exchange,
    read_statement,
)
from magicfs.text.extract.plain.cad_drawings import DRAWING_TYPE, read_exchanged_drawing
from magicfs.text.extract.plain.content_lines import (
    CONTENT_LINE_TYPES,
    FAMILY_TYPE,
    LDIF_TYPE,
    MANIFEST_TYPE,
    unfold,
    unfold_family,
    unfold_ldif,
    unfold_manifest,
)
from magicfs.text.extract.plain.escapes import unescape
from magicfs.text.extract.plain.exported_notes import NOTES_TYPE, read_notes
from magicfs.text.extract.plain.plain_text import decode

_FOLD_IN_CHARACTER: Final = re.compile(rb"([\xc2-\xf4][\x80-\xbf]{0,2})(\r?\n[ \t])(?=[\x80-\xbf])")

_READERS: Final[dict[str, Callable[[str], str]]] = {
    LDIF_TYPE: unfold_ldif,
    FAMILY_TYPE: unfold_family,
    MANIFEST_TYPE: unfold_manifest,
    STATEMENT_TYPE: read_statement,
    ENTRIES_TYPE: read_entries,
    EXCHANGE_TYPE: read_exchange,
    NOTES_TYPE: read_notes,
    DRAWING_TYPE: read_exchanged_drawing,
}


def read_text(content: bytes, *, mime_type: str, whole: bytes | None = None) -> str | None:
    """The text of `content` as a person reads it; None when it is not text. `whole` is as in `plain_text.decode`."""
    if mime_type in CONTENT_LINE_TYPES:
        unfolded = _FOLD_IN_CHARACTER.sub(rb"\2\1", content) if _is_folded_utf8(content) else content
        text = decode(unfolded, whole=whole)
        return text and unfold(text)
    text = decode(content, whole=whole)
    if text is None:
        return None
    reader = _READERS.get(mime_type)
    return reader(text) if reader else unescape(text, mime_type=mime_type)


def _is_folded_utf8(content: bytes) -> bool:
    """Whether only lines that are folded in the middle of a character keep `content` from being UTF-8."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        moved = _FOLD_IN_CHARACTER.sub(rb"\2\1", content)
        return b"\xff" not in moved and len(moved.decode("utf-8", "ignore").encode("utf-8")) == len(moved)
    return False
