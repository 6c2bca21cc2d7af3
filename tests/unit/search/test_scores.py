"""What a score says: its parts, its ends, and how it tells results apart."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.search.fusion import Evidence
from magicfs.search.scores import (
    CERTAINTY_OF_MEANING,
    FIRST_ACROSS,
    LESS_THAN_PHRASE,
    WEAK_RESULTS,
    are_relevant,
    decreasing_scores,
    is_relevant,
    least_relevance,
    lexical_strength,
    relevance,
    similarity_exponent,
    similarity_reach,
)

unit = st.floats(0, 1)
maybe = st.none() | unit
printed = "{:.2f}".format


def test_all_words_score_at_least_nine_tenths() -> None:
    assert lexical_strength(share=1.0, is_phrase_match=True) == 1.0
    assert lexical_strength(share=1.0, is_phrase_match=False) == 0.9
    assert relevance(Evidence(relative_words=1.0, lexical=0.9)) == pytest.approx(0.9)


def test_unrelated_text_scores_about_zero() -> None:
    assert relevance(Evidence()) == 0.0
    assert relevance(Evidence(model_similarity=-0.5)) == 0.0
    assert relevance(Evidence(model_similarity=0.2)) < 0.05
    assert not is_relevant(Evidence(model_similarity=0.2))


def test_weak_evidence_is_not_shown() -> None:
    assert not is_relevant(Evidence(model_similarity=0.1))
    assert is_relevant(Evidence(relative_words=0.1, lexical=0.01, model_similarity=0.1))
    assert is_relevant(Evidence(model_similarity=0.4))


def test_of_weak_candidates_a_few_are_shown() -> None:
    """Across languages, a right answer may be no nearer than chance."""
    weak = [Evidence(model_similarity=0.15)] * 20
    shown = are_relevant(weak, exponent=2.0, least=least_relevance(relevance(weak[0])))
    assert shown == [True] * WEAK_RESULTS + [False] * 15
    assert are_relevant([Evidence(model_similarity=-0.5)] * 3, exponent=2.0, least=least_relevance(0.0)) == [False] * 3


def test_weaker_candidates_are_shown_where_one_answers() -> None:
    found = [Evidence(model_similarity=0.9), *[Evidence(model_similarity=0.15)] * 20]
    assert all(are_relevant(found, exponent=2.0, least=least_relevance(relevance(found[0]))))


def test_across_languages_the_first_are_shown_that_scores_do_not_tell_from_the_best() -> None:
    best, near, far = (
        Evidence(model_similarity=0.5, corpus_similarity=value, is_across=True) for value in (0.1, 0.02, -0.2)
    )
    found = [best, far, *[near] * 20]
    shown = are_relevant(found, exponent=2.0, least=least_relevance(relevance(best)))
    assert shown == [True, False, *[True] * (FIRST_ACROSS - 2), *[False] * 12]
    in_one_language = [evidence._replace(is_across=False) for evidence in found]
    assert are_relevant(in_one_language, exponent=2.0, least=least_relevance(relevance(best))) == [True] + [False] * 21


def test_across_languages_nothing_is_shown_where_nothing_answers() -> None:
    near = [Evidence(model_similarity=0.5, corpus_similarity=0.02, is_across=True)] * 20
    assert are_relevant(near, exponent=2.0, least=least_relevance(relevance(near[0]))) == [False] * 20


def test_a_text_in_another_language_is_not_shown_beside_an_answer_in_the_language_of_the_question() -> None:
    answer, near = (
        Evidence(model_similarity=0.9),
        Evidence(model_similarity=0.2, corpus_similarity=0.02, is_across=True),
    )
    assert are_relevant([answer, near], exponent=2.0, least=least_relevance(relevance(answer))) == [True, False]


def test_few_words_show_no_more_across_languages() -> None:
    """Every short text is near to a single word."""
    best, near = (Evidence(model_similarity=0.5, corpus_similarity=value, is_across=True) for value in (0.3, 0.2))
    exponent = similarity_exponent(1)
    least = least_relevance(relevance(best, exponent=exponent))
    assert are_relevant([best, near], exponent=exponent, least=least) == [True, False]


@given(maybe, maybe)
def test_more_evidence_never_lowers_the_score(lexical: float | None, model_similarity: float | None) -> None:
    strength = None if lexical is None else 0.97 * lexical
    score = relevance(Evidence(lexical=strength, model_similarity=model_similarity))
    assert 0.0 <= score <= 1.0
    assert score >= (strength or 0.0) - 1e-9
    assert score >= LESS_THAN_PHRASE * CERTAINTY_OF_MEANING * (model_similarity or 0.0) ** 2 - 1e-9


@given(unit, unit)
def test_only_the_very_words_are_certain(strength: float, model_similarity: float) -> None:
    other = Evidence(relative_words=1.0, lexical=0.97 * strength, model_similarity=model_similarity)
    assert printed(relevance(other)) < "1.00"
    phrase = Evidence(relative_words=1.0, lexical=1.0, is_phrase_match=True, model_similarity=model_similarity)
    assert printed(relevance(phrase)) == "1.00"
    assert relevance(phrase) > relevance(other)


def test_of_texts_with_the_very_words_the_better_one_scores_higher() -> None:
    best, next_one = (
        Evidence(relative_words=bm25, lexical=1.0, is_phrase_match=True, model_similarity=0.2) for bm25 in (1.0, 0.6)
    )
    assert relevance(best) > relevance(next_one) > 0.95


def test_all_words_together_score_higher_than_the_same_words_scattered() -> None:
    together, scattered = (lexical_strength(share=1.0, is_phrase_match=False, proximity=c) for c in (1.0, 0.0))
    assert 1.0 > together > scattered == 0.9


def test_one_word_says_less_than_a_sentence() -> None:
    evidence = Evidence(model_similarity=0.7)
    scores = [relevance(evidence, exponent=similarity_exponent(words)) for words in (1, 2, 3, 12)]
    assert scores[0] < 0.2 < scores[1] < scores[2] == scores[3]
    assert not is_relevant(Evidence(model_similarity=0.5), exponent=similarity_exponent(1))
    assert relevance(Evidence(model_similarity=1.0), exponent=similarity_exponent(1)) >= 0.9


def test_words_tell_texts_apart_that_mean_the_same_to_the_model() -> None:
    with_words, without = Evidence(lexical=0.9, model_similarity=1.0), Evidence(lexical=0.2, model_similarity=1.0)
    assert relevance(with_words) > relevance(without)


def test_similarity_to_few_words_counts_less_under_the_multilingual_model() -> None:
    assert similarity_reach(1, second_share=1.0) == similarity_reach(2, second_share=1.0) > 1.0
    assert similarity_reach(3, second_share=1.0) == similarity_reach(1, second_share=0.0) == 1.0


def test_a_score_is_made_of_the_similarity_of_the_corpus_where_the_order_has_another() -> None:
    assert relevance(Evidence(model_similarity=0.5, corpus_similarity=0.9)) == relevance(Evidence(model_similarity=0.9))


scored = st.lists(st.tuples(unit, st.booleans()), max_size=40)


@given(scored)
def test_scores_never_rise_and_stay_scores(results: list[tuple[float, bool]]) -> None:
    shown = decreasing_scores([score for score, _ in results], [is_phrase for _, is_phrase in results])
    assert len(shown) == len(results)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(shown))
    assert all(0.0 <= score <= 1.0 for score in shown)
    first_other = next((place for place, (_, is_phrase) in enumerate(results) if not is_phrase), len(shown))
    assert all(printed(score) < "1.00" for score in shown[first_other:])


def test_scores_in_their_order_stay_as_they_are() -> None:
    scores = [0.9, 0.72, 0.7, 0.31, 0.02]
    assert decreasing_scores(scores, [False] * len(scores)) == pytest.approx(scores)


def test_neighbours_out_of_order_are_decreasing_scores_by_steps() -> None:
    shown = decreasing_scores([0.9, 0.4, 0.5, 0.6, 0.1], [False] * 5)
    assert [printed(score) for score in shown] == ["0.90", "0.51", "0.50", "0.49", "0.10"]


def test_steps_stay_within_the_room_between_others() -> None:
    shown = decreasing_scores([0.52, 0.5, 0.5, 0.5, 0.48], [False] * 5)
    assert all(later < earlier for earlier, later in pairwise(shown))
    assert (shown[0], shown[4]) == (pytest.approx(0.52), pytest.approx(0.48))


def test_equal_scores_are_decreasing_scores() -> None:
    """Ten files with all words in their names."""
    shown = decreasing_scores([0.9] * 10, [False] * 10)
    assert all(later < earlier for earlier, later in pairwise(shown))
    assert shown[9] >= 0.9
    assert printed(shown[0]) == "0.94"


def test_what_the_order_puts_first_is_not_left_out() -> None:
    """Across languages the right answer may be no nearer than chance, and first nevertheless."""
    first, second, weak = (
        Evidence(model_similarity=0.6, corpus_similarity=-0.1),
        Evidence(corpus_similarity=0.5),
        Evidence(corpus_similarity=-0.1),
    )
    least = least_relevance(relevance(second))
    assert are_relevant([first, second, weak], exponent=2.0, least=least) == [True, True, False]
    assert are_relevant([first, weak], exponent=2.0, least=least) == [False, False], "nothing answers"
    far = [weak] * 8
    assert are_relevant([*far, second], exponent=2.0, least=least) == [True] * 5 + [False] * 3 + [True]
