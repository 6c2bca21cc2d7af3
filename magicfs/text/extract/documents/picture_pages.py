"""Draws the second and later pages of a fax or a scan in TIFF, for the recognition of their texts.

Runs in the child process, called by `pictures`. Not those of photographs, whose files have the same picture in
several sizes. Untrusted bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image, TiffImagePlugin

TIFF_TYPE: Final = "image/tiff"

_RAW_MARKS: Final = (330, 50706)
"""Tags of raw files of cameras: pictures inside of pictures, and the version of DNG."""
_SUBFILE_TYPE: Final = 254
_IS_SMALLER: Final = 1
"""The flag of a page that is a smaller picture of another one."""
_PIXELS: Final = range(100_000, 60_000_000)
"""Those of a page that has lines, and for which there is memory."""
_MAX_PAGES: Final = 500


def later_pages(content: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Yield the number of each page after the first, and the page as a file of its own, in PNG.

    Instead of one that is damaged, or compressed in an unknown way, it yields None.
    """
    try:
        image = Image.open(io.BytesIO(content), formats=("TIFF",))
    except Exception:  # the reader of the first page says what is wrong
        return
    with image:
        tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else None
        if tags is None or content[8:10] == b"CR" or any(mark in tags for mark in _RAW_MARKS):
            return
        for number in range(2, _MAX_PAGES + 1):
            directory = tags.next
            try:
                image.seek(number - 1)
                if _is_page(image, tags):
                    yield number, _drawn(image)
            except EOFError:
                return
            except Exception:
                yield number, None
                if tags.next == directory:
                    # Where the next page stands is not known either.
                    return


def _is_page(image: Image.Image, tags: TiffImagePlugin.ImageFileDirectory_v2) -> bool:
    width, height = image.size
    return not int(tags.get(_SUBFILE_TYPE, 0)) & _IS_SMALLER and width * height in _PIXELS


def _drawn(image: Image.Image) -> bytes:
    page = io.BytesIO()
    image.convert("L").save(page, "PNG", compress_level=1)
    return page.getvalue()
