"""A picture as a person sees it, for OCR. Used where pictures are recognised, in the child process. Pure functions."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageOps

_MIN_LONG_SIDE: Final = 3000
_MIN_RATIO: Final = 2.5
"""The longer side, and how many times the shorter one, of a picture that would not be legible at the size of a page."""
_MIN_WIDTH: Final = 40
"""A picture that is lower or narrower is a rule, or shows a line at most."""
_MAX_WIDTH: Final = 1600
"""The shorter side of a long picture: that of a window, on a screen of whatever density."""


def is_long(size: tuple[int, int]) -> bool:
    """Whether a picture of this width and height is read in strips, such as the screenshot of a whole web page."""
    return min(size) >= _MIN_WIDTH and max(size) > max(_MIN_LONG_SIDE, _MIN_RATIO * min(size))


def long_side(size: tuple[float, float]) -> int:
    """The longer side of a long picture of this shape, in pixels, in the size in which its strips are read."""
    return int(_MAX_WIDTH * max(size) / min(size))


def as_seen(image: Image.Image, *, max_side: int) -> Image.Image:
    """The picture upright, on white, and with a longer side of at most `max_side` pixels, but for a long one.

    Raises any exception of Pillow about a damaged picture.
    """
    if is_long(image.size):
        max_side = long_side(image.size)
    image.draft("RGB", (max_side, max_side))
    ImageOps.exif_transpose(image, in_place=True)
    seen = _on_white(image)
    seen.thumbnail((max_side, max_side))
    return seen


def png_of(image: Image.Image) -> bytes:
    """A picture in the format PNG, hardly compressed."""
    target = io.BytesIO()
    image.save(target, "PNG", compress_level=1)
    return target.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    # No further copy of it: a long screenshot has fifty million pixels.
    shown = image if image.mode == "RGBA" else image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(shown, mask=shown.getchannel("A"))
    return paper
