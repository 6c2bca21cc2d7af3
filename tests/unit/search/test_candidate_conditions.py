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
    assert conditions(dune=3, tide=1500, sea=4000) == [
        [["dune"]],
        [["tide"]],
        [["dune", "tide", "sea"]],
        [["tide", "sea"]],
    ]
