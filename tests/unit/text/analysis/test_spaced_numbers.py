"""Numbers with spaces inside and those in one piece find each other, and telephone numbers with and without country."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze
from tests.unit.text.analysis.vectors import missed


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("1.234,56", "1234"),
        ("(212) 555-7788", "2125557788"),
        ("06 12 34 56 78", "0612345678"),
        ("0664 / 443 32 21", "06644433221"),
        ("+49 89 1234567", "49891234567"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("0-306-40615-X", "030640615X"),
        ("1_000_000", "1000000"),
        ("4111 1111 1111 1111", "4111111111111111"),
        ("1 234 567", "1234567"),
        ("12\u202f500", "12500"),
        ("DE 123 456 789", "DE123456789"),
        ("ATU 1234 5678", "ATU12345678"),
        ("2 345,67 \u20ac", "2345,67"),
        ("12 500 EUR", "12500"),
        ("DE 123 456 789 as printed", "DE123456789"),
    ],
)
def test_numbers_in_pieces_are_found_in_one(written: str, typed: str) -> None:
    assert missed(f"with {written}, here", typed) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("+79161234567", "+7 916 123-45-67"),
        ("2125557788", "(212) 555-7788"),
        ("4111111111111111", "4111 1111 1111 1111"),
        ("DE123456789", "DE 123 456 789"),
    ],
)
def test_a_number_in_one_piece_is_found_by_all_of_its_pieces(written: str, typed: str) -> None:
    assert missed(f"with {written}, here", typed) == []


@pytest.mark.parametrize("number", ["498912345678", "08912345678"])
def test_a_telephone_number_is_found_with_and_without_its_country(number: str) -> None:
    assert missed("call +49 (0)89 1234-5678 today", number) == []


@pytest.mark.parametrize("number", ["4791234567", "91234567", "+47 91234567", "912 34 567"])
def test_a_telephone_number_is_found_as_in_its_country(number: str) -> None:
    assert missed("call +47 912 34 567 today", number) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("TEL:+491701234567", "0170 1234567"),
        ('address="+12125557788"', "2125557788"),
        ("name,+44 20 7946 0000,note", "02079460000"),
        ("+351912345678", "912345678"),
    ],
)
def test_a_telephone_number_of_an_export_is_found_as_it_is_typed(written: str, typed: str) -> None:
    assert missed(written, typed) == []


def test_what_is_no_telephone_number_has_no_country() -> None:
    assert "'02345'" not in analyze("a total of 1,+2345 and +0012345678")
