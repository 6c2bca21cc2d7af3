"""The reading order of lines in which words are written from the right."""

from __future__ import annotations

import pytest

from magicfs.text.extract.pdf.glyph_order import reading_order

# As a page shows them, from left to right, and as they are read; H stands for Hebrew letters.
FROM_RIGHT = [
    ("גבא", "אבג"),
    ("ג 12,5 בא", "אב 12,5 ג"),
    ("ד 12 34 אב", "בא 34 12 ד"),
    ("ג Works Ltd 7 בא", "אב Works Ltd 7 ג"),
    ("a@b.org גבא", "אבג a@b.org"),
    (".גבא", "אבג."),
]
FROM_LEFT = [
    ("is גבא in", "is אבג in"),
    ("is דג בא in", "is אב גד in"),
    ("is ג 12 בא in", "is אב 12 ג in"),
    ("in 12 גבא", "in 12 אבג"),
]


@pytest.mark.parametrize(("shown", "read"), FROM_RIGHT)
def test_order_of_a_line_that_begins_at_the_right(shown: str, read: str) -> None:
    assert "".join(reading_order(list(shown), from_right=True)) == read


@pytest.mark.parametrize(("shown", "read"), FROM_LEFT)
def test_order_of_a_line_that_begins_at_the_left(shown: str, read: str) -> None:
    assert "".join(reading_order(list(shown), from_right=False)) == read
