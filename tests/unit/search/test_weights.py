"""What the words of a question weigh: rare ones more, and everyday ones less where an index is too small to tell."""

from __future__ import annotations

import pytest

from magicfs.db.search.search_facts import WordChunks
from magicfs.domain.query import Lexeme, Term
from magicfs.search.retrievers import weigh_words
from magicfs.text.everyday_words import everyday_words

GET, DEPOSIT = (Term(word, (Lexeme(word),)) for word in ("get", "deposit"))


def share_of_get(*, chunks: int, with_get: int, with_deposit: int) -> float:
    known = {"get": WordChunks(0.0, with_get), "deposit": WordChunks(0.0, with_deposit)}
    words = weigh_words((GET, DEPOSIT), known, chunks=chunks, everyday=everyday_words("en"))
    return words.share({"get"})


def test_an_everyday_word_says_little_in_a_small_index() -> None:
    assert share_of_get(chunks=10, with_get=1, with_deposit=1) < 0.35
    assert share_of_get(chunks=10, with_get=0, with_deposit=1) < 0.35


def test_a_large_index_knows_its_words_itself() -> None:
    assert share_of_get(chunks=10_000, with_get=5, with_deposit=5) == pytest.approx(0.43, abs=0.03)
    assert share_of_get(chunks=1_000_000, with_get=900, with_deposit=900) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("en", "back"),
        ("de", "bekomme"),
        ("de", "zuruck"),
        ("fr", "peut"),
        ("zh", "时候"),
        ("ja", "です"),
        ("ar", "متي"),
    ],
)
def test_everyday_words_are_in_the_form_of_words_of_questions(language: str, word: str) -> None:
    assert word in everyday_words(language)


def test_a_language_without_a_list_has_none() -> None:
    assert everyday_words("xx") == frozenset()
