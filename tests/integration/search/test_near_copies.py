"""Drafts of a document leave room for what else answers, in results and in passages, and doctor says why."""

from __future__ import annotations

import pytest

from magicfs.search.service import SearchService
from tests.integration.search.corpus import Corpus

HOUR = 3600
NOON = 1_700_000_000
DRAFTS = 6
DRAFT = (
    "The proposal for the Zephyr project, draft {0}: the warehouse software of three sites is replaced until autumn. "
    "Stock is counted by radio tags, so that nobody walks with a list at the end of the month, as {1} said."
)
MINUTES = (
    "Minutes of the meeting about the Zephyr proposal: Jonas asks two vendors for prices until Friday, Marta books the "
    "hall in Augsburg for the pilot, and all others look for what is counted twice, which takes until Christmas."
)
WEAKER = "Whoever writes a proposal needs a budget, a plan and much patience with those who read it."
NAMES = ("Anna", "Bernd", "Clara", "David", "Emil", "Frida")


@pytest.fixture
def service_of_drafts(corpus: Corpus, service: SearchService) -> SearchService:
    for number, name in enumerate(NAMES):
        corpus.add(b"draft%d.txt" % number, DRAFT.format(number, name), mtime=NOON + number * HOUR)
    corpus.add(b"minutes.txt", MINUTES, mtime=NOON)
    corpus.add(b"weaker.txt", WEAKER, mtime=NOON)
    return service


def names(service: SearchService, query: str) -> list[str]:
    return [hit.name.decode() for hit in service.search(query, deadline_s=60).hits]


def test_the_latest_draft_stands_for_the_others_which_come_later(service_of_drafts: SearchService) -> None:
    hits = service_of_drafts.search("zephyr proposal", deadline_s=60).hits
    shown = [hit.name.decode() for hit in hits]
    drafts = [name for name in shown if name.startswith("draft")]
    assert drafts == [f"draft{number}.txt" for number in reversed(range(DRAFTS))]
    assert "minutes.txt" in shown[:2]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > 0.9, "a draft that comes later does not change the scores before it"


def test_the_first_results_are_the_same_however_few_are_wanted(service_of_drafts: SearchService) -> None:
    shown = names(service_of_drafts, "zephyr proposal")
    for limit in range(1, len(shown)):
        assert names(service_of_drafts, f"zephyr proposal limit:{limit}") == shown[:limit]


def test_passages_come_in_the_same_order(service_of_drafts: SearchService) -> None:
    passages = service_of_drafts.passages("zephyr proposal", deadline_s=60).hits
    assert [hit.name.decode() for hit in passages] == names(service_of_drafts, "zephyr proposal")


def test_a_draft_that_is_asked_for_is_first(service_of_drafts: SearchService) -> None:
    assert names(service_of_drafts, "zephyr proposal Clara")[0] == "draft2.txt"
    assert names(service_of_drafts, "draft1.txt")[0] == "draft1.txt"


def test_each_copy_is_a_result_as_any_other(service_of_drafts: SearchService) -> None:
    first = names(service_of_drafts, "copies:all zephyr proposal software")[:DRAFTS]
    assert all(name.startswith("draft") for name in first)


def test_doctor_names_the_draft_that_stands_for_another(service_of_drafts: SearchService) -> None:
    hits = service_of_drafts.search("zephyr proposal", deadline_s=60).hits
    [draft] = [hit for hit in hits if hit.name == b"draft0.txt"]
    standing = service_of_drafts.explain("zephyr proposal", file=draft.file_id, deadline_s=60)
    assert standing.rank == draft.rank
    assert "it is a near copy of /data/draft5.txt, which stands for both" in standing.before
