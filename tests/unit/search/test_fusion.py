"""The rules of the order of results."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.query import Lexeme, Term
from magicfs.search.fusion import (
    Evidence,
    FusionScale,
    answered,
    code_weight,
    fused_score,
    meaning_weight,
    of_file,
    weight_of_share,
    words_unit,
)
from magicfs.search.retrievers import QuestionWords


def test_words_and_meaning_together_rank_before_one_alone() -> None:
    both = Evidence(relative_words=0.8, lexical=0.5, model_similarity=0.8)
    words = Evidence(relative_words=1.0, lexical=0.5, model_similarity=0.0)
    meaning = Evidence(model_similarity=0.9)
    assert fused_score(both) > fused_score(words) > fused_score(meaning)


def test_a_text_without_a_vector_ranks_no_lower_for_it() -> None:
    fresh = Evidence(relative_words=1.0, lexical=0.9)
    assert fused_score(fresh) > fused_score(Evidence(relative_words=0.9, lexical=0.8, model_similarity=0.7))


def test_a_phrase_ranks_before_its_words_apart() -> None:
    phrase = Evidence(relative_words=0.9, lexical=1.0, is_phrase_match=True)
    assert fused_score(phrase) > fused_score(Evidence(relative_words=1.0, lexical=0.9))


@given(st.permutations(["a", "b", "c", "d", "e", "f"]))
def test_the_share_of_words_does_not_depend_on_their_order(order: list[str]) -> None:
    weights = {"a": 0.1, "b": 0.7, "c": 3.3, "d": 1e-9, "e": 5.1, "f": 0.3}
    words = QuestionWords({Term(word, (Lexeme(word),)): weight for word, weight in weights.items()}, {})
    assert words.share(order) == 1.0
    assert words.share(order[:3]) == words.share(sorted(order[:3]))


def test_a_text_has_all_words_without_their_compounds() -> None:
    compound = Term("node.js", (Lexeme("node.js"),), parts=frozenset({"node", "js"}))
    words = QuestionWords({compound: 2.0, Term("node", (Lexeme("node"),)): 5.0, Term("js", (Lexeme("js"),)): 4.0}, {})
    assert words.are_all({"node", "js"})
    assert not words.are_all({"node", "node.js"})
    assert QuestionWords({compound: 2.0}, {}).are_all({"node.js"}), "there is nothing else"


def test_a_text_with_one_of_two_phrases_has_all_that_is_asked_for() -> None:
    weights = {Term(word, (Lexeme(word),)): 1.0 for word in ("tape", "drive", "hard", "disk", "price")}
    phrases = (frozenset({"tape", "drive"}), frozenset({"hard", "disk"}))
    words = QuestionWords(weights, {}, any_of=(phrases,))
    assert words.are_all({"hard", "disk", "price"})
    assert words.share({"hard", "disk", "price"}) == 1.0
    assert words.share({"tape", "disk", "price"}) == 0.6
    assert words.share({"tape", "drive"}) == 0.8


def test_a_name_with_the_words_ranks_before_a_text_with_them() -> None:
    assert fused_score(Evidence(relative_words=0.2, lexical=0.9, name_share=1.0)) > fused_score(
        Evidence(relative_words=1.0, lexical=0.9)
    )


def test_a_text_with_all_words_comes_before_one_that_repeats_some_of_them() -> None:
    """BM25 counts repetitions, and more in a short text, so one of two words can reach as much as both."""
    scale = FusionScale(best_bm25=8.0, weight_of_share=weight_of_share(2, has_all=True))
    repeating = scale.strength_of_words(8.0, share=0.5)
    complete = scale.strength_of_words(6.0, share=1.0)
    assert complete > repeating
    assert complete > scale.strength_of_words(5.0, share=1.0), "BM25 decides among texts with the same words"
    assert scale.strength_of_words(8.0, share=1.0) == 8.0
    assert replace(scale, weight_of_share=0.0).strength_of_words(6.0, share=0.5) == 6.0
    assert weight_of_share(4, has_all=True) == weight_of_share(2, has_all=False) == 0.0, "BM25 says enough"
    assert weight_of_share(1, has_all=True) == 0.0, "each text that has one word has all"


def test_words_that_a_text_has_by_chance_count_less() -> None:
    assert words_unit(8.0, share=0.9) == words_unit(8.0, share=0.2) == 8.0
    assert words_unit(8.0, share=0.05) == pytest.approx(32.0), "a number in a text of another language"
    assert words_unit(8.0, share=0.4, name_share=0.8) == pytest.approx(16.0), "a name has more"
    assert words_unit(0.0, share=0.0) == 1.0, "no text has a word"


def test_a_stray_word_says_little_where_few_texts_are() -> None:
    assert words_unit(8.0, share=0.4, chunks=10) > 16.0
    assert words_unit(8.0, share=1.0, chunks=10) == 8.0, "all words are enough anywhere"
    assert words_unit(8.0, share=0.4, chunks=10_000) == words_unit(8.0, share=0.4) == 8.0


def test_meaning_counts_more_where_a_multilingual_model_has_read() -> None:
    words, meaning = Evidence(relative_words=1.0, model_similarity=0.0), Evidence(model_similarity=0.8)
    assert fused_score(words, meaning=meaning_weight(4, second_share=0.0)) > fused_score(
        meaning, meaning=meaning_weight(4, second_share=0.0)
    )
    assert fused_score(words, meaning=meaning_weight(4, second_share=1.0)) < fused_score(
        meaning, meaning=meaning_weight(4, second_share=1.0)
    )


def test_meaning_counts_as_under_the_active_model_while_few_texts_have_second_vectors() -> None:
    weights = [meaning_weight(4, second_share=share) for share in (0.0, 0.02, 0.5, 1.0)]
    assert weights == sorted(set(weights))
    assert weights[1] < 1.05


def test_what_counts_for_the_score_does_not_move_the_order() -> None:
    translation = Evidence(model_similarity=0.5, corpus_similarity=0.9)
    assert fused_score(translation) == fused_score(Evidence(model_similarity=0.5))


def test_the_very_words_come_before_what_is_near_to_every_word() -> None:
    """The multilingual model puts very short texts near to any single word."""
    exact, near = Evidence(relative_words=1.0, lexical=0.9, model_similarity=0.2), Evidence(model_similarity=1.3)
    for words in (1, 2):
        weight = meaning_weight(words, second_share=1.0)
        assert fused_score(exact, meaning=weight) > fused_score(near, meaning=weight)
    less_near = near._replace(model_similarity=1.1)
    assert fused_score(exact, meaning=meaning_weight(3, second_share=1.0)) > fused_score(
        less_near, meaning=meaning_weight(3, second_share=1.0)
    )
    sentence = meaning_weight(6, second_share=1.0)
    assert fused_score(exact, meaning=sentence) < fused_score(near, meaning=sentence)


def test_meaning_counts_more_if_no_text_has_all_of_a_few_words() -> None:
    weights = [meaning_weight(words, second_share=1.0) for words in (1, 2, 3, 4, 5)]
    assert weights == sorted(weights)
    assert weights[-2] == weights[-1]
    assert [meaning_weight(words, second_share=1.0, has_all=False) for words in (1, 2, 3, 4)] == weights[1:]
    assert meaning_weight(2, second_share=0.0) == meaning_weight(2, second_share=0.0, has_all=False)


def test_meaning_counts_more_about_code_unless_words_are_sure() -> None:
    def weight(code_share: float, *, words: int = 5, rare_share: float = 0.0) -> float:
        return code_weight(1.0, code_share=code_share, words=words, rare_share=rare_share)

    assert [weight(share) for share in (0.0, 0.5, 1.0)] == [1.0, 1.25, 1.5]
    assert [weight(1.0, rare_share=share) for share in (0.0, 0.5, 1.0)] == [1.5, 1.25, 1.0]
    assert weight(1.0, words=2) == 1.0


def test_of_code_it_counts_more_how_many_words_it_has_than_how_often() -> None:
    prose = FusionScale(best_bm25=8.0)
    code = prose.words_of_kind(code_share=1.0, words=5)
    assert prose.strength_of_words(8.0, share=0.4) > prose.strength_of_words(6.0, share=0.8)
    assert code.strength_of_words(8.0, share=0.4) < code.strength_of_words(6.0, share=0.8)
    assert prose.words_of_kind(code_share=0.0, words=5) == prose.words_of_kind(code_share=1.0, words=2) == prose


def test_what_the_question_names_comes_before_what_is_near() -> None:
    """Each of these comes before all that follow, however near those are and whatever common words they have."""
    near = Evidence(relative_words=0.5, lexical=0.4, model_similarity=1.0)
    ranked = [
        Evidence(is_whole_name=True),
        Evidence(is_in_another_format=True),
        Evidence(rare_share=0.55),
        near,
        Evidence(rare_share=0.54, name_share=0.5),
    ]
    values = [fused_score(evidence) for evidence in ranked]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)
    assert fused_score(Evidence(relative_words=0.5, has_all_words=True)) > fused_score(near)


def test_a_question_is_answered_the_more_surely_the_better_the_best_text_answers() -> None:
    assert [answered(relevance) for relevance in (0.0, 0.2, 0.35, 0.5, 1.0)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_half_of_the_words_in_a_name_are_far_less_than_half_of_a_match() -> None:
    whole, half = (fused_score(Evidence(name_share=share)) for share in (1.0, 0.5))
    assert 0 < half <= whole / 4


def test_the_nearest_chunks_of_a_file_count_wherever_they_are_found() -> None:
    best = Evidence(model_similarity=0.9)
    chunks = [Evidence(model_similarity=similarity) for similarity in (0.1, 0.2, 0.0, 0.9, 0.8, 0.7)]
    assert of_file(best, chunks) == of_file(best, sorted(chunks, key=lambda chunk: -(chunk.model_similarity or 0)))


def test_a_file_is_as_near_as_its_nearest_chunks() -> None:
    near, far = Evidence(model_similarity=0.9, lexical=0.5, is_phrase_match=True), Evidence(model_similarity=0.1)
    several, single = of_file(near, [near, Evidence(model_similarity=0.8), far]), of_file(near, [near, far, far])
    assert 0.9 > (several.model_similarity or 0.0) > (single.model_similarity or 0.0) > 0.6
    assert (several.lexical, several.is_phrase_match) == (0.5, True)
    assert of_file(near, [near]).model_similarity == pytest.approx(0.9), "of a short file nothing else is asked"
    assert of_file(near, [near] * 3 + [far] * 50).model_similarity == pytest.approx(0.9), "nor of a long one"
    words = Evidence(relative_words=1.0, lexical=0.9)
    assert of_file(words, [words, near]) == words
