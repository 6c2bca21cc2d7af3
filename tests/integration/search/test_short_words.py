"""Compounds of words that are in every text, such as `AT&T` and `to-do`, are words of a question."""

from __future__ import annotations

import pytest

from magicfs.search.service import SearchService
from tests.integration.search.corpus import Corpus


@pytest.fixture(autouse=True)
def files(corpus: Corpus) -> None:
    corpus.add(b"phones.txt", "the bill of AT&T has come at last")
    corpus.add(b"power.txt", "the bill of the power station; it is the bill of May, a bill to pay")
    corpus.add(b"notes on C++.txt", "pointers, and how memory is freed")
    corpus.add(b"dogs.txt", "pointers and other dogs, pointers that hunt")
    corpus.add(b"tasks.txt", "a todo list: paint the fence")
    corpus.add(b"printer.txt", "how to install the printer of the office")
    corpus.add(b"weather.txt", "a how-to about the weather")
    corpus.add(b"shopping.txt", "a list of what to buy, a list to take along, the list")
    for number in range(20):
        corpus.add(b"other%d.txt" % number, f"at the gate, what to do about something else, part {number}")


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("AT&T bill", "phones.txt", "power.txt"),
        ("C++ pointers", "notes on C++.txt", "dogs.txt"),
    ],
)
def test_a_compound_of_short_words_is_looked_for(
    service: SearchService, question: str, first: str, second: str
) -> None:
    hits = {hit.path.decode(): hit.lexical or 0.0 for hit in service.search(question, deadline_s=60).hits}
    assert next(iter(hits)) == first
    assert hits[first] >= 0.9
    assert hits[second] < 0.5


def test_short_words_with_other_signs_are_left_out(service: SearchService) -> None:
    hits = {hit.path.decode(): hit.lexical for hit in service.search("it's a bill", deadline_s=60).hits}
    assert hits["power.txt"] == hits["phones.txt"] == pytest.approx(0.9, abs=0.05)


def test_short_words_with_a_hyphen_may_stand_apart(service: SearchService) -> None:
    hits = {
        hit.path.decode(): hit.lexical or 0.0 for hit in service.search("how-to install printer", deadline_s=60).hits
    }
    assert next(iter(hits)) == "printer.txt"
    assert hits["printer.txt"] >= 0.7


def test_a_hyphen_that_no_text_has_says_nothing(service: SearchService) -> None:
    hits = {
        hit.path.decode(): hit.lexical or 0.0 for hit in service.search("do-it-yourself pointers", deadline_s=60).hits
    }
    assert hits["dogs.txt"] >= 0.9


def test_a_compound_with_a_hyphen_is_found_in_one_piece(service: SearchService) -> None:
    assert service.search("to-do list", deadline_s=60).hits[0].path == b"tasks.txt"
