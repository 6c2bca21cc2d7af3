"""Makes of a book in EPUB one that kreuzberg reads: no signs of notes inside of sentences, no encoded names of pages.

Nor are there ends of lines in headings and in cells of tables, which the library puts no space for.

`with_book_statements` adds what the book states more than once, of which kreuzberg gives the last one. Runs in the
child process, called by `readable_form` and `document_parts`. Pure functions.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from dataclasses import replace
from itertools import islice
from typing import Final
from urllib.parse import unquote

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.html_parts import without_references
from magicfs.text.extract.documents.stated_metadata import title_of
from magicfs.text.extract.documents.xml_elements import named, parse_xml
from magicfs.text.extract.office.repacking import repacked
from magicfs.text.extract.plain.plain_text import clean

_PAGES: Final = (".xhtml", ".html", ".htm", ".xml")
_PACKAGE: Final = ".opf"
_ENCODED_NAME: Final = re.compile(rb'(<item\b[^<>]{0,500}?\bhref=")([^"<>%]{0,500}%[^"<>]{0,500})(")')
"""The name of a page as an address has it, such as `Chapter%201.xhtml`: kreuzberg looks for a member of that name."""
_TAG: Final = re.compile(rb"<(/?)(h[1-6]|t[dh]|br|p|div|li)(?:[\s/][^<>]{0,1000})?>\s{0,99}", re.IGNORECASE)
_ENDING_LINES: Final = frozenset((b"br", b"p", b"div", b"li"))
_MAX_BYTES: Final = 128 << 20
"""A book all of whose members unpack to more stays as it is."""
_MAX_PACKAGE_BYTES: Final = 4 << 20
_MAX_STATED: Final = 100


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
                    is_package = name.lower().endswith(_PACKAGE)
                    shown = _with_plain_names(page) if is_package else _in_single_lines(without_references(page))
                    if shown != page:
                        changed[name] = shown
            return repacked(book, changed=changed) if changed else content
    except DAMAGE:
        return content


def _in_single_lines(page: bytes) -> bytes:
    """The page with a space for each end of a line in a heading or in a cell of a table."""
    is_inside = False

    def shown(tag: re.Match[bytes]) -> bytes:
        nonlocal is_inside
        name = tag[2].lower()
        if name not in _ENDING_LINES:
            is_inside = not tag[1]
        return b" " if is_inside and name in _ENDING_LINES else tag[0]

    return _TAG.sub(shown, page)


def with_book_statements(document: Document, content: bytes) -> Document:
    """The document of a book with all of its authors, its title before its subtitles, all subjects, its first language.

    As the library gave it, where the book is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            name = next((name for name in book.namelist() if name.lower().endswith(_PACKAGE)), None)
            if name is None or book.getinfo(name).file_size > _MAX_PACKAGE_BYTES:
                return document
            package = parse_xml(book.read(name))
    except DAMAGE:
        return document

    def stated(name: str) -> list[str]:
        texts = (" ".join("".join(element.itertext()).split()) for element in islice(named(package, name), _MAX_STATED))
        return list(dict.fromkeys(filter(None, map(clean, texts))))

    # The library takes the markup out of descriptions.
    about = [document.keywords] if document.keywords else []
    subjects = [subject for subject in stated("subject") if subject not in (document.keywords or "")]
    return replace(
        document,
        title=title_of({"title": ": ".join(stated("title"))}) or document.title,
        author=", ".join(stated("creator")) or document.author,
        keywords=", ".join([*subjects, *about]) or None,
        language=next(iter(stated("language")), document.language),
    )


def _with_plain_names(package: bytes) -> bytes:
    return _ENCODED_NAME.sub(_plain_name, package)


def _plain_name(match: re.Match[bytes]) -> bytes:
    name = unquote(html.unescape(match[2].decode("utf-8", "replace")))
    return match[1] + html.escape(name).encode("utf-8") + match[3]
