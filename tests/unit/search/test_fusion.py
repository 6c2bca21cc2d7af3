"""The rules of ranking and of scores."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.search.fusion import Evidence, lexical_strength, never_rising, place_value, relevance, worth_showing

unit = st.floats(0, 1)
maybe = st.none() | unit


def test_the_very_words_score_from_nine_tenths() -> None:
    assert lexical_strength(share=1.0, verbatim=True) == 1.0
    assert lexical_strength(share=1.0, verbatim=False) == 0.9
    assert relevance(Evidence(words=1.0, lexical=0.9)) == pytest.approx(0.9)


def test_unrelated_text_scores_about_nothing() -> None:
    assert relevance(Evidence()) == 0.0
    assert relevance(Evidence(nearness=-0.5)) == 0.0
    assert relevance(Evidence(nearness=0.2)) < 0.05
    assert not worth_showing(Evidence(nearness=0.2))


def test_both_lanes_together_come_before_one() -> None:
    both = Evidence(words=0.8, lexical=0.5, nearness=0.8)
    words = Evidence(words=1.0, lexical=0.5, nearness=0.0)
    meaning = Evidence(nearness=0.9)
    assert place_value(both) > place_value(words) > place_value(meaning)


def test_a_text_without_a_vector_yet_is_not_behind_for_it() -> None:
    fresh = Evidence(words=1.0, lexical=0.9)
    assert place_value(fresh) > place_value(Evidence(words=0.9, lexical=0.8, nearness=0.7))


def test_a_phrase_comes_before_its_scattered_words() -> None:
    assert place_value(Evidence(words=0.9, lexical=1.0)) > place_value(Evidence(words=1.0, lexical=0.9))


def test_what_says_nothing_is_left_out() -> None:
    assert not worth_showing(Evidence(nearness=0.1))
    assert worth_showing(Evidence(words=0.1, lexical=0.01, nearness=0.1))
    assert worth_showing(Evidence(nearness=0.4))


def test_a_name_with_the_words_comes_before_a_text_with_them() -> None:
    assert place_value(Evidence(words=0.2, lexical=0.9, name=1.0)) > place_value(Evidence(words=1.0, lexical=0.9))


@given(maybe, maybe)
def test_more_evidence_never_lowers_the_score(lexical: float | None, nearness: float | None) -> None:
    score = relevance(Evidence(lexical=lexical, nearness=nearness))
    assert 0.0 <= score <= 1.0
    assert score >= (lexical or 0.0) - 1e-9
    assert score >= (nearness or 0.0) ** 2 - 1e-9


@given(st.lists(unit, max_size=40))
def test_scores_never_rise_and_keep_their_sum(scores: list[float]) -> None:
    shown = never_rising(scores)
    assert len(shown) == len(scores)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(shown))
    assert sum(shown) == pytest.approx(sum(scores))
    assert never_rising(sorted(scores, reverse=True)) == pytest.approx(sorted(scores, reverse=True))
