"""Chunks that many different texts share, such as the head of a licence or the small print of letters."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import Corpus
from tests.integration.search.plans import recorded_plans

LICENCE = ("the licence of the widget rotor", "no warranty of the rotor", "copies of the licence")
MODULES = 400
FIRST_RESULTS = 20


def add_modules(corpus: Corpus) -> None:
    for number in range(MODULES):
        corpus.add(b"part%d/module%03d.txt" % (number % 10, number), *LICENCE, f"number {number} says nothing")


def paths(service: SearchService, text: str) -> list[bytes]:
    return [hit.path for hit in service.search(text, limit=FIRST_RESULTS, deadline_s=60).hits]


@pytest.mark.parametrize("query", ["licence", "rotor warranty", "licence in:part3", "licence -weather"])
def test_what_many_texts_share_takes_no_longer_for_each_of_them(
    corpus: Corpus, service: SearchService, query: str
) -> None:
    """Of 20,000 texts, every search for their licence took longer than a minute: each was compared with each."""
    add_modules(corpus)
    with recorded_plans(analysed=True) as plans:
        assert len(paths(service, query)) == FIRST_RESULTS
    assert max(plan.most_rows for plan in plans) < 10 * MODULES


def test_a_text_that_has_more_than_what_many_share_is_first(corpus: Corpus, service: SearchService) -> None:
    add_modules(corpus)
    corpus.add(b"storm.txt", *LICENCE, "the weather of a storm at sea")
    corpus.add(b"calm.txt", "the weather of a calm sea")
    assert paths(service, "weather licence")[0] == b"storm.txt"


def test_filters_find_any_of_the_texts_that_share_a_chunk(corpus: Corpus, service: SearchService) -> None:
    add_modules(corpus)
    assert paths(service, "licence name:module399") == [b"part9/module399.txt"]
    assert paths(service, "warranty -nothing") == []


def test_texts_whose_files_are_gone_hide_none_that_share_a_chunk(
    database: Database, corpus: Corpus, service: SearchService
) -> None:
    add_modules(corpus)
    with database.transaction() as connection:
        connection.execute("DELETE FROM files WHERE path <> 'part9/module399.txt'")
    assert paths(service, "licence") == [b"part9/module399.txt"]


def test_texts_that_have_a_chunk_very_often_do_not_hide_others(corpus: Corpus, service: SearchService) -> None:
    for number in range(3):
        corpus.add(b"readings%d.csv" % number, *["the gauge is broken"] * 3000, f"day {number}")
    assert sorted(paths(service, "gauge")) == [b"readings0.csv", b"readings1.csv", b"readings2.csv"]
