"""Brings a file into the form that its readers understand: without a password that everybody knows, with usual names.

Runs in the child process, called by `document_parser` for the text of a file, and for the pictures in it. Pure
functions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, NamedTuple

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.archives.library_members import CUT_ZIP_TYPE, is_cut_zip
from magicfs.text.extract.detect import detect
from magicfs.text.extract.documents import container
from magicfs.text.extract.documents.book_pages import prepared_book
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.html_parts import HTML_TYPES, without_references
from magicfs.text.extract.documents.running_text import FICTION_BOOK
from magicfs.text.extract.documents.xml_documents import in_utf8
from magicfs.text.extract.office.known_passwords import decrypted
from magicfs.text.extract.office.refused_documents import BOOK_TYPE
from magicfs.text.extract.office.repacking import BACKSLASHED, IN_PIECES, with_joined_pieces, with_slashes
from magicfs.text.extract.office.word_package import with_usual_names
from magicfs.text.extract.office.word_xml import DOCUMENT_TYPE

_NORMALISERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    FICTION_BOOK: in_utf8,
    DOCUMENT_TYPE: with_usual_names,
    **dict.fromkeys(HTML_TYPES, without_references),
    BOOK_TYPE: prepared_book,
}
"""What changes the bytes of a file, by its exact type; `running_text` prepares them further for kreuzberg."""

_UNUSUAL_MEMBERS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    BACKSLASHED: with_slashes,
    IN_PIECES: with_joined_pieces,
}
"""What a document has whose type nothing tells, and what brings its members into their usual form."""
_DAMAGED_BEHIND_PASSWORD = Unreadable(SkipReason.CORRUPT, "what its usual password opens is no document")


class ReadableForm(NamedTuple):
    """A file as its readers understand it."""

    content: bytes
    mime_type: str
    """The detected type, such as that of any zip container; of an encrypted document, that of what it holds."""
    exact_type: str | Unreadable
    """Which document a container holds, or why it is not read; the same type for any other file."""


def readable_form(content: bytes, mime_type: str) -> ReadableForm:
    """The form of a file of the detected type."""
    if mime_type == container.ZIP and is_cut_zip(content):
        return ReadableForm(content, CUT_ZIP_TYPE, container.ARCHIVE)
    exact = container.exact_type(content, mime_type)
    if mime_type == container.OLE and isinstance(exact, Unreadable) and exact.reason is SkipReason.ENCRYPTED:
        opened = decrypted(content)
        if opened is not None:
            content, mime_type = opened, detect(opened, name=b"").mime_type
            is_container = mime_type in {container.ZIP, container.OLE}
            exact = container.exact_type(content, mime_type) if is_container else _DAMAGED_BEHIND_PASSWORD
    for mark, with_usual_members in _UNUSUAL_MEMBERS.items() if exact == container.ARCHIVE else ():
        if mark in content:
            with contextlib.suppress(*DAMAGE):
                content = with_usual_members(content)
                exact = container.exact_type(content, mime_type)
    if exact == container.ZIPPED_BOOK:
        return readable_form(container.only_member(content), FICTION_BOOK)
    if exact in _NORMALISERS and isinstance(exact, str):
        content = _NORMALISERS[exact](content)
    return ReadableForm(content, mime_type, exact)
