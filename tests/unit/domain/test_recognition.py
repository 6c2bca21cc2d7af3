"""What has recognised the pages of a file is stored as a line for people, and read from it."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Recognition


@pytest.mark.parametrize(
    ("recognition", "said"),
    [
        (Recognition("tesseract", (1, 2, 3, 7)), "tesseract, pages 1-3, 7"),
        (Recognition("rapidocr", (12,)), "rapidocr, page 12"),
        (Recognition("rapidocr", (1, 2), are_pictures=True), "rapidocr, pictures 1-2"),
        (Recognition("tesseract"), "tesseract"),
    ],
)
def test_what_is_said_of_a_recognition_is_read_again(recognition: Recognition, said: str) -> None:
    assert str(recognition) == said
    assert Recognition.parse(said) == recognition


def test_of_very_many_runs_of_pages_the_first_are_known() -> None:
    odd = tuple(range(1, 61, 2))
    assert str(Recognition("tesseract", odd)).endswith(", 39 and 10 more")
    assert Recognition.parse(str(Recognition("tesseract", odd))).pages == odd[:20]
