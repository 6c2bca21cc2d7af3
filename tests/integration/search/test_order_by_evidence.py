"""How sure words and meaning are decides the order: a test for each rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus

QUESTION = "the empty line of the first file"


def at(cosine: float) -> NDArray[np.float32]:
    """The vector of a text at that cosine to the question."""
    return np.array([cosine, math.sqrt(1 - cosine * cosine), 0], np.float32)


def paths(service: SearchService, question: str) -> list[bytes]:
    return [hit.path for hit in service.search(question, deadline_s=60).hits]


def add_common_words(corpus: Corpus, *, mime_type: str) -> None:
    """Texts that make the words of the question common, and as many without them."""
    for number in range(8):
        text = f"first empty line file number {number} of other words and more other words here"
        corpus.add(b"common%d" % number, text, vectors=[at(0.05)], mime_type=mime_type)
    add_other_texts(corpus, mime_type=mime_type)


def add_other_texts(corpus: Corpus, *, mime_type: str = "text/plain") -> None:
    """Texts that have nothing to do with a question."""
    for number in range(8):
        corpus.add(b"other%d" % number, f"nothing of that, {number}", vectors=[at(0.0)], mime_type=mime_type)


@pytest.fixture(autouse=True)
def asked(vectors: ChosenVectors) -> None:
    for question in (QUESTION, f"{QUESTION} zyxwv"):
        vectors.vectors[question] = at(1.0)


@pytest.mark.parametrize(("mime_type", "first"), [("text/plain", b"words"), ("text/x-python", b"meaning")])
def test_common_words_say_less_about_code(corpus: Corpus, service: SearchService, mime_type: str, first: bytes) -> None:
    add_common_words(corpus, mime_type=mime_type)
    corpus.add(b"words", "a first file has an empty line", vectors=[at(0.2)], mime_type=mime_type)
    corpus.add(b"meaning", "def blank(lines): find one line", vectors=[at(0.85)], mime_type=mime_type)
    assert paths(service, QUESTION)[0] == first


def test_a_text_with_both_words_comes_before_short_ones_that_repeat_one(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    question = "blue harbour"
    vectors.vectors[question] = at(1.0)
    story = "the boats came home late and the children waited on the wall for their fathers and brothers"
    corpus.add(b"both.txt", f"{story}, under a blue sky, far from any {story} harbour", vectors=[at(0.3)])
    for number in range(8):
        corpus.add(b"harbour%d.txt" % number, f"harbour, harbour, harbour {number}", vectors=[at(0.45)])
        corpus.add(b"blue%d.txt" % number, f"blue, blue, blue {number}", vectors=[at(0.45)])
    add_other_texts(corpus)
    assert paths(service, question)[0] == b"both.txt"


def test_the_first_result_is_the_same_however_few_are_wanted(corpus: Corpus, service: SearchService) -> None:
    """A file that is near as a whole comes before those with one chunk that is a little nearer."""
    for number in range(40):
        texts = f"a paragraph {number}", f"something else {number}"
        corpus.add(b"long%d.txt" % number, *texts, vectors=[at(0.62), at(0.1)])
    corpus.add(b"whole.txt", "all about it", vectors=[at(0.6)])
    for limit in (1, 50):
        assert service.search(QUESTION, limit=limit, deadline_s=60).hits[0].path == b"whole.txt", limit


def add_parts_of_kitchen_receipts(corpus: Corpus, vectors: ChosenVectors) -> None:
    """Texts with one of both words, which are nearer to the question than files in directories of these names."""
    vectors.vectors["kitchen receipts"] = at(1.0)
    for number in range(8):
        corpus.add(b"letter%d.txt" % number, f"kitchen, our kitchen, a new kitchen {number}", vectors=[at(0.7)])
        corpus.add(b"notes%d.txt" % number, f"receipts, receipts, receipts {number}", vectors=[at(0.7)])
    add_other_texts(corpus)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"Receipts/2023/Kitchen/IMG_1.txt", "one lamp, 79.00"),
        (b"Kitchen/2023/IMG_1.txt", "two lamps, with their receipts"),
        (b"Kitchen/receipts 2023.txt", "two lamps"),
        (b"Letters/receipts.txt", "for a lamp in the kitchen"),
    ],
)
def test_words_of_the_path_and_of_the_text_count_together(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService, path: bytes, text: str
) -> None:
    add_parts_of_kitchen_receipts(corpus, vectors)
    corpus.add(path, text, vectors=[at(0.0)])
    assert paths(service, "kitchen receipts")[0] == path
    corpus.add(b"both.txt", "the receipts for the kitchen", vectors=[at(0.5)])
    assert set(paths(service, "kitchen receipts")[:2]) == {b"both.txt", path}


def test_a_chunk_with_the_words_that_the_path_lacks_stands_for_the_file(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    add_parts_of_kitchen_receipts(corpus, vectors)
    corpus.add(b"Kitchen/list.txt", "the kitchen and its lamps", "receipts of May", vectors=[at(0.6), at(0.1)])
    first = service.search("kitchen receipts", deadline_s=60).hits[0]
    assert (first.path, first.snippet) == (b"Kitchen/list.txt", "receipts of May")


def test_a_stray_word_does_not_decide_among_few_texts(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    """In a folder of ten files every word is rare, and `get` no less than `deposit`."""
    question = "when do I get the deposit of my flat back"
    vectors.vectors[question] = at(1.0)
    corpus.add(b"kaution.txt", "Die Kaution zahlen wir nach dem Auszug aus der Wohnung", vectors=[at(0.5)])
    corpus.add(b"readme.txt", "Get whatever you like", vectors=[at(0.1)])
    add_other_texts(corpus)
    assert paths(service, question)[0] == b"kaution.txt"


def test_a_word_that_names_something_decides_among_few_texts(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    question = "where is the invoice of Wenzel"
    vectors.vectors[question] = at(1.0)
    corpus.add(b"wenzel.txt", "The invoice of Wenzel & Sons, paid in May", vectors=[at(0.2)])
    corpus.add(b"near.txt", "What is still to be paid", vectors=[at(0.6)])
    add_other_texts(corpus)
    assert paths(service, question)[0] == b"wenzel.txt"


def test_a_rare_word_says_as_much_about_code_as_elsewhere(corpus: Corpus, service: SearchService) -> None:
    add_common_words(corpus, mime_type="text/x-python")
    corpus.add(b"words", "a first file has an empty line zyxwv", vectors=[at(0.2)], mime_type="text/x-python")
    corpus.add(b"meaning", "def blank(lines): find one line", vectors=[at(0.85)], mime_type="text/x-python")
    assert paths(service, f"{QUESTION} zyxwv")[0] == b"words"


@pytest.mark.parametrize("question", ["zither", "zither lessons", "what does zither mean", "HEAD~3"])
def test_a_rare_word_of_a_short_question_comes_before_what_is_merely_near(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService, question: str
) -> None:
    vectors.vectors[question] = at(1.0)
    corpus.add(b"exact.txt", "A zither, and git reset HEAD~3, are what this is about", vectors=[at(0.0)])
    for number in range(8):
        text = f"lessons of music, what they mean, and the head of {number} bands of 3"
        corpus.add(b"near%d.txt" % number, text, vectors=[at(0.99)])
    add_other_texts(corpus)
    assert paths(service, question)[0] == b"exact.txt"


@pytest.mark.parametrize(
    ("question", "phrase", "others"),
    [
        ("vitamin a", "carrots and liver are rich in Vitamin A", "vitamin"),
        ("log in", "to write a review, please log in first", "log the days"),
        ("IT department", "ask the IT department for a new screen", "department"),
    ],
)
def test_a_stop_word_that_is_part_of_a_name_decides(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors, question: str, phrase: str, others: str
) -> None:
    vectors.vectors[question] = at(1.0)
    corpus.add(b"phrase.txt", f"{phrase}; and here is more about what has nothing to do with it", vectors=[at(0.1)])
    for number in range(3):
        corpus.add(b"other%d.txt" % number, f"{others} {number}", vectors=[at(0.95)])
    hits = service.search(question, deadline_s=60).hits
    assert hits[0].name == b"phrase.txt"
    assert hits[0].score >= 0.95
    assert len(hits) == 4


def test_a_stop_word_decides_nothing_where_no_text_has_the_phrase(
    corpus: Corpus, service: SearchService, vectors: ChosenVectors
) -> None:
    vectors.vectors["zither lessons on"] = at(1.0)
    corpus.add(b"zither.txt", "a zither is what this is about", vectors=[at(0.0)])
    for number in range(8):
        corpus.add(b"near%d.txt" % number, f"lessons of music, and of {number} bands", vectors=[at(0.99)])
    add_other_texts(corpus)
    assert service.search("zither lessons on", deadline_s=60).hits[0].name == b"zither.txt"


COMPOUNDS = {
    "os.path": "path, os, and os of a path",
    "v2.10": "2 10, v 2, v2, 10",
    "HTTPServerPool": "a pool, an http server",
}


@pytest.mark.parametrize("others", [1, 8])
@pytest.mark.parametrize("question", COMPOUNDS)
def test_a_text_with_the_compound_comes_before_those_with_its_words(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService, question: str, others: int
) -> None:
    vectors.vectors[question] = at(1.0)
    corpus.add(b"parts", COMPOUNDS[question], vectors=[at(0.95)])
    for number in range(others):
        corpus.add(b"whole%d" % number, f"one of {question} in {number}", vectors=[at(0.3)])
    add_other_texts(corpus)
    assert paths(service, question)[-1] == b"parts"


def test_a_word_with_a_hyphen_does_not_come_before_meaning(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    """People write it as one word and as two."""
    vectors.vectors["e-mail"] = at(1.0)
    corpus.add(b"near", "every mail that you send by email", vectors=[at(0.95)])
    corpus.add(b"far", "tell him by phone or e-mail", vectors=[at(0.1)])
    add_other_texts(corpus)
    assert paths(service, "e-mail")[0] == b"near"


def test_a_name_with_all_words_comes_before_a_text_with_one(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    vectors.vectors["IMG_9001"] = at(1.0)
    corpus.add(b"IMG_9001.JPG", "Apple iPhone", vectors=[at(0.03)])
    corpus.add(b"dump.sql", "insert into t values 9001", vectors=[at(0.35)])
    corpus.add(b"large.txt", *(f"nothing of that, {number}" for number in range(1000)))
    assert paths(service, "IMG_9001")[0] == b"IMG_9001.JPG"


def test_a_rare_word_among_many_does_not_decide_alone(
    corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    question = "how do I return the rented piano of a neighbour who plays the zither"
    vectors.vectors[question] = at(1.0)
    corpus.add(b"stray.txt", "The zither is not heard here", vectors=[at(0.1)])
    corpus.add(b"near.txt", "Giving back an instrument that is not yours", vectors=[at(0.8)])
    add_other_texts(corpus)
    assert paths(service, question)[0] == b"near.txt"


def test_a_file_with_several_near_passages_comes_before_one_with_a_single_one(
    corpus: Corpus, service: SearchService
) -> None:
    corpus.add(b"single.txt", "about one thing", "and about another", vectors=[at(0.82), at(0.1)])
    corpus.add(b"several.txt", "nothing alike here", "nor is it there", vectors=[at(0.8), at(0.75)])
    corpus.add(b"short.txt", "only one passage", vectors=[at(0.7)])
    assert paths(service, QUESTION) == [b"several.txt", b"short.txt", b"single.txt"]


def test_a_long_file_is_judged_by_its_nearest_passages_alone(corpus: Corpus, service: SearchService) -> None:
    others = [f"something else, number {number}" for number in range(9)]
    near = ["this is near", "this too", "and so is this"]
    corpus.add(b"long.txt", *near, *others, vectors=[at(0.8), at(0.8), at(0.8), *[at(0.1)] * 9])
    corpus.add(b"short.txt", "only one passage", vectors=[at(0.79)])
    assert paths(service, QUESTION) == [b"long.txt", b"short.txt"]


@pytest.mark.parametrize("question", ["3 March 2025", "03.03.2025", "€4,711.50", "chapter 5"])
def test_a_number_that_is_named_is_found_by_words_alone(
    service: SearchService, corpus: Corpus, vectors: ChosenVectors, question: str
) -> None:
    vectors.vectors[question] = at(1.0)
    said = "the contract of 3 March 2025 has a price of 4,711.50 € in chapter five"
    corpus.add(b"contract.txt", said, vectors=[at(0.1)])
    for day in range(4, 14):
        corpus.add(b"diary %d.txt" % day, f"{day} March 2024, and nothing else", vectors=[at(1.0)])
    first = service.search(question, deadline_s=60).hits[0]
    assert (first.path, first.vector) == (b"contract.txt", None)
    assert first.score >= 0.9
