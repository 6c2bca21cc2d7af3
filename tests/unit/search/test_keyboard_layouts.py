"""What is typed in another layout of the keyboard is what its keys have in the layout that was meant."""

from __future__ import annotations

import pytest

from magicfs.search.keyboard_layouts import in_other_layouts


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ghbdtn", "привет"),
        ("htvjyn re[yb", "ремонт кухни"),
        ("руддщ", "hello"),
        ("dekbwz", "вулиця"),
        ("akuo", "שלום"),
        ("logow", "λογος"),
        ("sghl", "سلام"),
        ("Yimt", "zimt"),
        ("qwerty", "azerty"),
    ],
)
def test_a_word_is_what_its_keys_have_elsewhere(typed: str, meant: str) -> None:
    assert meant in in_other_layouts(typed)


def test_a_word_has_letters_of_one_script() -> None:
    assert in_other_layouts("dekbwz") == ["вулиця", "δεκβςζ", "dekbwy"]


@pytest.mark.parametrize("typed", ["", "12345", "日本語", "🎉"])
def test_what_no_layout_has_is_nothing_else(typed: str) -> None:
    assert in_other_layouts(typed) == []


@pytest.mark.parametrize(
    ("typed", "other"),
    [("Zeit", "weit"), ("Zelt", "welt"), ("Gewicht", "gezicht"), ("win", "zin"), ("zen", "yen"), ("SQL", "sal")],
)
def test_a_word_of_its_own_is_not_taken_for_another_one(typed: str, other: str) -> None:
    assert other not in in_other_layouts(typed)
