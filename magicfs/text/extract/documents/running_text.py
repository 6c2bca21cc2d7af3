"""Reads the running text of documents that kreuzberg reads: prepares them for it, and reads those that it refuses.

Runs in the child process, called by `document_parser`, which adds what documents hold beside their text. One thread.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Final

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents import xml_documents
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser, PanicError
from magicfs.text.extract.office.binary_sheets import BINARY_WORKBOOK_TYPE, with_one_cell, with_sheets
from magicfs.text.extract.office.large_sheets import with_first_rows
from magicfs.text.extract.office.odf_text import TEXT_DOCUMENT_TYPE, with_blanks
from magicfs.text.extract.office.office_parts import READ_MEMBER_BY_MEMBER
from magicfs.text.extract.office.old_office import OLD_OFFICE_TYPES, with_own_text
from magicfs.text.extract.office.presentations import SLIDES_TYPE, with_slides
from magicfs.text.extract.office.refused_documents import BOOK_TYPE, read_refused, without_links
from magicfs.text.extract.office.sheet_formats import WORKBOOK_TYPE, as_shown
from magicfs.text.extract.office.sparse_sheets import moved_together
from magicfs.text.extract.office.word_xml import DOCUMENT_TYPE, as_seen
from magicfs.text.extract.parsed import Parsed
from magicfs.text.extract.process.page_reader import unreadable_of

FICTION_BOOK: Final = "application/x-fictionbook+xml"

_NEXT_BODY: Final = re.compile(rb"</body>\s*<body\b[^<>]*>")
"""The notes of a book are bodies of their own, which the library does not read."""
_NOTE: Final = re.compile(rb"<a\b[^<>]{0,300}\btype=[\"']note[\"'][^<>]{0,300}>[^<]{0,20}</a>")
"""The sign of a note, which would stand inside of a sentence."""
_STYLE: Final = re.compile(rb"</?(?:\w{1,20}:)?(?:emphasis|strong|style|strikethrough|sub|sup|code)\b[^<>]{0,500}>")
"""Elements of style, at which the library divides words."""

_TABLE: Final = re.compile(rb"</?table\b[^<>]{0,500}>|<t[dh]\b[^<>]{0,500}(?<!/)>")
_CELL_END: Final = re.compile(rb"</t[dh]\s{0,9}>|<t[dh]\b[^<>]{0,500}/>")
_ROW: Final = re.compile(rb"<(/?)tr\b[^<>]{0,500}>")
"""Tables of a book, which the library does not read: a row is read as a paragraph."""


def _with_words_and_notes(content: bytes) -> bytes:
    """A book of FictionBook with its words in one piece, its tables and its notes; one in UTF-16 as it is."""
    if b"<table" in content:
        content = _ROW.sub(rb"<\1p>", _CELL_END.sub(b"\t", _TABLE.sub(b"", content)))
    return _STYLE.sub(b"", _NOTE.sub(b"", _NEXT_BODY.sub(b"", content)))


_PREPARATIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    TEXT_DOCUMENT_TYPE: with_blanks,
    WORKBOOK_TYPE: lambda content: as_shown(moved_together(content)),
    DOCUMENT_TYPE: as_seen,
    FICTION_BOOK: _with_words_and_notes,
}
"""What makes of a file one of which kreuzberg reads what a person sees."""
_READ_HERE: Final = {
    **dict.fromkeys(OLD_OFFICE_TYPES, with_own_text),
    SLIDES_TYPE: with_slides,
    BINARY_WORKBOOK_TYPE: with_sheets,
}
"""What reads the text of documents of which kreuzberg only says what they are about."""


def read_running_text(content: bytes, exact_type: str, *, library: KreuzbergParser, parts: FileParts) -> Parsed:
    """What kreuzberg reads, or what is read here: documents that it does not read well, and those that it refuses.

    Of a book or a document of Word that it refuses, that is nothing: their members are read as parts.
    """
    if exact_type in xml_documents.OPENDOCUMENT_TYPES:
        return xml_documents.read_opendocument(content, exact_type, parts=parts)
    if exact_type == WORKBOOK_TYPE:
        content = with_first_rows(content, parts=parts)
    prepare = _PREPARATIONS.get(exact_type)
    content = prepare(content) if prepare else content
    try:
        outcome = _read_by_library(library, content, exact_type)
    except Exception as error:
        outcome = unreadable_of(error)
    if exact_type in _READ_HERE:
        return _READ_HERE[exact_type](outcome, content, exact_type, parts=parts)
    if not isinstance(outcome, Unreadable) or outcome.reason is not SkipReason.CORRUPT:
        return outcome
    if exact_type in READ_MEMBER_BY_MEMBER:
        parts.add_unread("its structure")
        return Unreadable(SkipReason.NO_TEXT, outcome.detail)
    with contextlib.suppress(*DAMAGE):
        return read_refused(content, exact_type, parts=parts) or outcome
    return outcome


def _read_by_library(library: KreuzbergParser, content: bytes, exact_type: str) -> Parsed:
    """What kreuzberg reads of all but sheets of OpenDocument.

    A book at which kreuzberg panics is read without its links.
    """
    if exact_type == xml_documents.SPREADSHEET_TYPE:
        sheets = xml_documents.read_spreadsheet(content)
        if sheets is not None:
            return sheets
    if exact_type == BINARY_WORKBOOK_TYPE:
        content = with_one_cell(content)
    try:
        return library(content, exact_type)
    except PanicError:
        if exact_type != BOOK_TYPE:
            raise
        return library(without_links(content), exact_type)
