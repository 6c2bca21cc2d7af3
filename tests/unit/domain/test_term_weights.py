"""Term weights: what is stored with a chunk, and what a question is multiplied with."""

from __future__ import annotations

import pytest

from magicfs.domain.query import Lexeme, Term
from magicfs.domain.term_weights import K1, REFERENCE_WORDS, B, question_weights, term_weights


def values(sparse: str) -> dict[int, float]:
    body = sparse.removeprefix("{").partition("}")[0]
    return {int(slot): float(value) for slot, value in (entry.split(":") for entry in body.split(",") if entry)}


def bm25(words: str, terms: dict[Term, float]) -> float:
    chunk, question = values(term_weights(words)), values(question_weights(terms))
    return sum(weight * chunk.get(slot, 0.0) for slot, weight in question.items())


def word(text: str) -> Term:
    return Term(text, (Lexeme(text),))


def expected(count: int, *, length: int) -> float:
    return count * (K1 + 1) / (count + K1 * (1 - B + B * length / REFERENCE_WORDS))


def test_the_inner_product_is_bm25() -> None:
    words = "'tax':1,4 'invoice':2 'paid':3"
    assert bm25(words, {word("tax"): 2.0}) == pytest.approx(2 * expected(2, length=4), rel=1e-3)
    both = {word("tax"): 2.0, word("invoice"): 0.5, word("absent"): 9.0}
    assert bm25(words, both) == pytest.approx(2 * expected(2, length=4) + 0.5 * expected(1, length=4), rel=1e-3)


def test_more_words_make_a_chunk_longer_and_stems_do_not() -> None:
    assert bm25("'tax':1 'year':2", {word("tax"): 1.0}) < bm25("'tax':1", {word("tax"): 1.0})
    assert bm25("'taxes':1 '^tax':1", {word("taxes"): 1.0}) == bm25("'taxes':1", {word("taxes"): 1.0})


def test_occurrences_of_a_stem_and_of_the_same_word_are_one_count() -> None:
    any_form = Term("taxes", (Lexeme("taxes", 0.05), Lexeme("^tax"), Lexeme("tax", is_exact=False)))
    found = bm25("'tax':1,2 'taxes':3 '^tax':3", {any_form: 1.0})
    assert found == pytest.approx(expected(3, length=3) + 0.05 * expected(1, length=3), rel=1e-3)


def test_signs_and_spaces_in_lexemes_change_nothing() -> None:
    for lexeme in ("it's", "a:b", "a\\b", "صلى الله", "c++"):
        quoted = lexeme.replace("\\", "\\\\").replace("'", "''")
        assert bm25(f"'tax':1 '{quoted}':2,3", {word(lexeme): 1.0}) == pytest.approx(expected(2, length=3), rel=1e-3)


def test_the_beginning_of_words_has_no_weight() -> None:
    assert values(question_weights({Term("tax*", (Lexeme("tax", is_prefix=True),)): 1.0})) == {}


def test_a_chunk_without_words_has_no_weights() -> None:
    assert values(term_weights("")) == {}


def test_a_stem_in_reverse_stands_for_another_lexeme_and_weighs_nothing() -> None:
    words = "'regenjacke':1 '^regenjack':1"
    assert term_weights(f"{words} '^<kcajneger':1") == term_weights(words)
