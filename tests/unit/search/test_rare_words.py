"""Which words of a question are rare, and what share of it a text has by them."""

from __future__ import annotations

import pytest

from magicfs.domain.query import Lexeme, Term
from magicfs.search.fusion import ENOUGH_OF_RARE_WORDS, Evidence, fused_score
from magicfs.search.rare_words import RareWords
from magicfs.search.retrievers import QuestionWords


def question(*words: tuple[str, float, int], compound: str = "") -> QuestionWords:
    """The words with their weights and the numbers of chunks that have them."""
    return QuestionWords(
        {Term(word, (Lexeme(word),), is_whole=word == compound): weight for word, weight, _ in words},
        {word: count for word, _, count in words},
    )


def test_a_rare_word_counts_by_its_weight() -> None:
    rare = RareWords.of(question(("zither", 6.0, 1), ("lessons", 4.0, 50)), everyday=())
    assert rare.share(frozenset({"zither"})) == pytest.approx(0.6)
    assert rare.share(frozenset({"zither", "lessons"})) == pytest.approx(0.6)
    assert rare.share(frozenset({"lessons"})) == 0.0


def test_a_compound_that_few_have_stands_for_its_words() -> None:
    words = question(("head", 2.0, 90), ("3", 2.0, 80), ("head~3", 1.0, 1), compound="head~3")
    rare = RareWords.of(words, everyday=())
    assert rare.share(frozenset({"head", "3", "head~3"})) == 1.0
    assert rare.share(frozenset({"head", "3"})) == 0.0


def test_an_everyday_word_is_not_rare_in_a_small_index() -> None:
    rare = RareWords.of(question(("get", 1.0, 1), ("deposit", 4.0, 0)), everyday=("get",))
    assert rare.share(frozenset({"get"})) == 0.0


def test_a_question_without_words_has_no_rare_ones() -> None:
    assert RareWords.of(question(), everyday=()).share(frozenset()) == 0.0


def test_what_a_question_names_comes_before_what_is_near() -> None:
    named = Evidence(relative_bm25=0.6, lexical=0.3, nearness=0.0, rare_share=ENOUGH_OF_RARE_WORDS)
    near = Evidence(relative_bm25=0.4, lexical=0.2, nearness=1.3)
    assert fused_score(named) > fused_score(near)
    assert fused_score(named, meaning=1.75) > fused_score(near, meaning=1.75)
    stray = Evidence(relative_bm25=0.6, lexical=0.3, nearness=0.0, rare_share=0.4)
    assert fused_score(stray) < fused_score(near)
