"""The pictures that are attached to messages or lie in archives, in documents that do, and in the texts of messages.

Runs in the child process: `document_parser` gathers them while a message, a mailbox or an archive is read, and once
more, without the texts, for `page_reader`, which reads them one by one, as those in documents. Untrusted bytes. One
thread.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from functools import partial
from typing import Final

import xxhash

from magicfs.domain.contents import Picture
from magicfs.domain.ids import Digest
from magicfs.text.extract.documents.document_pictures import pictures_inside
from magicfs.text.extract.documents.found_pictures import FoundPictures
from magicfs.text.extract.documents.html_parts import HTML_TYPES
from magicfs.text.extract.documents.mobipocket import MOBIPOCKET_TYPE
from magicfs.text.extract.file_types import FileType, Route
from magicfs.text.extract.mail.mail import MAILBOX_TYPE, MESSAGE_TYPE
from magicfs.text.extract.mail.outlook_files import OUTLOOK_TYPE
from magicfs.text.extract.mail.signed_files import SIGNED_TYPE
from magicfs.text.extract.mail.tnef import TNEF_TYPE
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf.pdf_pages import picture_of_page, picture_on_page, pictures_on_pages

PACKED_MAIL: Final = frozenset({OUTLOOK_TYPE, TNEF_TYPE, SIGNED_TYPE})
"""What holds a message, or a file that was sent, and is told by its exact type."""
READ_AGAIN: Final = frozenset({*HTML_TYPES, MOBIPOCKET_TYPE})
"""Whose texts are read with the pictures too: whether the page of a message has any decides whether its RTF is read,
and a book holds a page."""
TYPES_OF_MAIL: Final = frozenset({MESSAGE_TYPE, MAILBOX_TYPE, *PACKED_MAIL})
MAX_BYTES_LOOKED_AT: Final = 256 << 20
"""Those of the attached files among which pictures are looked for, as they are unpacked: the first ones."""
_WHOLE_PAGE: Final = -1
_RECOGNISED_TYPES: Final = frozenset(f"image/{name}" for name in ("png", "jpeg", "gif", "bmp", "tiff", "webp"))


class AttachedPictures:
    """The pictures of a message or an archive, in its order, or of a mailbox, those of its last message first.

    Each is there once.
    """

    def __init__(self, *, keeps_bytes: bool = False) -> None:
        """With `keeps_bytes`, `read` gives the bytes of each, by its number from 0."""
        self._pictures = FoundPictures(keeps_bytes=keeps_bytes)
        self._page: int | None = None
        self._bytes_left = MAX_BYTES_LOOKED_AT
        self.keeps_bytes = keeps_bytes
        self.read = self._pictures.read

    @property
    def is_full(self) -> bool:
        """Whether no further picture is added."""
        return self._pictures.is_full or self._bytes_left < 0

    @property
    def count(self) -> int:
        """The number of pictures."""
        return len(self._pictures.found)

    def begin(self, page: int) -> None:
        """Count what is added from now on to a message of a mailbox, or to a page of an archive, by number from 1."""
        self._page = page

    def add(self, content: bytes, file_type: FileType) -> None:
        """Add an attached file, if it is a picture that may show text."""
        self._bytes_left -= len(content)
        if not self.is_full and file_type.route is Route.IMAGE and file_type.mime_type in _RECOGNISED_TYPES:
            self._pictures.add(content, page=self._page)

    def add_document(self, content: bytes, exact_type: str) -> None:
        """Add the pictures in an attached document that is no PDF file."""
        if not self.is_full:
            for picture, read in pictures_inside(content, exact_type):
                self._pictures.add_listed(replace(picture, page=self._page), read)

    def add_pages(self, content: bytes, outcome: Parsed) -> None:
        """Add what the pages of an attached PDF file show beside their text layers, by what was read of it."""
        if not isinstance(outcome, PartialDocument) or self.is_full:
            return
        digest = xxhash.xxh3_128_digest(content)
        shown = [(page, number) for page, number in pictures_on_pages(content, outcome.beside_text)]
        for page, number in sorted([*((page, _WHOLE_PAGE) for page in outcome.pages), *shown]):
            key = struct.pack("<I", page) if number == _WHOLE_PAGE else struct.pack("<II", page, number)
            picture = Picture(Digest(xxhash.xxh3_128_digest(digest + key)), self._page)
            draw = picture_of_page if number == _WHOLE_PAGE else partial(picture_on_page, number=number)
            self._pictures.add_listed(picture, partial(draw, content, page))

    def found(self, *, first_message: int = 1) -> tuple[Picture, ...]:
        """The pictures, with the numbers of the pages from the first one on, of a mailbox those of its messages.

        The message before that one was looked at too; its pictures, the last ones, are left out.
        """
        return tuple(
            picture if picture.page is None else replace(picture, page=picture.page - first_message + 1)
            for picture in self._pictures.found
            if picture.page is None or picture.page >= first_message
        )
