"""The rules of ranking and of scores."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.query import Lexeme, Term
from magicfs.search.fusion import (
    CERTAINTY_OF_MEANING,
    Evidence,
    bm25_unit,
    fused_score,
    is_relevant,
    lexical_strength,
    likeness_reach,
    meaning_weight,
    non_increasing,
    relevance,
    similarity_exponent,
)
from magicfs.search.retrievers import QuestionWords

unit = st.floats(0, 1)
maybe = st.none() | unit


def test_all_words_score_at_least_nine_tenths() -> None:
    assert lexical_strength(share=1.0, is_phrase_match=True) == 1.0
    assert lexical_strength(share=1.0, is_phrase_match=False) == 0.9
    assert relevance(Evidence(relative_bm25=1.0, lexical=0.9)) == pytest.approx(0.9)


def test_unrelated_text_scores_about_zero() -> None:
    assert relevance(Evidence()) == 0.0
    assert relevance(Evidence(nearness=-0.5)) == 0.0
    assert relevance(Evidence(nearness=0.2)) < 0.05
    assert not is_relevant(Evidence(nearness=0.2))


def test_words_and_meaning_together_rank_before_one_alone() -> None:
    both = Evidence(relative_bm25=0.8, lexical=0.5, nearness=0.8)
    words = Evidence(relative_bm25=1.0, lexical=0.5, nearness=0.0)
    meaning = Evidence(nearness=0.9)
    assert fused_score(both) > fused_score(words) > fused_score(meaning)


def test_a_text_without_a_vector_ranks_no_lower_for_it() -> None:
    fresh = Evidence(relative_bm25=1.0, lexical=0.9)
    assert fused_score(fresh) > fused_score(Evidence(relative_bm25=0.9, lexical=0.8, nearness=0.7))


def test_a_phrase_ranks_before_its_words_apart() -> None:
    phrase = Evidence(relative_bm25=0.9, lexical=1.0, is_phrase_match=True)
    assert fused_score(phrase) > fused_score(Evidence(relative_bm25=1.0, lexical=0.9))


@given(st.permutations(["a", "b", "c", "d", "e", "f"]))
def test_the_share_of_words_does_not_depend_on_their_order(order: list[str]) -> None:
    weights = {"a": 0.1, "b": 0.7, "c": 3.3, "d": 1e-9, "e": 5.1, "f": 0.3}
    words = QuestionWords({Term(word, (Lexeme(word),)): weight for word, weight in weights.items()}, {})
    assert words.share(order) == 1.0
    assert words.share(order[:3]) == words.share(sorted(order[:3]))


def test_weak_evidence_is_not_shown() -> None:
    assert not is_relevant(Evidence(nearness=0.1))
    assert is_relevant(Evidence(relative_bm25=0.1, lexical=0.01, nearness=0.1))
    assert is_relevant(Evidence(nearness=0.4))


def test_a_name_with_the_words_ranks_before_a_text_with_them() -> None:
    assert fused_score(Evidence(relative_bm25=0.2, lexical=0.9, name_share=1.0)) > fused_score(
        Evidence(relative_bm25=1.0, lexical=0.9)
    )


@given(maybe, maybe)
def test_more_evidence_never_lowers_the_score(lexical: float | None, nearness: float | None) -> None:
    score = relevance(Evidence(lexical=lexical, nearness=nearness))
    assert 0.0 <= score <= 1.0
    assert score >= (lexical or 0.0) - 1e-9
    assert score >= CERTAINTY_OF_MEANING * (nearness or 0.0) ** 2 - 1e-9


@given(st.lists(unit, max_size=40))
def test_scores_are_non_increasing_and_keep_their_sum(scores: list[float]) -> None:
    shown = non_increasing(scores)
    assert len(shown) == len(scores)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(shown))
    assert sum(shown) == pytest.approx(sum(scores))
    assert non_increasing(sorted(scores, reverse=True)) == pytest.approx(sorted(scores, reverse=True))


def test_one_word_says_less_than_a_sentence() -> None:
    evidence = Evidence(nearness=0.7)
    scores = [relevance(evidence, exponent=similarity_exponent(words)) for words in (1, 2, 3, 12)]
    assert scores[0] < 0.2 < scores[1] < scores[2] == scores[3]
    assert not is_relevant(Evidence(nearness=0.6), exponent=similarity_exponent(1))
    assert relevance(Evidence(nearness=1.0), exponent=similarity_exponent(1)) >= 0.95


def test_words_tell_texts_apart_that_mean_the_same_to_the_model() -> None:
    with_words, without = Evidence(lexical=1.0, nearness=1.0), Evidence(lexical=0.2, nearness=1.0)
    assert relevance(with_words) > relevance(without)


def test_words_that_a_text_has_by_chance_count_less() -> None:
    assert bm25_unit(8.0, share=0.9) == bm25_unit(8.0, share=0.2) == 8.0
    assert bm25_unit(8.0, share=0.05) == pytest.approx(32.0), "a number in a text of another language"
    assert bm25_unit(0.0, share=0.0) == 1.0, "no text has a word"


def test_meaning_counts_more_where_a_multilingual_model_has_read() -> None:
    words, meaning = Evidence(relative_bm25=1.0, nearness=0.0), Evidence(nearness=0.8)
    assert fused_score(words, meaning=meaning_weight(4, has_second=False)) > fused_score(
        meaning, meaning=meaning_weight(4, has_second=False)
    )
    assert fused_score(words, meaning=meaning_weight(4, has_second=True)) < fused_score(
        meaning, meaning=meaning_weight(4, has_second=True)
    )


def test_in_another_language_the_order_and_the_score_have_scales_of_their_own() -> None:
    translation = Evidence(nearness=0.5, likeness=0.9)
    assert fused_score(translation) == fused_score(Evidence(nearness=0.5))
    assert relevance(translation) == relevance(Evidence(nearness=0.9))


def test_the_very_words_come_before_what_is_near_to_every_word() -> None:
    """The multilingual model puts very short texts near to any single word."""
    exact, near = Evidence(relative_bm25=1.0, lexical=0.9, nearness=0.2), Evidence(nearness=1.3)
    for words in (1, 2):
        weight = meaning_weight(words, has_second=True)
        assert fused_score(exact, meaning=weight) > fused_score(near, meaning=weight)
    sentence = meaning_weight(6, has_second=True)
    assert fused_score(exact, meaning=sentence) < fused_score(near, meaning=sentence)


def test_likeness_to_few_words_counts_less_under_the_multilingual_model() -> None:
    assert likeness_reach(1, has_second=True) == likeness_reach(2, has_second=True) > 1.0
    assert likeness_reach(3, has_second=True) == likeness_reach(1, has_second=False) == 1.0
