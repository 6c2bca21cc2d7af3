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


class TestTextsOfALicence:
    """The searches of an index in which nothing changes."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def modules(cls, class_corpus: Corpus) -> None:
        add_modules(class_corpus)

    @pytest.mark.parametrize("query", ["licence", "rotor warranty", "licence in:part3", "licence -weather"])
    def test_what_many_texts_share_takes_no_longer_for_each_of_them(
        self, class_service: SearchService, query: str
    ) -> None:
        """Of 20,000 texts, every search for their licence took longer than a minute: each was compared with each."""
        with recorded_plans(analysed=True) as plans:
            assert len(paths(class_service, query)) == FIRST_RESULTS
        assert max(plan.most_rows for plan in plans) < 10 * MODULES

    def test_filters_find_any_of_the_texts_that_share_a_chunk(self, class_service: SearchService) -> None:
        assert paths(class_service, "licence name:module399") == [b"part9/module399.txt"]
        assert paths(class_service, "warranty -nothing") == []


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


def test_versions_of_a_document_leave_room_for_others_and_the_latest_are_shown(
    corpus: Corpus, service: SearchService
) -> None:
    """Of sixty documents in sixty versions each, all results were versions of one, and took two seconds."""
    for version in range(30):
        for document in range(30):
            name = b"%02d/document%02d.txt" % (version, document)
            texts = [f"part {part} of the {document}th soup" for part in range(4)]
            corpus.add(name, *texts, f"version {version}", mtime=1_700_000_000 + version)
    with recorded_plans(analysed=True) as plans:
        found = paths(service, "soup")
    assert len({path.rpartition(b"/")[2] for path in found}) >= 4
    assert found[0].startswith(b"29/")
    assert max(plan.most_rows for plan in plans) < 20_000
