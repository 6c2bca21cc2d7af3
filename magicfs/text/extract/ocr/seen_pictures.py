"""A picture as a person sees it, for OCR. Used by `rapid_ocr` and `document_pictures`, in the child process. Pure."""

from __future__ import annotations

from PIL import Image, ImageOps


def as_seen(image: Image.Image, *, max_side: int) -> Image.Image:
    """The picture upright, on white, and with a longer side of at most `max_side` pixels.

    Raises any exception of Pillow about a damaged picture.
    """
    image.draft("RGB", (max_side, max_side))
    seen = _on_white(ImageOps.exif_transpose(image))
    seen.thumbnail((max_side, max_side))
    return seen


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return paper.convert("RGB")
