"""Which words of a question are rare, and what share of it a text has by them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magicfs.domain.query import Lexeme, Term
from magicfs.search.fusion import ENOUGH_OF_RARE_WORDS, FEW_CHUNKS, Evidence, fused_score
from magicfs.search.rare_words import RareWords
from magicfs.search.retrievers import QuestionWords
from magicfs.text.analysis import question_terms


def question(*words: tuple[str, float, int]) -> QuestionWords:
    """The words with their weights and the numbers of chunks that have them."""
    return QuestionWords(
        {Term(word, (Lexeme(word),)): weight for word, weight, _ in words}, {word: count for word, _, count in words}
    )


def rare_words(text: str, rare: str) -> tuple[RareWords, QuestionWords]:
    """A question in which one word is rare, with the words that the search makes of it."""
    terms = question_terms(text, languages=["en"])
    words = QuestionWords(
        dict.fromkeys(terms, 1.0), {term.word: 1 if term.word == rare else 10 * FEW_CHUNKS for term in terms}
    )
    return RareWords.of(words, everyday=()), words


def test_a_rare_word_counts_by_its_weight() -> None:
    rare = RareWords.of(question(("zither", 6.0, 1), ("lessons", 4.0, 50)), everyday=())
    assert rare.share(frozenset({"zither"})) == pytest.approx(0.6)
    assert rare.share(frozenset({"zither", "lessons"})) == pytest.approx(0.6)
    assert rare.share(frozenset({"lessons"})) == 0.0


def test_of_two_rare_words_neither_names_something_by_itself() -> None:
    rare = RareWords.of(question(("bike", 6.0, 1), ("insured", 4.0, 4)), everyday=())
    assert rare.share(frozenset({"bike"})) == rare.share(frozenset({"insured"})) == 0.0
    assert rare.share(frozenset({"bike", "insured"})) == 1.0
    rare = RareWords.of(question(("zither", 8.0, 1), ("insured", 2.0, 4)), everyday=())
    assert rare.share(frozenset({"zither"})) == pytest.approx(0.8)


def test_a_text_with_one_of_two_phrases_lacks_no_rare_word_of_the_other() -> None:
    phrases = (frozenset({"gecko", "sleeps"}), frozenset({"hard", "rock"}))
    words = question(("skink", 4.0, 1), ("gecko", 4.0, 1), ("sleeps", 4.0, 2), ("hard", 2.0, 50), ("rock", 4.0, 1))
    rare = RareWords.of(replace(words, any_of=(phrases,)), everyday=())
    assert rare.share(frozenset({"skink", "hard", "rock"})) == 1.0
    assert rare.share(frozenset({"skink", "rock"})) == 0.0


@pytest.mark.parametrize(
    ("text", "rare", "stands_for"),
    [
        ("HEAD~3", "head~3", {"head", "3", "head~3"}),
        ("which port does transport.py open", "transport.py", {"transport", "py", "transport.py"}),
        ("port++ transport++.b", "transport++", {"transport", "transport++"}),
        ("a ./c++-dev", "./c++-dev", {"c", "dev", "c++", "-dev", "./c", "c++-dev", "./c++-dev"}),
        ("port a.b in a.b.c", "a.b.c", {"a", "b", "c", "a.b", "a.b.c"}),
        ("port fooBar.py", "foobar.py", {"foo", "bar", "foobar", "py", "foobar.py"}),
        ("port transportHub", "transporthub", {"transport", "hub", "transporthub"}),
        ("transport.port*", "transport.port*", {"transport", "port*", "transport.port*"}),
    ],
)
def test_a_compound_that_few_have_stands_for_its_words(text: str, rare: str, stands_for: set[str]) -> None:
    rare_ones, words = rare_words(text, rare)
    assert rare_ones.share(frozenset({rare})) == words.share(stands_for)
    assert rare_ones.share(frozenset(words.frequencies) - {rare}) == 0.0
    assert stands_for <= words.frequencies.keys()


@pytest.mark.parametrize(("text", "names"), [("os.path", "os.path"), ("c++", "c++"), ("e-mail", None), ("mail", None)])
def test_a_compound_that_is_the_question_is_what_it_names(text: str, names: str | None) -> None:
    rare_ones, words = rare_words(text, "none")
    assert rare_ones.meant == ({names: frozenset(words.frequencies)} if names else {})


def test_an_everyday_word_is_not_rare_in_a_small_index() -> None:
    rare = RareWords.of(question(("get", 1.0, 1), ("deposit", 4.0, 0)), everyday=("get",))
    assert rare.share(frozenset({"get"})) == 0.0


def test_a_question_without_words_has_no_rare_ones() -> None:
    assert RareWords.of(question(), everyday=()).share(frozenset()) == 0.0


def test_what_a_question_names_comes_before_what_is_near() -> None:
    named = Evidence(relative_words=0.6, lexical=0.3, model_similarity=0.0, rare_share=ENOUGH_OF_RARE_WORDS)
    near = Evidence(relative_words=0.4, lexical=0.2, model_similarity=1.3)
    assert fused_score(named) > fused_score(near)
    assert fused_score(named, meaning=1.75) > fused_score(near, meaning=1.75)
    stray = Evidence(relative_words=0.6, lexical=0.3, model_similarity=0.0, rare_share=0.4)
    assert fused_score(stray) < fused_score(near)


def test_a_word_that_only_names_have_is_rare_where_few_have_it() -> None:
    words = question(("acme", 6.0, 0), ("invoice", 4.0, 50))
    for files, share in ((0, 0.0), (1, 0.6), (FEW_CHUNKS - 1, 0.6), (FEW_CHUNKS, 0.0)):
        rare = RareWords.of(words, everyday=(), in_names={"acme": files, "invoice": 1})
        assert rare.share(frozenset({"acme", "invoice"})) == pytest.approx(share), files


def test_a_question_that_is_named_by_its_order_has_all_its_weight_where_a_text_has_the_phrase() -> None:
    words = question(("let", 1.0, 50), ("be", 0.5, 80))
    rare = RareWords.of(words, everyday=("let", "be"), is_named_by_order=True)
    assert rare.share(frozenset({"let", "be"}), has_phrase=True) == 1.0
    assert rare.share(frozenset({"let", "be"})) == 0.0
    assert RareWords.of(words, everyday=("let", "be")).share(frozenset({"let", "be"}), has_phrase=True) == 0.0
