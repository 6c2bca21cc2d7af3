"""The pictures that are attached to messages, or stand in their texts, and may show text.

Runs in the child process: `document_parser` gathers them while a message or a mailbox is read, and `page_reader` reads
them one by one, as those in documents. Untrusted bytes. One thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from magicfs.domain.contents import Picture, Unreadable
from magicfs.text.extract.detect import detect
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.found_pictures import FoundPictures
from magicfs.text.extract.documents.inline_pictures import pictures_in_text
from magicfs.text.extract.file_types import FileType, Route
from magicfs.text.extract.mail.mail import MAILBOX_TYPE, MESSAGE_TYPE, MailReader
from magicfs.text.extract.mail.outlook_files import OUTLOOK_TYPE, read_outlook

TYPES_OF_MAIL: Final = frozenset({MESSAGE_TYPE, MAILBOX_TYPE, OUTLOOK_TYPE})
_RECOGNISED_TYPES: Final = frozenset(f"image/{name}" for name in ("png", "jpeg", "gif", "bmp", "tiff", "webp"))


class AttachedPictures:
    """The pictures of a message, in its order, or of a mailbox, those of its last message first; each once."""

    def __init__(self, *, keeps_bytes: bool = False) -> None:
        """With `keeps_bytes`, `read` gives the bytes of each."""
        self._pictures = FoundPictures(keeps_bytes=keeps_bytes)
        self._message: int | None = None
        self.read = self._pictures.read

    def begin(self, message: int) -> None:
        """Count what is added from now on to a message of a mailbox, by its number from 1."""
        self._message = message

    def add(self, content: bytes, file_type: FileType) -> None:
        """Add an attached file, if it is a picture that may show text, or the pictures in a page."""
        if file_type.route is Route.IMAGE and file_type.mime_type in _RECOGNISED_TYPES:
            self._pictures.add(content, page=self._message)
        elif file_type.route is Route.MARKUP and not self._pictures.is_full:
            for picture in pictures_in_text(content, file_type.mime_type):
                self._pictures.add(picture, page=self._message)

    def found(self, *, first_message: int = 1) -> tuple[Picture, ...]:
        """The pictures, with the numbers of the messages from the first one on that is a page.

        The message before that one was looked at too; its pictures, the last ones, are left out.
        """
        return tuple(
            picture if picture.page is None else replace(picture, page=picture.page - first_message + 1)
            for picture in self._pictures.found
            if picture.page is None or picture.page >= first_message
        )


def reader_of_attached(message: bytes, exact_type: str | Unreadable) -> Callable[[int], bytes]:
    """What gives the bytes of a picture of a message or a mailbox, of Outlook or any other, by its number from 0."""
    pictures = AttachedPictures(keeps_bytes=True)

    def add(content: bytes, name: bytes) -> str:
        pictures.add(content, detect(content, name=name))
        return ""

    if exact_type == OUTLOOK_TYPE:
        read_outlook(message, parts=FileParts(add))
    else:
        reader = MailReader(FileParts(add), max_bytes=len(message), until=math.inf)
        if exact_type == MAILBOX_TYPE:
            reader.read_mailbox(message, begin=pictures.begin)
        else:
            reader.read_message(message)
    return pictures.read
