"""`FoundPictures` gathers the pictures of one file that may show text, each once, as far as they are looked at.

Runs in the child process, used by `document_pictures` and `mail_pictures`. Untrusted bytes. One thread.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Final

import xxhash
from PIL import Image

from magicfs.domain.contents import Picture
from magicfs.domain.ids import Digest

MAX_PICTURES: Final = 50
"""Those of a document that are recognised, the first ones: they take about two minutes of one core."""
MAX_LOOKED_AT: Final = 2000
"""Those that are looked at for their size: a book of mathematics has one for each sign, and ten take a millisecond."""
MAX_PICTURE_BYTES: Final = 32 << 20
HEAD_BYTES: Final = 64 << 10
"""What is read of a picture to tell it from others, and for its size."""
MAX_PIXELS: Final = 50_000_000
FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_MIN_SIDES: Final = (40, 100)
"""The shorter and the longer side, in pixels, of a picture that has more text than a label."""


class FoundPictures:
    """The pictures of one file, in the order in which they were added."""

    def __init__(self, *, keeps_bytes: bool = False) -> None:
        """With `keeps_bytes`, `read` gives the bytes of each."""
        self._found: dict[Digest, tuple[Picture, Callable[[], bytes]]] = {}
        self._keeps_bytes = keeps_bytes
        self._looked_at = 0

    @property
    def is_full(self) -> bool:
        """Whether no further picture is added."""
        return len(self._found) >= MAX_PICTURES or self._looked_at >= MAX_LOOKED_AT

    def add(self, content: bytes, *, page: int | None = None) -> None:
        """Add a picture that a page shows, if it may have text, and is not there yet."""
        if self.is_full or not 0 < len(content) <= MAX_PICTURE_BYTES:
            return
        picture = picture_by(content[:HEAD_BYTES], size=len(content), checksum=zlib.crc32(content), page=page)
        if picture is None:
            self._looked_at += 1
        else:
            self.add_listed(picture, lambda: content)

    def add_listed(self, picture: Picture, read: Callable[[], bytes]) -> None:
        """Add a picture that is known, if it is not there yet. `read` gives its bytes."""
        if not self.is_full:
            self._looked_at += 1
            self._found.setdefault(picture.digest, (picture, read if self._keeps_bytes else bytes))

    @property
    def found(self) -> tuple[Picture, ...]:
        """The pictures."""
        return tuple(picture for picture, _ in self._found.values())

    def read(self, number: int) -> bytes:
        """The bytes of a picture, by its number from 0."""
        return list(self._found.values())[number][1]()


def picture_by(head: bytes, *, size: int, checksum: int, page: int | None) -> Picture | None:
    """A picture by its first bytes, its size and its checksum, if it is large enough for a text."""
    if not _is_large_enough(head):
        return None
    return Picture(Digest(xxhash.xxh3_128_digest(head + struct.pack("<QI", size, checksum))), page)


def _is_large_enough(head: bytes) -> bool:
    """Whether a picture may have a text by its size. One that does not say it in its first bytes may."""
    try:
        with Image.open(io.BytesIO(head), formats=FORMATS) as image:
            width, height = image.size
    except Exception:  # its reader decides, or it is no picture
        return len(head) == HEAD_BYTES
    least, longest = _MIN_SIDES
    return min(width, height) >= least and max(width, height) >= longest and width * height <= MAX_PIXELS
