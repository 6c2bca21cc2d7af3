"""Filters behind a minus: they leave out the files that they would keep, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit
from tests.plugins.servers import Servers

EVERYTHING = {"a.py", "b.txt", "c.md", "d.pdf", "film.mkv", "new.pdf", "shown.txt"}
NAMED_ALONE = {"film.mkv", "new.pdf"}
"""They have no text, and no word of the queries in their names."""


@pytest.fixture(scope="module")
def service(servers: Servers) -> Iterator[SearchService]:
    """A search that the tests share: they only search."""
    with servers.new_database() as url, Database(url, application="test", size=4) as database:
        fill(Corpus(database), Corpus(database, host="laptop", root="notes", path=b"/notes"))
        yield SearchService(database, ChosenVectors({"hello": unit(1, 0, 0)}), host="box", default_limit=50)


def fill(corpus: Corpus, other: Corpus) -> None:
    near = [unit(1, 0.1, 0)]
    corpus.add(b"src/a.py", "print hello one", vectors=near, language="en", mtime=1_600_000_000)
    corpus.add(b"docs/b.txt", "print hello two", vectors=near, language="de", size=2000)
    corpus.add(b"docs/old/c.md", "greetings of another kind", vectors=near)
    pdf = corpus.content("print hello four", vectors=near, mime_type="application/pdf", language="de")
    corpus.file(b"d.pdf", pdf)
    corpus.file(b"film.mkv", corpus.content_without_text("no-text", mime_type="video/matroska"))
    corpus.file(b"new.pdf", None, state="pending")
    copied = corpus.content("hello from two places", vectors=near)
    corpus.file(b"archive/shown.txt", copied, mtime=1_700_000_009)
    other.file(b"shown.txt", copied)


def names(service: SearchService, text: str) -> list[str]:
    return [hit.name.decode() for hit in service.search(text, deadline_s=60).hits]


@pytest.mark.parametrize(
    ("filters", "left_out"),
    [
        ("-ext:pdf", {"d.pdf", "new.pdf"}),
        ("-ext:.PDF", {"d.pdf", "new.pdf"}),
        ('-ext:"pdf"', {"d.pdf", "new.pdf"}),
        ("NOT ext:pdf", {"d.pdf", "new.pdf"}),
        ("-ext:pdf,md", {"d.pdf", "new.pdf", "c.md"}),
        ("-ext:pdf -ext:md", {"d.pdf", "new.pdf", "c.md"}),
        ("-ext:pdf -lang:en", {"d.pdf", "new.pdf", "a.py"}),
        ("-ext:odt", set()),
        ("-type:pdf", {"d.pdf", "new.pdf"}),
        ("-type:film", {"film.mkv"}),
        ("-type:video", {"film.mkv"}),
        ("-in:docs", {"b.txt", "c.md"}),
        ("in:docs -in:old", EVERYTHING - {"b.txt"}),
        ('-in:"docs/old"', {"c.md"}),
        ("-in:%2Fdata%2Fdocs%2Fold", {"c.md"}),
        ("-in:papers", EVERYTHING - {"shown.txt"}),
        ("-name:*.py", {"a.py"}),
        ("-name:fil", {"film.mkv"}),
        ("-host:BOX", EVERYTHING - {"shown.txt"}),
        ("-host:laptop", set()),
        ("-root:notes", set()),
        ("-root:notes -root:papers", EVERYTHING),
        # What is in no known language stays.
        ("-lang:de", {"b.txt", "d.pdf"}),
        ("-lang:german -lang:en", {"a.py", "b.txt", "d.pdf"}),
        ("-lang:klingon", set()),
        ("-after:2023", EVERYTHING - {"a.py"}),
        ("-before:2023", {"a.py"}),
        ("-before:2023 -after:2021", EVERYTHING),
        ("after:2020 -after:2023", EVERYTHING - {"a.py"}),
        ("before:2021 -after:2023", EVERYTHING - {"a.py"}),
        ("-date:2020", {"a.py"}),
        ("-date:2020..2022 -date:1999", {"a.py"}),
        ("date:2020.. -date:2023..", EVERYTHING - {"a.py"}),
        ("-size:1k..2k", {"b.txt"}),
        ("-size:>1k", {"b.txt"}),
        ("-size:<=1k", EVERYTHING - {"b.txt"}),
        ("-size:>=2000 size:<3k", {"b.txt"}),
        ("-size:>2000", set()),
        ("-ext:pdf ext:pdf", EVERYTHING),
    ],
)
@pytest.mark.parametrize("listed_contents", [50_000, 0])
def test_an_exclusion_holds_with_words_by_meaning_and_alone(
    service: SearchService, filters: str, left_out: set[str], listed_contents: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the contents in scope are listed, and where they are too many, as in a large index."""
    monkeypatch.setattr("magicfs.db.search.scope_enumeration.MAX_ENUMERATED_CONTENTS", listed_contents)
    monkeypatch.setattr("magicfs.search.service.MAX_ENUMERATED_CHUNKS", listed_contents)
    for query in (f"hello {filters}", f"{filters} hello"):
        assert set(names(service, query)) == EVERYTHING - NAMED_ALONE - left_out, query
        passages = service.passages(query, deadline_s=60).hits
        assert {hit.name.decode() for hit in passages} == EVERYTHING - NAMED_ALONE - left_out, query
    assert set(names(service, filters)) == EVERYTHING - left_out


def test_an_exclusion_goes_with_phrases_words_and_names(service: SearchService) -> None:
    assert names(service, '"print hello" -ext:pdf -two') == ["a.py"]
    assert names(service, "film -type:film") == []
    assert names(service, '-ext:txt -"print hello" -type:film -ext:pdf') == ["c.md"]


def test_of_copies_the_place_that_is_left_is_shown(service: SearchService) -> None:
    shown = {
        query: [(hit.host, len(hit.copies)) for hit in service.search(query, deadline_s=60).hits]
        for query in ("places", "places -in:archive", "places -host:laptop", "in:notes", "-in:papers")
    }
    assert shown == {
        "places": [("box", 1)],
        "places -in:archive": [("laptop", 0)],
        "places -host:laptop": [("box", 0)],
        "in:notes": [("laptop", 0)],
        "-in:papers": [("laptop", 0)],
    }


def test_an_exclusion_needs_no_notice(service: SearchService) -> None:
    assert service.search("hello -ext:pdf", deadline_s=60).notices == ()
