"""Takes the signs of notes out of the pages of a book in EPUB, where they would stand inside of its sentences.

Runs in the child process, called by `document_parser`. Pure functions.
"""

from __future__ import annotations

import io
import zipfile
from typing import Final

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.html_parts import without_references
from magicfs.text.extract.office.repacking import repacked

_PAGES: Final = (".xhtml", ".html", ".htm", ".xml")
_MAX_BYTES: Final = 128 << 20
"""A book all of whose members unpack to more stays as it is."""


def without_signs_of_notes(content: bytes) -> bytes:
    """The book without the signs; the same bytes where it has none, and where it is large or damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            if sum(member.file_size for member in book.infolist()) > _MAX_BYTES:
                return content
            changed = {}
            for name in book.namelist():
                if name.lower().endswith(_PAGES):
                    page = book.read(name)
                    shown = without_references(page)
                    if shown != page:
                        changed[name] = shown
            return repacked(book, changed=changed) if changed else content
    except DAMAGE:
        return content
