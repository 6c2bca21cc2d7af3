"""The conditions on words that bring chunks."""

from __future__ import annotations

from magicfs.domain.query import Lexeme, Term
from magicfs.search.retrievers import QuestionWords, candidate_conditions


def conditions(**frequencies: int) -> list[list[list[str]]]:
    """The conditions for words with the numbers of chunks that have them, the rarest first."""
    weights = {Term(word, (Lexeme(word),)): 1000.0 / (1 + number) for word, number in frequencies.items()}
    found = candidate_conditions(QuestionWords(weights, frequencies))
    return [[[term.word for term in group] for group in condition] for condition in found]


def test_a_chunk_with_several_rare_words_is_looked_up_once() -> None:
    assert conditions(dune=3, kelp=40, tide=200) == [[["dune"], ["kelp"], ["tide"]]]


def test_no_word_takes_the_places_of_chunks_with_another() -> None:
    assert conditions(dune=300, kelp=600, tide=900) == [[["dune"], ["kelp"]], [["tide"]]]


def test_words_that_no_chunk_has_are_not_looked_up() -> None:
    assert conditions(dune=0) == []
    assert conditions(dune=0, tide=7) == [[["tide"]]]


def test_common_words_bring_chunks_that_have_other_words_too() -> None:
    assert conditions(tide=1500, sea=4000, wave=9000) == [
        [["tide", "sea", "wave"]],
        [["tide", "sea"]],
        [["tide", "wave"]],
        [["tide"]],
        [["sea", "wave"]],
    ]


def test_what_a_rare_word_brings_is_not_looked_up_again() -> None:
    assert conditions(dune=3, tide=1500, sea=4000) == [[["dune"]], [["tide", "sea"]], [["tide"]]]
    assert conditions(dune=999, tide=1500, sea=4000) == [[["dune"]], [["tide", "sea"]], [["tide"]]]
    assert conditions(dune=1000, tide=1500) == [[["dune", "tide"]], [["dune"]]]


def test_a_common_word_alone_brings_chunks() -> None:
    assert conditions(sea=4000) == [[["sea"]]]
    assert conditions(dune=3, sea=4000) == [[["dune"]], [["sea"]]]
