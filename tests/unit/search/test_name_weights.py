"""What the words of a question weigh in the names of files."""

from __future__ import annotations

import pytest

from magicfs.db.search.search_facts import WordChunks
from magicfs.domain.query import Term
from magicfs.search.name_weights import NameWeights
from magicfs.search.retrievers import MAX_NAME_CANDIDATES, QuestionWords, weigh_words

IMG, BEES = Term("img", ()), Term("bees", ())


def question(*, chunks: int = 1000) -> QuestionWords:
    """`img` is in no text, `bees` in three."""
    return weigh_words((IMG, BEES), {"img": WordChunks(0.0, 0), "bees": WordChunks(0.0, 3)}, chunks=chunks)


def of(*words: str) -> frozenset[str]:
    return frozenset(words)


def test_a_word_of_few_names_weighs_as_in_texts() -> None:
    words = question()
    assert NameWeights.of(words, {"bees": 1}).weight(of("bees")) == pytest.approx(words.weight(of("bees")))


def test_a_word_of_more_names_than_texts_weighs_less() -> None:
    words = question()
    assert words.share(of("img")) > words.share(of("bees"))
    names = NameWeights.of(words, {"img": 9, "bees": 1})
    assert names.share(of("img")) < names.share(of("bees"))
    assert names.share(of("img", "bees")) == 1.0
    assert names.weight(of("other")) == names.share(of("other")) == 0.0


def test_names_that_are_too_many_to_be_looked_up_may_be_all() -> None:
    looked_up, fewer = (
        NameWeights.of(question(chunks=1_000_000), {"img": count})
        for count in (MAX_NAME_CANDIDATES, MAX_NAME_CANDIDATES - 1)
    )
    assert looked_up.weight(of("img")) < 0.2 * fewer.weight(of("img"))


def test_compounds_count_in_a_share_alone() -> None:
    parts = of("new", "york")
    terms = (Term("new", ()), Term("york", ()), Term("new-york", (), parts=parts))
    words = weigh_words(terms, {term.word: WordChunks(0.0, 1) for term in terms}, chunks=1000)
    names = NameWeights.of(words, {})
    assert names.weight(of("new-york")) == 0.0
    assert 0.0 < names.share(of("new-york")) < 1.0
    assert names.share(of("new", "york", "new-york")) == 1.0
