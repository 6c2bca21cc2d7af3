"""The conditions by which files are found by their names."""

from __future__ import annotations

from magicfs.domain.query import Lexeme, Term
from magicfs.search.retrievers import QuestionWords, name_conditions


def conditions(**weights: float) -> list[list[str]]:
    terms = {Term(word, (Lexeme(word),)): weight for word, weight in weights.items()}
    return [
        [term.word for term in group] for [group] in name_conditions(QuestionWords(terms, dict.fromkeys(weights, 1)))
    ]


def test_each_condition_is_looked_up_once() -> None:
    assert conditions(invoice=5.0) == [["invoice"]]
    assert conditions(invoice=5.0, tax=2.0) == [["invoice", "tax"], ["invoice"], ["tax"]]


def test_what_weighs_most_comes_first() -> None:
    assert conditions(invoice=9.0, tax=2.0, year=1.0) == [
        ["invoice", "tax", "year"],
        ["invoice", "tax"],
        ["invoice", "year"],
        ["invoice"],
        ["tax", "year"],
        ["tax"],
        ["year"],
    ]
