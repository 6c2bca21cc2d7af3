"""Pages without marks of text are known by a small drawing of them, and are not recognised."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from magicfs.text.extract.pdf.page_pictures import may_show_text
from magicfs.text.extract.pdf.pdf_text import PdfFile
from tests.plugins.pdf import HEIGHT, WIDTH, Drawing, Scan, pdf_file, pdf_with_button

FRAME = Drawing("0.5 w 30 30 552 732 re S 30 700 m 582 700 l S 30 60 m 582 60 l S")
SHADES = Drawing("\n".join(f"{at / 64} {at / 64} 1 rg 0 {at * 12} 612 13 re f" for at in range(64)))


def draw(page: str | Scan | Drawing) -> bytes:
    return drawn(pdf_file(page))


def drawn(content: bytes) -> bytes:
    with PdfFile(content) as file:
        return file.draw(0, dpi=72, max_pixels=3000)


def number(text: str) -> Drawing:
    return Drawing(f"BT /F 12 Tf 300 40 Td ({text}) Tj ET")


@pytest.mark.parametrize("page", ["", FRAME, SHADES], ids=["empty", "frame", "shades"])
def test_a_page_without_text_is_not_recognised(page: str | Drawing) -> None:
    assert not may_show_text(draw(page), known_letters=0)


@pytest.mark.parametrize("text", ["7", "12", "388", "xviii", "Page 17"])
def test_a_page_with_its_number_only_is_not_recognised(text: str) -> None:
    assert not may_show_text(draw(number(text)), known_letters=len(text))


def test_a_scanned_page_with_a_number_in_the_text_layer_is_recognised() -> None:
    assert may_show_text(draw(Scan("a letter about marmalade\nand about oranges")), known_letters=3)


@pytest.mark.parametrize(
    "page",
    [
        "marmalade",
        Scan("marmalade"),
        Drawing("0.9 g 0 0 612 792 re f 0.4 g BT /F 7 Tf 50 700 Td (marmalade) Tj ET"),
        Drawing("0.1 0.2 0.5 rg 0 0 612 792 re f 1 g BT /F 7 Tf 50 700 Td (marmalade) Tj ET"),
    ],
    ids=["text", "scan", "small and grey", "small and white"],
)
def test_a_page_with_a_word_is_recognised(page: str | Scan | Drawing) -> None:
    assert may_show_text(draw(page), known_letters=0)


def test_the_caption_of_a_button_is_recognised() -> None:
    assert may_show_text(drawn(pdf_with_button("marmalade")), known_letters=0)


@pytest.mark.parametrize(("most", "size"), [(3000, (WIDTH, HEIGHT)), (396, (306, 396))])
def test_a_page_has_no_more_pixels_than_allowed(most: int, size: tuple[int, int]) -> None:
    with PdfFile(pdf_file("")) as file:
        assert Image.open(io.BytesIO(file.draw(0, dpi=72, max_pixels=most))).size == size
