"""Questions that are names of files, whole or in part."""

from __future__ import annotations

import pytest

from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit


@pytest.fixture(autouse=True)
def files(corpus: Corpus) -> None:
    said = (
        "The annual report 2021.pdf is attached: annual report 2021, with IMG_9001.jpg, IMG_9001, and what setup.cfg"
        " says. Makefile, setup, cooking."
    )
    corpus.add(b"summary.md", said, vectors=[unit(1, 0, 0)])
    corpus.add(b"d/annual_report_2021.pdf", "turnover rose by four percent", vectors=[unit(0, 1, 0)])
    corpus.add(b"old annual report 2021 draft.pdf", "turnover may rise", vectors=[unit(0, 1, 0)])
    corpus.add(b"IMG_9001.jpg", "puffins on a cliff", vectors=[unit(0, 0, 1)])
    corpus.add(b"setup.cfg", "packages are found", vectors=[unit(0, 0, 1)])
    corpus.add(b"Makefile", "run the linter", vectors=[unit(0, 0, 1)])
    corpus.add(b"cooking.txt", "wish list for a kitchen", vectors=[unit(0, 0, 1)])


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("annual report 2021.pdf", "d/annual_report_2021.pdf"),
        ("Annual Report 2021", "d/annual_report_2021.pdf"),
        ("IMG_9001.jpg", "IMG_9001.jpg"),
        ("img_9001", "IMG_9001.jpg"),
        ("setup.cfg", "setup.cfg"),
        ("setup.cfg type:text", "setup.cfg"),
        ("Makefile", "Makefile"),
    ],
)
def test_the_file_of_that_name_is_first(service: SearchService, question: str, first: str) -> None:
    hits = service.search(question, deadline_s=60).hits
    assert hits[0].path.decode() == first
    assert hits[0].lexical == 1.0
    assert hits[0].score > 0.95


def test_a_single_word_asks_for_what_is_about_it(service: SearchService) -> None:
    hits = {hit.path.decode(): hit for hit in service.search("cooking", deadline_s=60).hits}
    assert hits["cooking.txt"].lexical == 0.9


def test_a_name_with_all_words_comes_before_a_text_with_some(
    service: SearchService, corpus: Corpus, vectors: ChosenVectors
) -> None:
    vectors.vectors["acme invoice"] = unit(1, 0, 0)
    corpus.add(b"invoice-000417-ACME.txt", "nothing particular", vectors=[unit(0, 0, 1)])
    corpus.add(b"invoice.txt", "this invoice is about an invoice, and an invoice alone", vectors=[unit(1, 0, 0)])
    first = service.search("acme invoice", deadline_s=60).hits[0]
    assert first.path == b"invoice-000417-ACME.txt"
    assert first.score > 0.85


@pytest.mark.parametrize("question", ["annual report 2021.docx", "Annual_Report_2021.odt", "annual report 2021.txt"])
def test_a_name_with_another_extension_is_first_where_no_file_has_it(
    service: SearchService, vectors: ChosenVectors, corpus: Corpus, question: str
) -> None:
    vectors.vectors[question] = unit(1, 0, 0)
    corpus.add(b"formats.md", f"what {question} is: {question} or docx, odt and txt", vectors=[unit(1, 0, 0)])
    first, *_ = hits = service.search(question, deadline_s=60).hits
    assert first.path == b"d/annual_report_2021.pdf"
    assert first.score > 0.85
    corpus.add(question.encode(), "another text", vectors=[unit(0, 0, 1)])
    assert service.search(question, deadline_s=60).hits[0].path == question.encode()
    assert len(hits) > 1


def test_a_name_with_a_part_of_the_question_comes_before_texts_with_as_much(
    service: SearchService, corpus: Corpus, vectors: ChosenVectors
) -> None:
    corpus.add(b"tips/Quince jam.txt", "boil the fruit with sugar and lemon", vectors=[unit(0, 1, 0)])
    corpus.add(b"tips/soup.txt", "the recipe of the soup, and of leek", vectors=[unit(0, 1, 0)])
    corpus.add(b"tips/fair.txt", "at the fair there was a recipe, and a jam of quince", vectors=[unit(0, 1, 0)])
    for number in range(20):
        corpus.add(b"tips/other%d.txt" % number, f"neither of them, part {number}", vectors=[unit(0, 0, 1)])
    vectors.vectors["quince recipe"] = unit(0, 1, 0)
    found = [hit.path.decode() for hit in service.search("quince recipe", deadline_s=60).hits]
    assert found[:3] == ["tips/fair.txt", "tips/Quince jam.txt", "tips/soup.txt"]


def test_an_extension_is_no_rare_word(service: SearchService, corpus: Corpus, vectors: ChosenVectors) -> None:
    vectors.vectors["parse csv rows"] = unit(1, 0, 0)
    corpus.add(b"births.csv", "nothing particular", vectors=[unit(0, 0, 1)])
    for number in range(6):
        corpus.add(b"t%d.md" % number, f"how to parse a table of rows, part {number}", vectors=[unit(1, 0, 0)])
    assert service.search("parse csv rows", deadline_s=60).hits[0].path.endswith(b".md")


def test_a_word_of_many_names_names_none_of_them(
    service: SearchService, corpus: Corpus, vectors: ChosenVectors
) -> None:
    vectors.vectors["dscn beach"] = unit(1, 0, 0)
    for number in range(7):
        corpus.add(b"DSCN %d.txt" % number, f"picture {number}", vectors=[unit(0, 1, 0)])
    corpus.add(b"walk.txt", "a walk along the beach at low tide, the beach of shells", vectors=[unit(1, 0, 0)])
    assert service.search("dscn beach", deadline_s=60).hits[0].path == b"walk.txt"


def test_names_that_are_too_many_to_count_come_behind_texts(service: SearchService, corpus: Corpus) -> None:
    for number in range(150):
        corpus.add(b"Screenshot %d.png" % number, f"window {number}")
    corpus.add(
        b"letter.txt", "the passport is in the drawer of the desk, below the letters of the bank and the photographs"
    )
    corpus.add(b"note.txt", "my passport")
    found = [hit.path.decode() for hit in service.search("screenshot passport", deadline_s=60).hits]
    assert found[:2] == ["note.txt", "letter.txt"]


@pytest.fixture
def paths(corpus: Corpus, vectors: ChosenVectors) -> None:
    said = "what letters/2024 says, as an example of paths like letters/2024/bank.txt"
    corpus.add(b"about paths.md", said, vectors=[unit(1, 0, 0)])
    corpus.add(b"letters/2024/bank.txt", "the loan is granted", vectors=[unit(0, 1, 0)])
    corpus.add(b"letters/2024/old/landlord.txt", "the heating is cold", vectors=[unit(0, 1, 0)])
    corpus.add(b"bank.txt", "opening hours", vectors=[unit(0, 1, 0)])
    for question in ("letters/2024", "letters/2024/bank.txt", "~/letters/2024/bank.txt"):
        vectors.vectors[question] = unit(1, 0, 0)


@pytest.mark.usefixtures("paths")
@pytest.mark.parametrize("typed", ["letters/2024/bank.txt", "~/letters/2024/bank.txt", "2024/bank.txt"])
def test_a_path_that_is_typed_means_that_file(service: SearchService, typed: str) -> None:
    first = service.search(typed, deadline_s=60).hits[0]
    assert (first.path, first.lexical) == (b"letters/2024/bank.txt", 1.0)


@pytest.mark.usefixtures("paths")
def test_a_directory_that_is_typed_means_what_is_below_it(service: SearchService) -> None:
    hits = service.search("letters/2024", deadline_s=60).hits
    assert {hit.path for hit in hits[:2]} == {b"letters/2024/bank.txt", b"letters/2024/old/landlord.txt"}
    assert hits[1].score > 0.9
