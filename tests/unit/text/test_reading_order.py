"""Recognised lines are read column by column, also on a page that lies askew."""

from __future__ import annotations

import math
import random

from magicfs.text.extract.ocr.reading_order import Point, text_in_order

LINE = 30


def line(text: str, x: float, y: float, width: float = 400, *, degrees: float = 0) -> tuple[str, list[Point]]:
    corners = [(x, y), (x + width, y), (x + width, y + 20), (x, y + 20)]
    angle = math.radians(degrees)
    return text, [
        (u * math.cos(angle) - v * math.sin(angle), u * math.sin(angle) + v * math.cos(angle)) for u, v in corners
    ]


def two_columns(*, degrees: float = 0) -> list[tuple[str, list[Point]]]:
    return [
        line("heading", 0, 0, 860, degrees=degrees),
        *(line(f"left {row}", 0, (row + 2) * LINE, degrees=degrees) for row in range(9)),
        *(line(f"right {row}", 460, (row + 2) * LINE, degrees=degrees) for row in range(9)),
        line("footer", 0, 12 * LINE, 860, degrees=degrees),
    ]


def read(lines: list[tuple[str, list[Point]]]) -> list[str]:
    random.Random(1).shuffle(lines)
    return text_in_order(lines).split("\n")


IN_ORDER = ["heading", *(f"left {row}" for row in range(9)), *(f"right {row}" for row in range(9)), "footer"]


def test_columns_are_read_one_after_the_other_between_what_goes_through_both() -> None:
    assert read(two_columns()) == IN_ORDER


def test_a_page_may_lie_askew() -> None:
    assert read(two_columns(degrees=3)) == IN_ORDER
    assert read(two_columns(degrees=-3)) == IN_ORDER


def test_three_columns() -> None:
    lines = [line(f"{column} {row}", column * 460, row * LINE) for column in range(3) for row in range(5)]
    assert read(lines) == [f"{column} {row}" for column in range(3) for row in range(5)]


def test_the_rows_of_a_form_stay_together() -> None:
    lines = [part for row in range(6) for part in (line("name", 0, row * LINE, 60), line(f"{row}", 200, row * LINE))]
    assert read(lines) == [f"name {row}" for row in range(6)]


def test_pieces_of_a_line_are_joined_although_one_is_higher() -> None:
    assert read([line("world", 200, 4, 90), line("hello", 0, 0, 90), line("again", 0, 40, 90)]) == [
        "hello world",
        "again",
    ]


def test_nothing() -> None:
    assert text_in_order([]) == ""
