"""Makes of a book in EPUB one that kreuzberg reads: no signs of notes inside of sentences, no encoded names of pages.

Runs in the child process, called by `document_parser`. Pure functions.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from typing import Final
from urllib.parse import unquote

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.html_parts import without_references
from magicfs.text.extract.office.repacking import repacked

_PAGES: Final = (".xhtml", ".html", ".htm", ".xml")
_PACKAGE: Final = ".opf"
_ENCODED_NAME: Final = re.compile(rb'(<item\b[^<>]{0,500}?\bhref=")([^"<>%]{0,500}%[^"<>]{0,500})(")')
"""The name of a page as an address has it, such as `Chapter%201.xhtml`: kreuzberg looks for a member of that name."""
_MAX_BYTES: Final = 128 << 20
"""A book all of whose members unpack to more stays as it is."""


def prepared_book(content: bytes) -> bytes:
    """The book as kreuzberg reads it; the same bytes where nothing is to be done, and where it is large or damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            if sum(member.file_size for member in book.infolist()) > _MAX_BYTES:
                return content
            changed = {}
            for name in book.namelist():
                if name.lower().endswith((*_PAGES, _PACKAGE)):
                    page = book.read(name)
                    shown = _with_plain_names(page) if name.lower().endswith(_PACKAGE) else without_references(page)
                    if shown != page:
                        changed[name] = shown
            return repacked(book, changed=changed) if changed else content
    except DAMAGE:
        return content


def _with_plain_names(package: bytes) -> bytes:
    return _ENCODED_NAME.sub(_plain_name, package)


def _plain_name(match: re.Match[bytes]) -> bytes:
    name = unquote(html.unescape(match[2].decode("utf-8", "replace")))
    return match[1] + html.escape(name).encode("utf-8") + match[3]
