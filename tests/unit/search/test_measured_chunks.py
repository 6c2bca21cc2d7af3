"""How the candidates of a search are measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from magicfs.db.search.candidates import Candidate, Place
from magicfs.db.search.scope import Scope
from magicfs.domain.chunks import CopyRules, Cosines, Documents, FoundFile, NameMatch
from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId, ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.domain.query import Term
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.fusion import FusionScale
from magicfs.search.meaning import QuestionVector
from magicfs.search.measured_chunks import MeasuredChunks, count_files, measure_candidates, second_share
from magicfs.search.rare_words import RareWords
from magicfs.search.request import SearchRequest
from magicfs.search.retrievers import QuestionWords
from magicfs.text.question_language import QuestionLanguages


def test_a_candidate_is_measured_once_and_when_it_is_asked_for() -> None:
    asked: list[Cosines] = []

    def meaning(cosines: Cosines, documents: Documents) -> None:
        del documents
        asked.append(cosines)

    candidates = [
        Candidate(ChunkId(number), 1.0, frozenset(), has_phrase=False, documents=(), cosines=(number / 300,))
        for number in range(300)
    ]
    words = RareWords.of(QuestionWords({}, {}), everyday=())
    measured = MeasuredChunks(candidates, words, FusionScale(), meaning)
    assert len(measured) == len(set(measured)) == 300
    assert ChunkId(7) in measured
    assert ChunkId(300) not in measured
    assert asked == []
    assert measured[ChunkId(7)] is measured[ChunkId(7)]
    assert asked == [(7 / 300,)]


STAT = FileStat(size=1, mtime_ns=0, ctime_ns=0, ino=1, dev=1, mode=0o644, uid=0, gid=0)
SPEC = ModelSpec("test/any", Precision.FP32, dimension=2, max_tokens=256)
VECTOR = np.array([1, 0], np.float32)
ACTIVE = QuestionVector(IndexedModel(ModelId(1), SPEC, ModelState.ACTIVE), VECTOR)
SECOND = QuestionVector(IndexedModel(ModelId(2), SPEC, ModelState.MULTILINGUAL), VECTOR)


def english_request(*vectors: QuestionVector) -> SearchRequest:
    """A question of four words in English."""
    compiled = CompiledQuery(
        terms=tuple(Term(word, ()) for word in ("wing", "build", "light", "metal")),
        languages=("en",),
        question_phrase=None,
        scope=Scope({}),
    )
    return SearchRequest(
        question="wings built from light metal",
        compiled=compiled,
        question_vectors=vectors,
        limit=10,
        copy_rules=CopyRules(),
        languages=QuestionLanguages(frozenset({"en"})),
    )


def texts(*cosines: Cosines, language: str = "en") -> list[Candidate]:
    """Candidates in a language."""
    documents = ((language, "text/plain"),)
    return [
        Candidate(ChunkId(number), 0.0, frozenset(), has_phrase=False, documents=documents, cosines=each)
        for number, each in enumerate(cosines)
    ]


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (texts(), 0.0),
        (texts((0.5, None)), 0.0),
        (texts((0.5, None), (0.5, None), (0.5, None), (None, 0.5)), 0.25),
        (texts((0.5, 0.4), (None, 0.4), (None, None)), 1.0),
        (texts((0.5, None)) + texts((None, 0.5), (None, 0.5), language="de"), 0.0),
        (texts((None, None)) + texts((None, 0.5), language="de"), 1.0),
    ],
)
def test_second_vectors_count_by_the_share_of_candidates_in_the_language(
    candidates: list[Candidate], expected: float
) -> None:
    german = {(("de", "text/plain"),)}
    assert second_share(english_request(ACTIVE, SECOND), candidates, german) == expected
    assert second_share(english_request(ACTIVE), candidates, german) == 0.0


def test_meaning_weighs_by_that_share() -> None:
    def weight(candidates: list[Candidate]) -> float:
        request = english_request(ACTIVE, SECOND)
        return measure_candidates(request, QuestionWords({}, {}), candidates).scale.meaning

    german = texts((None, 0.5), language="de")
    assert weight(texts((0.5, None)) + german) < weight(texts((0.5, 0.5)) + german) == weight(german)


def test_the_words_of_a_sentence_count_for_the_weight_of_meaning() -> None:
    def weight(question: str, *words: str) -> float:
        request = english_request(ACTIVE, SECOND)
        compiled = replace(request.compiled, terms=tuple(Term(word, ()) for word in words))
        request = replace(request, question=question, compiled=compiled)
        return measure_candidates(request, QuestionWords({}, {}), texts((0.5, 0.5))).scale.meaning

    assert weight("wing", "wing") < weight("what is a wing", "wing") == weight("what is a wing for", "wing")
    assert weight("wing - metal", "wing", "metal") == weight("wing metal", "wing", "metal")
    assert weight("金属", "金属") < weight("金属材料", "金属", "属材", "材料")


def in_two_languages(*, answered: float) -> MeasuredChunks:
    """A text in the question's language, and three in another one, each less near than the one before."""
    candidates = texts((None, 0.9)) + texts((None, 0.8), (None, 0.7), (None, 0.6), language="de")
    candidates = [candidate._replace(chunk_id=ChunkId(number)) for number, candidate in enumerate(candidates)]
    chunks = measure_candidates(english_request(ACTIVE, SECOND), QuestionWords({}, {}), candidates)
    chunks.scale = replace(chunks.scale, answered=answered)
    return chunks


def similarities(chunks: MeasuredChunks) -> tuple[list[float], list[float]]:
    """Those of the order, and those of the scores."""
    evidence = [chunks[ChunkId(number)] for number in range(4)]
    return [each.model_similarity or 0.0 for each in evidence], [each.corpus_similarity or 0.0 for each in evidence]


MATCHES = {ChunkId(1): -2.0, ChunkId(3): 2.0}


@pytest.mark.parametrize("answered", [0.01, 1.0])
def test_texts_in_other_languages_exchange_their_similarities_where_the_question_is_answered(answered: float) -> None:
    chunks = in_two_languages(answered=answered)
    (own, first, second, third), (own_score, first_score, second_score, third_score) = similarities(chunks)
    chunks.count_matches(MATCHES)
    order, score = similarities(chunks)
    assert order == pytest.approx([own, third, second, first])
    assert score == pytest.approx([own_score, third_score, second_score, first_score])


def test_where_nothing_answers_the_matches_are_added_in_the_order_alone() -> None:
    chunks = in_two_languages(answered=0.0)
    (own, first, second, third), (own_score, first_score, second_score, third_score) = similarities(chunks)
    chunks.count_matches(MATCHES)
    order, score = similarities(chunks)
    assert order == pytest.approx([own, first - 2, second, third + 2])
    assert score == pytest.approx([own_score, third_score, second_score, first_score])


def test_matches_that_change_no_order_change_no_score() -> None:
    chunks = in_two_languages(answered=1.0)
    before = similarities(chunks)
    chunks.count_matches({ChunkId(1): 0.2, ChunkId(2): 0.1})
    assert similarities(chunks) == before


def test_what_has_been_compared_is_taken_by_another_measurement() -> None:
    compared, again = in_two_languages(answered=0.0), in_two_languages(answered=0.0)
    compared.count_matches(MATCHES)
    again.take_compared(compared)
    assert similarities(again) == similarities(compared)


def test_names_measure_texts_anew_only_if_they_say_more() -> None:
    request = english_request(ACTIVE)
    terms = {Term(word, ()): 1.0 for word in request.words}
    words = QuestionWords(terms, dict.fromkeys(request.words, 50), chunks=10_000)
    candidates = [
        Candidate(ChunkId(number), 2.0 - number, frozenset({"wing"}), has_phrase=False, documents=(), cosines=(0.5,))
        for number in range(2)
    ]
    chunks = measure_candidates(request, words, candidates, count=10_000)
    measured = chunks[ChunkId(0)]
    assert measured.relative_words == 1.0
    found = FoundFile(b"1", FileId(1), "here", "root", b"/root", b"wing.txt", STAT, 0.0, None, chunk_id=ChunkId(1))

    def named(*in_path: str) -> Place:
        match = NameMatch(found.file_id, frozenset(in_path), frozenset(in_path)) if in_path else None
        return Place(found, is_by_name=False, name=match, copies=(), text=None)

    for place in (named(), named("wing")):
        count_files(chunks, request, words, [place])
        assert chunks[ChunkId(0)] is measured
    # A name has half of the question, and no text more than a quarter.
    count_files(chunks, request, words, [named("wing", "metal")])
    assert chunks[ChunkId(0)].relative_words == pytest.approx(0.5)
    # The words of a text and of its path are all together.
    count_files(chunks, request, words, [named("build", "light", "metal")])
    assert chunks.scale.with_paths
    assert chunks[ChunkId(0)].relative_words == pytest.approx(0.25)


@pytest.mark.parametrize(("count", "in_chunks", "counts"), [(10_000, 499, True), (10_000, 500, False), (200, 49, True)])
def test_a_path_that_completes_common_words_does_so_by_chance(count: int, in_chunks: int, counts: bool) -> None:
    request = english_request(ACTIVE)
    terms = {Term(word, ()): 1.0 for word in request.words}
    words = QuestionWords(terms, dict.fromkeys(request.words, in_chunks), chunks=count)
    candidate = Candidate(ChunkId(1), 2.0, frozenset({"wing"}), has_phrase=False, documents=(), cosines=(0.5,))
    chunks = measure_candidates(request, words, [candidate], count=count)
    found = FoundFile(b"1", FileId(1), "here", "root", b"/root", b"wing.txt", STAT, 0.0, None, chunk_id=ChunkId(1))
    match = NameMatch(found.file_id, in_path=frozenset({"build", "light", "metal"}), in_name=frozenset())
    count_files(chunks, request, words, [Place(found, is_by_name=False, name=match, copies=(), text=None)])
    assert chunks.scale.with_paths is counts


@pytest.mark.parametrize(("mime_type", "first"), [("text/plain", 0), ("text/x-python", 1), (None, 0)])
def test_the_files_of_the_candidates_say_whether_they_are_code(mime_type: str | None, first: int) -> None:
    """One text has a word of the question often, the other one has three words."""
    request = english_request(ACTIVE)
    words = QuestionWords({Term(word, ()): 1.0 for word in request.words}, dict.fromkeys(request.words, 50))
    of_text = [(8.0, frozenset({"wing"})), (6.0, frozenset({"build", "light", "metal"}))]
    candidates = [
        Candidate(ChunkId(number), bm25, had, has_phrase=False, documents=(), cosines=(0.5,))
        for number, (bm25, had) in enumerate(of_text)
    ]
    chunks = measure_candidates(request, words, candidates, count=10_000)
    found = FoundFile(b"1", FileId(1), "here", "root", b"/root", b"a", STAT, 0.0, None, mime_type, ChunkId(1))
    count_files(chunks, request, words, [Place(found, is_by_name=False, name=None, copies=(), text=None)])
    strengths = [chunks[ChunkId(number)].relative_words or 0.0 for number in range(2)]
    assert strengths[first] == 1.0 > strengths[1 - first]
    # A file that its name alone brings says nothing of the texts.
    by_name = Place(found._replace(mime_type="text/x-python"), is_by_name=True, name=None, copies=(), text=None)
    chunks = measure_candidates(request, words, candidates, count=10_000)
    count_files(chunks, request, words, [by_name])
    assert chunks[ChunkId(0)].relative_words == 1.0


def test_of_texts_with_the_same_words_the_strongest_says_what_all_do() -> None:
    request = english_request(ACTIVE)
    words = QuestionWords({Term(word, ()): 1.0 for word in request.words}, dict.fromkeys(request.words, 50))
    candidates = [
        Candidate(ChunkId(number), bm25, frozenset(had.split()), has_phrase=False, documents=(), cosines=(0.5,))
        for number, (bm25, had) in enumerate(
            [(2.0, "wing"), (5.0, "wing metal"), (3.0, "wing"), (5.0, "wing metal"), (1.0, "wing"), (3.0, "metal")]
        )
    ]
    found = measure_candidates(request, words, candidates).text_scale
    assert [(match.bm25, match.share) for match in found.matches] == [(5.0, 0.5), (3.0, 0.25), (3.0, 0.25)]
    assert measure_candidates(request, words, candidates)[ChunkId(2)].relative_words == pytest.approx(0.6)
