"""Long pictures are cut into strips where no line is, and what two strips have in common stands once."""

from __future__ import annotations

import math
import time

import pytest
from PIL import Image, ImageDraw

from magicfs.text.extract.ocr.seen_pictures import as_seen, is_long
from magicfs.text.extract.ocr.strips import text_in_strips

LINE, PITCH = 30, 40
LINES = 200


def tall(*, gap: int = PITCH - LINE) -> Image.Image:
    """Lines of strokes whose colour is their number, some pixels apart."""
    image = Image.new("RGB", (300, LINES * (LINE + gap)), "white")
    draw = ImageDraw.Draw(image)
    for number in range(LINES):
        for x in range(0, 300, 6):
            draw.rectangle((x, number * (LINE + gap), x + 2, number * (LINE + gap) + LINE - 1), (number, 0, 0))
    return image


def lines_of(strip: Image.Image) -> list[str]:
    """What OCR would read: a word for each line that is whole, and another one for each part of a line."""
    column = [strip.getpixel((0, y)) for y in range(strip.height)]
    found: dict[int, int] = {}
    for pixel in column:
        assert isinstance(pixel, tuple)
        if pixel[1] == 0:
            found[int(pixel[0])] = found.get(int(pixel[0]), 0) + 1
    return [word(number) if height == LINE else "half a line" for number, height in found.items()]


def word(number: int) -> str:
    return chr(ord("a") + number % 26) * 5 + chr(ord("a") + number // 26) * 8


def read(strip: Image.Image) -> str:
    return "\n".join(lines_of(strip)) + "\n"


def test_a_long_picture_is_cut_between_its_lines() -> None:
    text, is_whole = text_in_strips(tall(), read, until=math.inf)
    assert (text.split("\n"), is_whole) == (list(map(word, range(LINES))), True)


def test_a_wide_picture_is_cut_between_its_columns() -> None:
    wide = tall().transpose(Image.Transpose.TRANSPOSE)
    text, _ = text_in_strips(wide, lambda strip: read(strip.transpose(Image.Transpose.TRANSPOSE)), until=math.inf)
    assert text.split("\n") == list(map(word, range(LINES)))


def test_lines_that_two_strips_have_stand_once() -> None:
    text, _ = text_in_strips(tall(gap=0), read, until=math.inf)
    lines = [line for line in text.split("\n") if line != "half a line"]
    assert lines == list(map(word, range(LINES)))


def test_after_its_time_no_strip_is_begun() -> None:
    text, is_whole = text_in_strips(tall(), read, until=time.monotonic())
    lines = text.split("\n")
    assert lines == list(map(word, range(len(lines))))
    assert (is_whole, 0 < len(lines) < LINES) == (False, True)


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((1080, 2400), (900, 2000)),
        ((4000, 3000), (2000, 1500)),
        ((1080, 20_000), (1080, 20_000)),
        ((3200, 16_000), (1600, 8000)),
        ((16_000, 3200), (8000, 1600)),
        ((20_000, 10), (2000, 1)),
    ],
)
def test_only_a_long_picture_keeps_its_length(size: tuple[int, int], seen: tuple[int, int]) -> None:
    shown = as_seen(Image.new("RGB", size), max_side=2000)
    assert shown.size == seen
    assert is_long(shown.size) == is_long(size) == (max(seen) > 2000)


def test_what_is_transparent_is_white() -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    shown = as_seen(image, max_side=2)
    assert [shown.getpixel((x, 0)) for x in range(2)] == [(255, 255, 255), (0, 0, 0)]
