"""How close together a text has the words of a question."""

import pytest

from magicfs.search.proximity import OUT_OF_ORDER, Place, proximity

WORDS = ["tax", "invoice", "march"]


def places(text: str, words: list[str] = WORDS) -> list[Place]:
    found = []
    end = 0
    for token in text.split():
        start = text.index(token, end)
        end = start + len(token)
        if token in words:
            found.append((start, end, token))
    return found


def test_words_side_by_side_in_their_order_are_closest() -> None:
    assert proximity(places("the tax invoice march"), WORDS) == 1.0


def test_words_in_another_order_are_less_close() -> None:
    assert proximity(places("march invoice tax"), WORDS) == pytest.approx(OUT_OF_ORDER)


def test_words_far_apart_are_not_close() -> None:
    filler = " and so on" * 30
    assert proximity(places(f"tax{filler} invoice{filler} march"), WORDS) == 0.0


def test_the_farther_apart_the_less_close() -> None:
    values = [proximity(places(f"tax {'x ' * count}invoice {'y ' * count}march"), WORDS) for count in (0, 2, 8, 30)]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


def test_the_best_piece_of_the_text_counts() -> None:
    far = "tax" + " x" * 200
    assert proximity(places(f"{far} invoice {far} march tax invoice march {far}"), WORDS) == 1.0


def test_a_word_that_is_missing_makes_a_text_not_close() -> None:
    assert proximity(places("tax invoice"), WORDS) == 0.0
    assert proximity([], WORDS) == 0.0


def test_parts_that_are_no_words_of_the_question_do_not_count() -> None:
    """A compound of the question is no word of its own: its parts are."""
    assert proximity([(0, 3, "c++"), (4, 7, "tax"), (8, 15, "invoice"), (16, 21, "march")], WORDS) == 1.0
