"""Passages on a real database: several of a file where several answer, each at its own place."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.domain.results import SearchResult
from magicfs.errors import UsageError
from magicfs.search.matching_lines import matching_lines
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit


def places(result: SearchResult) -> list[tuple[str, int, int]]:
    return [(hit.name.decode(), hit.first_line, hit.last_line) for hit in result.hits]


def test_a_file_has_several_passages_where_several_answer(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"book.txt", "keep the backup for years", "nothing here", "the backup of May", "nothing there")
    corpus.add(b"note.txt", "backup the laptop and the phone and the camera and the old computer in the cellar")
    result = service.passages("backup", deadline_s=60)
    assert {name for name, _, _ in places(result)} == {"book.txt", "note.txt"}
    assert {(first, last) for name, first, last in places(result) if name == "book.txt"} == {
        (1, 9),
        (21, 29),
    }
    assert [hit.rank for hit in result.hits] == [1, 2, 3]
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert {hit.text for hit in result.hits} >= {"keep the backup for years", "the backup of May"}


def test_the_first_passages_are_those_of_the_search(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "tax", "tax invoice")
    corpus.add(b"invoice.txt", "a letter about the tax")
    corpus.add(b"c.txt", "invoice of a tax adviser", "other words")
    files = service.search("tax invoice", deadline_s=60)
    passages = service.passages("tax invoice", deadline_s=60)
    first_of_each = list(dict.fromkeys(name for name, _, _ in places(passages)))
    assert first_of_each == [hit.name.decode() for hit in files.hits]
    assert passages.hits[0].score == files.hits[0].score


def test_neighbours_are_one_passage_with_both_texts(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "intro", "the gearbox is oiled", "a gearbox is closed", "outro")
    (hit,) = service.passages("gearbox", deadline_s=60).hits
    assert (hit.first_line, hit.last_line) == (11, 29)
    assert hit.text == "the gearbox is oiled\na gearbox is closed"
    assert hit.tokens == 8
    assert [hit.snippet[first:last] for first, last in hit.matched] == ["gearbox", "gearbox"]


def test_each_passage_has_its_page(corpus: Corpus, service: SearchService, database: Database) -> None:
    corpus.add(b"a.pdf", "a gearbox on the first page", "a gearbox on the second page")
    with database.transaction() as connection:
        connection.execute("UPDATE content_chunks SET page = ordinal + 1")
    assert sorted((hit.page, hit.text) for hit in service.passages("gearbox", deadline_s=60).hits) == [
        (1, "a gearbox on the first page"),
        (2, "a gearbox on the second page"),
    ]


def test_passages_are_found_by_meaning(corpus: Corpus, service: SearchService, vectors: ChosenVectors) -> None:
    corpus.add(b"zoo.txt", "feline", "canine", "lioness", vectors=[unit(1, 0.1, 0), unit(0, 1, 0), unit(1, 0.2, 0)])
    vectors.vectors["cat that purrs softly"] = unit(1, 0, 0)
    result = service.passages("cat that purrs softly", deadline_s=60)
    assert [hit.text for hit in result.hits] == ["feline", "lioness"]


def test_the_limit_counts_passages_and_the_argument_wins(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", *(text for number in range(9) for text in (f"gearbox {number}", f"other {number}")))
    assert len(service.passages("gearbox", deadline_s=60).hits) == 9
    assert len(service.passages("gearbox limit:4", deadline_s=60).hits) == 4
    assert len(service.passages("gearbox limit:4", limit=2, deadline_s=60).hits) == 2


def test_a_chunk_that_stands_twice_in_a_file_is_there_once_at_its_first_place(
    corpus: Corpus, service: SearchService, database: Database
) -> None:
    corpus.add(b"a.txt", "the gearbox", "something else", "the gearbox", "and more")
    with database.transaction() as connection:
        # Postgres stores the changed row behind the others.
        connection.execute("UPDATE content_chunks SET page = 1 WHERE ordinal = 0")
    assert places(service.passages("gearbox", deadline_s=60)) == [("a.txt", 1, 9)]


def test_copies_are_listed_once_for_each_passage(corpus: Corpus, service: SearchService) -> None:
    content = corpus.content("a gearbox", "other", "one more gearbox")
    corpus.file(b"a.txt", content)
    corpus.file(b"copy/a.txt", content)
    result = service.passages("gearbox", deadline_s=60)
    assert len(result.hits) == 2
    assert all(len(hit.copies) == 1 for hit in result.hits)


def test_what_is_found_by_its_name_shows_its_beginning(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"gearbox.txt", "the first words", "other words")
    corpus.file(b"gearbox.mp3", corpus.content_without_text("binary"))
    assert places(service.passages("gearbox", deadline_s=60)) == [("gearbox.txt", 1, 9)]


def test_filters_alone_give_the_beginnings_of_files(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.md", "the first words", "other words")
    corpus.file(b"b.md", corpus.content_without_text("binary"))
    (hit,) = service.passages("ext:md", deadline_s=60).hits
    assert (hit.rank, hit.text, hit.first_line) == (1, "the first words", 1)


def test_nothing_found_is_no_passage(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "words")
    assert service.passages("gearbox", deadline_s=60).hits == ()


def test_passages_within_a_directory_or_a_file(corpus: Corpus, service: SearchService, database: Database) -> None:
    paths = (b"a_b/one.txt", b"a_b/deep/two.txt", b"axb/three.txt", b"a_b.txt", b"a%/caf\xe9.txt")
    for number, path in enumerate(paths):
        corpus.add(path, f"the gearbox {number}")
    Corpus(database, host="other", root="theirs").add(b"a_b/there.txt", "the gearbox elsewhere")

    def found(within: bytes, query: str = "gearbox") -> set[bytes]:
        return {hit.path for hit in service.passages(query, within=within, deadline_s=60).hits}

    assert found(b"/data/a_b") == {b"a_b/one.txt", b"a_b/deep/two.txt"}
    assert found(b"/data/a_b", "gearbox in:deep in:axb") == {b"a_b/deep/two.txt"}
    assert found(b"/data/a_b", "gearbox -two") == {b"a_b/one.txt", b"a_b/deep/two.txt"}
    assert found(b"/data/a_b", "ext:txt") == {b"a_b/one.txt", b"a_b/deep/two.txt"}
    assert found(b"/data/a_b/one.txt") == {b"a_b/one.txt"}
    assert found(b"/data/a%") == found(b"/data/a%/caf\xe9.txt") == {b"a%/caf\xe9.txt"}
    assert found(b"/data") == found(b"/") == set(paths)
    assert found(b"/data/empty") == set()


def test_a_place_without_a_root_is_wrong_usage(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "the gearbox")
    with pytest.raises(UsageError, match=r"^/dat lies in no root: run 'magicfs roots add DIR'"):
        service.passages("gearbox", within=b"/dat", deadline_s=60)
    with pytest.raises(UsageError, match="nothing to search for"):
        service.passages("", within=b"/data", deadline_s=60)


def test_the_lines_of_a_passage_are_those_that_have_words_of_the_question(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors, database: Database
) -> None:
    texts = ("intro", "a cap\n\tthe gearbox,\nand the Gearboxes'", "gear\nbox gearbox")
    corpus.add(b"a.txt", *texts, vectors=[unit(0, 1, 0), unit(1, 0, 0), unit(0, 1, 0)])
    with database.transaction() as connection:
        # The third chunk goes on in the line in which the second one ends.
        connection.execute("UPDATE content_chunks SET last_line = 13 WHERE ordinal = 1")
        connection.execute("UPDATE content_chunks SET first_line = 13, last_line = 14 WHERE ordinal = 2")
    (hit,) = service.passages("gearbox", deadline_s=60).hits
    assert [(line.number, line.text, line.matched) for line in matching_lines(hit)] == [
        (12, "\tthe gearbox,", [(5, 12)]),
        (13, "and the Gearboxes' gear", [(8, 17)]),
        (14, "box gearbox", [(4, 11)]),
    ]
    vectors.vectors["what turns slowly"] = unit(1, 0, 0)
    (hit, *_) = service.passages("what turns slowly", deadline_s=60).hits
    assert [line[:2] for line in matching_lines(hit)] == [(11, "a cap")]
