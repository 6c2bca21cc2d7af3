"""A snippet is cut when somebody reads it: a listing of results shows none."""

from __future__ import annotations

import pytest

from magicfs.search.render import result_json
from magicfs.search.service import SearchService
from magicfs.search.snippets import SnippetCutter
from tests.integration.search.corpus import Corpus

FILES = 12


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of which snippets were cut."""
    texts: list[str] = []
    snippet = SnippetCutter.snippet

    def counted(cutter: SnippetCutter, text: str) -> object:
        texts.append(text)
        return snippet(cutter, text)

    monkeypatch.setattr(SnippetCutter, "snippet", counted)
    return texts


@pytest.fixture(autouse=True)
def files(corpus: Corpus) -> None:
    for number in range(FILES):
        corpus.add(b"%d.txt" % number, f"the invoice of the month {number}, paid in time")


@pytest.mark.parametrize("query", ["paid invoice", "invoice", "ext:txt"])
def test_a_search_cuts_no_snippet(service: SearchService, cut: list[str], query: str) -> None:
    result = service.search(query, deadline_s=30)
    assert len(result.hits) == FILES
    assert cut == []
    assert "invoice" in result.hits[3].snippet
    assert len(cut) == 1
    shown = result_json(result)["results"]
    assert [one["snippet"] for one in shown] == [hit.snippet for hit in result.hits]
    assert len(cut) == FILES, "each is cut once"


def test_passages_cut_none_either(service: SearchService, cut: list[str]) -> None:
    result = service.passages("paid invoice", deadline_s=30)
    assert all(hit.text for hit in result.hits)
    assert cut == []
    first = result.hits[0]
    assert [first.snippet[start:end] for start, end in first.matched] == ["invoice", "paid"]
