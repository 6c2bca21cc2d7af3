"""The search on a real database, with vectors that each test chooses."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.errors import DeadlineExceeded, UsageError
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit


def names(service: SearchService, text: str) -> list[str]:
    return [hit.name.decode("utf-8", "replace") for hit in service.search(text, deadline_s=60).hits]


def test_words_find_a_file_before_it_has_a_vector(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "An invoice for roses.")
    corpus.add(b"b.txt", "A letter about tulips.")
    result = service.search("invoices", deadline_s=60)
    (hit,) = result.hits
    assert hit.absolute_path == b"/data/a.txt"
    assert (hit.first_line, hit.last_line, hit.vector, hit.lexical) == (1, 9, None, 1.0)
    assert hit.score >= 0.9
    assert "words alone" in result.notices[0]
    assert (result.coverage.files, result.coverage.chunks, result.coverage.embedded) == (2, 2, 0)


def test_meaning_finds_what_words_do_not(corpus: Corpus, service: SearchService, vectors: ChosenVectors) -> None:
    corpus.add(b"a.txt", "feline", vectors=[unit(1, 0.1, 0)])
    corpus.add(b"b.txt", "canine", vectors=[unit(0, 1, 0)])
    vectors.vectors["cat that purrs softly"] = unit(1, 0, 0)
    result = service.search("cat that purrs softly", deadline_s=60)
    assert [hit.name for hit in result.hits] == [b"a.txt"]
    assert result.hits[0].score > 0.9
    assert result.hits[0].lexical is None
    assert result.notices == ()


def test_words_and_meaning_together_come_first(corpus: Corpus, service: SearchService, vectors: ChosenVectors) -> None:
    corpus.add(b"words.txt", "tax invoice", vectors=[unit(0, 1, 0)])
    corpus.add(b"meaning.txt", "bill for duties", vectors=[unit(1, 0.2, 0)])
    corpus.add(b"both.txt", "the tax invoice of May", vectors=[unit(1, 0.1, 0)])
    vectors.vectors["tax invoice"] = unit(1, 0, 0)
    result = service.search("tax invoice", deadline_s=60)
    assert result.hits[0].name == b"both.txt"
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.rank for hit in result.hits] == [1, 2, 3]


def test_a_file_is_listed_once_by_its_best_chunk(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "one apple", "an apple pie with apple sauce and apple juice", "a pear")
    (hit,) = service.search("apple sauce", deadline_s=60).hits
    assert (hit.first_line, hit.last_line) == (11, 19)


def test_a_file_with_a_newer_version_pending_is_still_found(corpus: Corpus, service: SearchService) -> None:
    corpus.file(b"a.txt", corpus.content("old words"), state="pending")
    corpus.file(b"b.txt", None, state="pending")
    assert names(service, "old words") == ["a.txt"]


def test_a_content_that_no_file_has_is_not_found(corpus: Corpus, service: SearchService) -> None:
    corpus.content("orphaned words")
    assert names(service, "orphaned words") == []


def test_every_result_has_a_phrase_to_the_letter(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors
) -> None:
    corpus.add(b"a.txt", "to be or not\nto be, that is the question", vectors=[unit(0, 1, 0)])
    corpus.add(b"b.txt", "not to be or to be", vectors=[unit(1, 0, 0)])
    corpus.add(b"c.txt", "runs the test", vectors=[unit(1, 0, 0)])
    vectors.vectors["to be or not to be"] = vectors.vectors["running the tests"] = unit(1, 0, 0)
    assert names(service, '"to be or not to be"') == ["a.txt"]
    assert names(service, '"running the tests"') == []
    assert names(service, "running the tests")[0] == "c.txt"


def test_an_excluded_word_excludes_whole_files_from_every_retriever(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors
) -> None:
    corpus.add(b"a.txt", "apple tree", "rotten fruit", vectors=[unit(1, 0, 0), unit(1, 0, 0)])
    corpus.add(b"b.txt", "apple pie", vectors=[unit(1, 0, 0)])
    corpus.add(b"c.txt", "rotten apple core", vectors=[unit(1, 0, 0)])
    vectors.vectors["apple"] = unit(1, 0, 0)
    assert names(service, "apple -rotten") == ["b.txt"]
    assert sorted(names(service, 'apple -"rotten apple"')) == ["a.txt", "b.txt"]


@pytest.mark.parametrize("listed_contents", [0, 1, 3])
def test_excluded_words_hold_however_many_contents_have_them(
    corpus: Corpus,
    service: SearchService,
    vectors: ChosenVectors,
    monkeypatch: pytest.MonkeyPatch,
    listed_contents: int,
) -> None:
    monkeypatch.setattr("magicfs.db.search.scope_enumeration.MAX_ENUMERATED_CONTENTS", listed_contents)
    corpus.add(b"a.txt", "apple tree", "rotten fruit", vectors=[unit(1, 0, 0), unit(1, 0, 0)])
    corpus.add(b"b.txt", "apple pie", vectors=[unit(1, 0, 0)])
    corpus.add(b"c.txt", "apple sauce", vectors=[unit(1, 0, 0)])
    vectors.vectors["apple"] = vectors.vectors["apple pie"] = unit(1, 0, 0)
    assert sorted(names(service, "apple -rotten")) == ["b.txt", "c.txt"]
    assert names(service, '"apple pie" -rotten') == ["b.txt"]
    assert sorted(names(service, "-rotten")) == ["b.txt", "c.txt"]
    assert names(service, "-apple") == []
    assert names(service, "apple ext:txt -rotten -sauce") == ["b.txt"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("ext:md", ["c.md"]),
        ("ext:.MD", ["c.md"]),
        ("type:text", ["a.py", "b.txt", "c.md"]),
        ("type:pdf", ["d.pdf"]),
        ("in:docs", ["b.txt", "c.md"]),
        ("in:DOCS%2Fold", ["c.md"]),
        ("in:oc", []),
        ("in:%2Fdata%2Fsrc", ["a.py"]),
        ("in:papers", ["a.py", "b.txt", "c.md", "d.pdf"]),
        ("in:papers%2Fsrc", ["a.py"]),
        ("name:*.py", ["a.py"]),
        ("name:?.txt", ["b.txt"]),
        ("name:.p", ["a.py", "d.pdf"]),
        ("name:%25", []),
        ("size:>1k", ["b.txt"]),
        ("size:<=100", ["a.py", "c.md", "d.pdf"]),
        ("size:1k..2000", ["b.txt"]),
        ("size:2000", ["b.txt"]),
        ("size:..1k", ["a.py", "c.md", "d.pdf"]),
        ("size:3k.. size:..100", ["a.py", "c.md", "d.pdf"]),
        ("after:2023-11-01", ["a.py", "b.txt", "c.md"]),
        ("date:2020", ["d.pdf"]),
        ("date:2020-09-13", ["d.pdf"]),
        ("date:2020-09..2020-10", ["d.pdf"]),
        ("date:2020 OR date:2023-11-14..", ["a.py", "b.txt", "c.md", "d.pdf"]),
        ("date:2020 after:2023", []),
        ("date:..9999-12-31", ["a.py", "b.txt", "c.md", "d.pdf"]),
        ("date:2300..", []),
        ("date:0001-01-01..1500", []),
        ("before:2023-11-01", ["d.pdf"]),
        ("after:1500-01-01", ["a.py", "b.txt", "c.md", "d.pdf"]),
        ("before:0001-01-01", []),
        ("after:2300", []),
        ("before:9999-12-31", ["a.py", "b.txt", "c.md", "d.pdf"]),
        ("host:BOX root:Papers", ["a.py", "b.txt", "c.md", "d.pdf"]),
        ("host:other", []),
        ("ext:md ext:py", ["a.py", "c.md"]),
        ("limit:2", 2),
    ],
)
def test_filters_apply_with_words_and_alone(
    corpus: Corpus, service: SearchService, filters: str, found: list[str] | int
) -> None:
    corpus.add(b"src/a.py", "print hello one")
    corpus.add(b"docs/b.txt", "print hello two", size=2000)
    corpus.add(b"docs/old/c.md", "print hello three")
    corpus.file(b"d.pdf", corpus.content("print hello four", mime_type="application/pdf"), mtime=1_600_000_000)
    for query in (f"hello {filters}", filters):
        listed = names(service, query)
        assert (len(listed) if isinstance(found, int) else sorted(listed)) == found, query


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("lang:de", ["c.txt", "d.txt"]),
        ("lang:German ext:txt", ["c.txt", "d.txt"]),
        ("lang:deutsch lang:日本語", ["c.txt", "d.txt", "j.txt"]),
        ("lang:norwegian", ["n.txt", "o.txt"]),
        ("lang:fr", []),
        ("lang:de in:old", ["d.txt"]),
    ],
)
def test_a_language_is_a_filter_with_words_and_alone(
    corpus: Corpus, service: SearchService, filters: str, found: list[str]
) -> None:
    for path, language in (("c", "de"), ("old/d", "de"), ("j", "ja"), ("n", "nn"), ("o", "no"), ("x", None)):
        corpus.file(f"{path}.txt".encode(), corpus.content(f"hallo {path}", language=language))
    corpus.file(b"picture.png", corpus.content_without_text("no-text"))
    corpus.file(b"new.txt", None, state="pending")
    for query in (f"hallo {filters}", filters):
        assert sorted(names(service, query)) == found, query
    assert {hit.language for hit in service.search("hallo lang:de", deadline_s=60).hits} == {"de"}


@pytest.mark.parametrize("question", ["12500", "١٢٥٠٠", '"12500"', "99₽", "03-1234567", "2.10.3"])
def test_a_question_without_letters_has_no_meaning(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors, question: str
) -> None:
    corpus.add(b"near.txt", "a short prayer", vectors=[unit(1, 0, 0)])
    corpus.add(b"has.txt", "tea for 99₽, 12500 dinars, release 2.10.3, call 03-1234567", vectors=[unit(0, 1, 0)])
    vectors.vectors[question.strip('"')] = unit(1, 0, 0)
    result = service.search(question, deadline_s=60)
    assert [hit.name for hit in result.hits] == [b"has.txt"]
    assert (result.hits[0].vector, result.notices) == (None, ())


def test_a_picture_has_a_meaning(corpus: Corpus, service: SearchService, vectors: ChosenVectors) -> None:
    corpus.add(b"party.txt", "a celebration", vectors=[unit(1, 0, 0)])
    vectors.vectors["🎉"] = unit(1, 0, 0)
    assert names(service, "🎉") == ["party.txt"]


def test_filters_alone_list_the_newest_first(corpus: Corpus, service: SearchService) -> None:
    for day, name in ((3, b"c.md"), (1, b"a.md"), (2, b"b.md")):
        corpus.add(name, f"text {day}", mtime=1_700_000_000 + day)
    assert names(service, "ext:md") == ["c.md", "b.md", "a.md"]


def test_a_scope_of_many_chunks_is_not_enumerated(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.search.service.MAX_ENUMERATED_CHUNKS", 1)
    for number, word in enumerate(["zero", "one", "two", "three", "four"]):
        corpus.add(b"in/%d.md" % number, f"apple {word}", vectors=[unit(1, number / 10, 0)])
        corpus.add(b"out/%d.txt" % number, f"apple and more {word}", vectors=[unit(1, 0, 0)])
    vectors.vectors["apple"] = unit(1, 0, 0)
    assert sorted(names(service, "apple ext:md")) == [f"{number}.md" for number in range(5)]
    assert names(service, "apple ext:md -four -three -two -one") == ["0.md"]
    vectors.vectors["apples"] = vectors.vectors["apple three"] = unit(1, 0, 0)
    assert names(service, '"apples"') == []
    assert names(service, '"apple three"') == ["3.md"]


def test_a_root_whose_files_may_be_gone_is_noticed(
    database: Database, service: SearchService, corpus: Corpus, vectors: ChosenVectors
) -> None:
    corpus.add(b"a.txt", "plain words")
    vectors.vectors["plain words"] = unit(1, 0, 0)
    assert service.search("plain words", deadline_s=60).notices == ()
    with database.transaction() as connection:
        connection.execute("UPDATE roots SET state = 'suspect', detail = '40 files are gone at once'")
    [notice] = SearchService(database, vectors, default_limit=5).search("plain words", deadline_s=60).notices
    assert "is suspect: 40 files are gone at once" in notice


def test_without_an_active_model_words_still_answer(database: Database, service: SearchService, corpus: Corpus) -> None:
    corpus.add(b"a.txt", "plain words")
    with database.transaction() as connection:
        connection.execute("UPDATE models SET state = 'retired'")
    result = service.search("plain", deadline_s=60)
    assert [hit.name for hit in result.hits] == [b"a.txt"]
    assert "no vectors yet" in result.notices[0]


def test_nothing_to_search_for(service: SearchService) -> None:
    for text in ("", "  ", "\0", '""'):
        with pytest.raises(UsageError, match="nothing to search for"):
            service.search(text, deadline_s=60)


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE files; --",
        "%s %(x)s {0}",
        "a\0b",
        "\ud800",
        "\\",
        "' | !",
        "&|!():*<->",
        '"->"',
        "-'",
        "\ufffd" * 80,
        "中文",
        "🦊",
    ],
)
def test_no_text_is_an_error(corpus: Corpus, service: SearchService, text: str) -> None:
    corpus.add(b"a.txt", "words")
    for query in (text, f'"{text}"', f"words -{text}", f"words name:{text}", f"in:{text}", f"type:{text} host:{text}"):
        service.search(query, deadline_s=60)


def test_a_deadline_that_has_passed(service: SearchService) -> None:
    with pytest.raises(DeadlineExceeded):
        service.search("words", deadline_s=-1)


def test_a_name_has_the_words_that_the_text_lacks(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"papers/invoice_2024.txt", "42 hours at 95 euros")
    corpus.add(b"papers/other.txt", "an invoice was mentioned, the invoice of May")
    corpus.add(b"papers/third.txt", "nothing of the kind")
    assert sorted(names(service, "invoice")) == ["invoice_2024.txt", "other.txt"]
    assert names(service, "invoice 2024")[0] == "invoice_2024.txt"
    assert names(service, '"invoice"') == ["other.txt", "invoice_2024.txt"]
    assert names(service, "invoice -hours") == ["other.txt"]


def test_equal_names_count_equally_however_many_there_are(
    corpus: Corpus, service: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.search.retrievers.MAX_NAME_CANDIDATES", 1)
    for number in range(4):
        corpus.add(b"%d/notes.txt" % number, f"text of {number} with notes")
    strengths = [hit.lexical for hit in service.search("notes text", deadline_s=60).hits]
    assert len(strengths) == 4
    assert len(set(strengths)) == 1


def test_undecodable_names_are_found(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"caf\xe9.txt", "a bill of the coffee house")
    (hit,) = service.search("bill name:caf*.txt", deadline_s=60).hits
    assert hit.name == b"caf\xe9.txt"


def test_long_files_that_answer_leave_room_for_others(corpus: Corpus, service: SearchService) -> None:
    for number in range(12):
        corpus.add(b"long%d.txt" % number, *(f"invoice invoice invoice {number} {part}" for part in range(15)))
    for number in range(6):
        corpus.add(b"short%d.txt" % number, f"an invoice among many other words that make a text longer {number}")
    assert len(service.search("invoice limit:20", deadline_s=60).hits) == 18
