"""Draws the second and later pages of a fax or a scan in TIFF, for the recognition of their texts.

Runs in the child process, called by `document_parser`. Not those of photographs, whose files have the same picture in
several sizes. Untrusted bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image

TIFF_TYPE: Final = "image/tiff"

_RAW_MARKS: Final = (330, 50706)
"""Tags of raw files of cameras: pictures inside of pictures, and the version of DNG."""
_SUBFILE_TYPE: Final = 254
_IS_SMALLER: Final = 1
"""The flag of a page that is a smaller picture of another one."""
_PIXELS: Final = range(100_000, 60_000_000)
"""Those of a page that has lines, and for which there is memory."""
_MAX_PAGES: Final = 500


def later_pages(content: bytes) -> Iterator[bytes]:
    """Yield each page after the first as a file of its own, in PNG. Damage ends it early."""
    try:
        with Image.open(io.BytesIO(content), formats=("TIFF",)) as image:
            tags = getattr(image, "tag_v2", {})
            if content[8:10] == b"CR" or any(mark in tags for mark in _RAW_MARKS):
                return
            for number in range(1, min(getattr(image, "n_frames", 1), _MAX_PAGES)):
                image.seek(number)
                width, height = image.size
                is_smaller = int(getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0)) & _IS_SMALLER
                if not is_smaller and width * height in _PIXELS:
                    page = io.BytesIO()
                    image.convert("L").save(page, "PNG", compress_level=1)
                    yield page.getvalue()
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return
