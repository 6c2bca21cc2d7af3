"""The pictures that are attached to a message, or stand in its text, and may show text.

Runs in the child process: `document_parser` gathers them while a message is read, and `page_reader` reads them one
by one, as those in documents. Those of messages in a mailbox are not read. Untrusted bytes. One thread.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Final

from magicfs.domain.contents import Picture, Unreadable
from magicfs.domain.ids import Digest
from magicfs.text.extract.detect import detect
from magicfs.text.extract.documents.document_pictures import HEAD_BYTES, MAX_PICTURE_BYTES, MAX_PICTURES, picture_by
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.mail.mail import MailReader
from magicfs.text.extract.mail.outlook_files import OUTLOOK_TYPE, read_outlook

_RECOGNISED_TYPES: Final = frozenset(f"image/{name}" for name in ("png", "jpeg", "gif", "bmp", "tiff", "webp"))


class AttachedPictures:
    """The pictures of one message, in its order, each once."""

    def __init__(self, *, keeps_bytes: bool = False) -> None:
        """With `keeps_bytes`, `read` gives the bytes of each."""
        self._found: dict[Digest, tuple[Picture, bytes]] = {}
        self._keeps_bytes = keeps_bytes

    def add(self, content: bytes, mime_type: str) -> None:
        """Add an attached file, if it is a picture that may show text."""
        is_read = mime_type in _RECOGNISED_TYPES and len(self._found) < MAX_PICTURES
        if not is_read or len(content) > MAX_PICTURE_BYTES:
            return
        picture = picture_by(content[:HEAD_BYTES], size=len(content), checksum=zlib.crc32(content), page=None)
        if picture is not None:
            self._found.setdefault(picture.digest, (picture, content if self._keeps_bytes else b""))

    @property
    def found(self) -> tuple[Picture, ...]:
        """The pictures."""
        return tuple(picture for picture, _ in self._found.values())

    def read(self, number: int) -> bytes:
        """The bytes of a picture, by its number from 0."""
        return list(self._found.values())[number][1]


def reader_of_attached(message: bytes, exact_type: str | Unreadable) -> Callable[[int], bytes]:
    """What gives the bytes of a picture of a message, of Outlook or any other, by its number from 0."""
    pictures = AttachedPictures(keeps_bytes=True)

    def add(content: bytes, name: bytes) -> str:
        pictures.add(content, detect(content, name=name).mime_type)
        return ""

    if exact_type == OUTLOOK_TYPE:
        read_outlook(message, parts=FileParts(add))
    else:
        MailReader(FileParts(add), max_bytes=len(message), until=math.inf).read_message(message)
    return pictures.read
