"""Filters by directory: files are found by an index of the names of their directories, and all of them are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit
from tests.integration.search.plans import recorded_plans
from tests.plugins.searched_words import fill_with_natural_words, word
from tests.plugins.servers import Servers

LONG = "/".join(["d" * 250] * 11)
"""The path of a directory that is longer than an entry of an index."""

PATHS = (
    "top.md",
    "Docs/one.md",
    "docs/Old/two.md",
    "docs.d/three.md",
    "notes/docs",
    "notes/docs.md",
    "notes/Docs.MD/four.txt",
    "x%y/five.md",
    "xzy/six.md",
    "a_b/seven.md",
    "acb/eight.md",
    "Stra\u00dfe/nine.md",
    "E\u0301te\u0301/ten.md",
    "\u00c9t\u00e9/eleven.md",
    "deep/docs/very/deep/twelve.md",
    f"{LONG}/docs/thirteen.md",
    "fu\uff0fll/fourteen.md",
    "\u039f\u0394\u039f\u03a3/fifteen.md",
    "back\\slash/sixteen.md",
)
IN_DOCS = {"Docs/one.md", "docs/Old/two.md", "notes/docs", "deep/docs/very/deep/twelve.md", f"{LONG}/docs/thirteen.md"}


@pytest.fixture(scope="module")
def service(servers: Servers) -> Iterator[SearchService]:
    """A search of files with one text each, in a root `papers` at `/data/shelf`, that the tests share."""
    with servers.new_database() as url, Database(url, application="test", size=2) as database:
        corpus = Corpus(database, path=b"/data/shelf")
        for number, path in enumerate(PATHS):
            corpus.add(path.encode(), f"hello {number}", vectors=[unit(1, 0.1, 0)])
        corpus.add(b"latin\xe9/raw.md", "hello bytes", vectors=[unit(1, 0.1, 0)])
        with database.transaction() as connection:
            # As a version without folded names has left it.
            connection.execute("UPDATE files SET folded = NULL WHERE display = 'deep/docs/very/deep/twelve.md'")
        yield SearchService(database, ChosenVectors({"hello": unit(1, 0, 0)}), host="box", default_limit=50)


def found(service: SearchService, filters: str) -> set[str]:
    return {hit.path.decode("utf-8", "replace") for hit in service.search(f"hello {filters}", deadline_s=60).hits}


EVERYTHING = {*PATHS, "latin\ufffd/raw.md"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("in:docs", IN_DOCS),
        ("in:DOCS", IN_DOCS),
        ("in:docs/", IN_DOCS),
        ("in:docs/old", {"docs/Old/two.md"}),
        ("in:old", {"docs/Old/two.md"}),
        ("in:old/docs", set()),
        ("in:docs/very/deep", {"deep/docs/very/deep/twelve.md"}),
        ("in:docs.md", {"notes/docs.md", "notes/Docs.MD/four.txt"}),
        ("in:docs.d", {"docs.d/three.md"}),
        ("in:x%y", {"x%y/five.md"}),
        ("in:a_b", {"a_b/seven.md"}),
        ("in:strasse", {"Stra\u00dfe/nine.md"}),
        ("in:ete", {"E\u0301te\u0301/ten.md", "\u00c9t\u00e9/eleven.md"}),
        ("in:\u03bf\u03b4\u03bf\u03c3", {"\u039f\u0394\u039f\u03a3/fifteen.md"}),
        ("in:docs in:a_b", {*IN_DOCS, "a_b/seven.md"}),
        ("in:papers", EVERYTHING),
        ("in:papers/docs", {"Docs/one.md", "docs/Old/two.md"}),
        ("in:papers in:docs", EVERYTHING),
        ("in:shelf", set()),
        ("in:%2Fdata", EVERYTHING),
        ("in:%2Fdata%2Fshelf", EVERYTHING),
        ("in:%2Fdata%2Fshelf%2Fdocs", {"docs/Old/two.md"}),
        ("in:%2Fdata%2Fshelf%2Fnotes%2Fdocs", {"notes/docs"}),
        ("in:%2Fdata%2Fshelf%2FDocs in:a_b", {"Docs/one.md", "a_b/seven.md"}),
        ("in:%2Felsewhere%2Fdocs", set()),
        ("in:docs ext:md -in:old", {"Docs/one.md", "deep/docs/very/deep/twelve.md", f"{LONG}/docs/thirteen.md"}),
        ("in:papers -bytes", set(PATHS)),
        ("in:nowhere", set()),
    ],
)
def test_all_files_below_a_directory_are_found(service: SearchService, filters: str, expected: set[str]) -> None:
    assert {path.removeprefix("/data/shelf/") for path in found(service, filters)} == expected


def test_files_of_a_renamed_directory_are_found_by_its_new_name(
    corpus: Corpus, vectors: ChosenVectors, database: Database
) -> None:
    vectors.vectors["hello"] = unit(1, 0, 0)
    corpus.add(b"before/one.md", "hello", vectors=[unit(1, 0.1, 0)])
    own = SearchService(database, vectors, host="box", default_limit=50)
    assert found(own, "in:before")
    with database.transaction() as connection:
        connection.execute("UPDATE files SET path = 'after/one.md', display = 'after/one.md', folded = 'after/one.md'")
    assert not found(own, "in:before")
    assert found(own, "in:after")


def test_a_root_that_gets_the_name_of_a_directory_is_found_by_it(
    corpus: Corpus, vectors: ChosenVectors, database: Database
) -> None:
    vectors.vectors["hello"] = unit(1, 0, 0)
    corpus.add(b"a/one.md", "hello", vectors=[unit(1, 0.1, 0)])
    own = SearchService(database, vectors, host="box", default_limit=50)
    assert not found(own, "in:docs")
    with database.transaction() as connection:
        connection.execute("UPDATE roots SET name = 'Docs', folded = 'docs'")
    assert found(own, "in:docs")


def test_a_filter_by_directory_reads_no_other_files(servers: Servers) -> None:
    with servers.new_database() as url, Database(url, application="test", size=1) as database:
        fill_with_natural_words(database, chunks=5_000)
        with recorded_plans(analysed=True) as plans:
            SearchService(database, ChosenVectors(), default_limit=50).search(f"{word(300)} in:part3", deadline_s=60)
    [listing] = [plan for plan in plans if plan.statement.startswith("WITH content")]
    assert "files_directories" in {node.get("Index Name") for node in listing.nodes()}
    assert "files" not in listing.sequential_scans()
