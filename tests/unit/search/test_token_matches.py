"""How near the tokens of a question come to those of texts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.search.token_matches import MATCH_OF_TWICE, matches_of_texts

AXES = np.eye(6, dtype=np.float32)
QUESTION = AXES[:3] * np.array([[0.5], [0.5], [0.9]], np.float32)


def matches(*texts: NDArray[np.float32]) -> list[float]:
    found: list[float] = matches_of_texts(QUESTION, texts).tolist()
    return found


def test_each_token_looks_for_its_nearest_one() -> None:
    assert matches(AXES[[0, 1, 2]], AXES[[2, 1, 0]], AXES[[3, 4, 5]]) == pytest.approx([1 / 3, 1 / 3, -2 / 3])


def test_a_heavy_token_counts_more() -> None:
    first, second, _ = matches(AXES[[2, 3]], AXES[[0, 3]], AXES[[4, 5]])
    assert first > second + 0.2


def test_a_token_that_all_have_says_nothing() -> None:
    both = AXES[[2, 0]], AXES[[2, 3]]
    assert matches(*both) == pytest.approx([0.5, -0.5]), "as if the question had no third token"


def test_a_longer_text_comes_as_near_by_chance() -> None:
    short, long = matches(AXES[[0, 3]], AXES[[1, 3, 4, 5]])
    assert short - long == pytest.approx(MATCH_OF_TWICE)


def test_texts_that_do_not_differ_have_no_match() -> None:
    assert matches(AXES[[0, 3]]) == [0]
    assert matches(AXES[[0, 3]], AXES[[0, 4]]) == [0, 0]
