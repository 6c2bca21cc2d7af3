"""How the candidates of a search are measured."""

from __future__ import annotations

import numpy as np

from magicfs.db.search.candidates import Candidate
from magicfs.db.search.scope import Scope
from magicfs.domain.chunks import CopyRules, Cosines, Documents
from magicfs.domain.ids import ChunkId, ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.domain.query import Term
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.fusion import FusionScale
from magicfs.search.meaning import QuestionVector
from magicfs.search.measured_chunks import MeasuredChunks, measure_candidates
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


def test_meaning_weighs_by_what_candidates_in_the_language_of_the_question_have() -> None:
    spec = ModelSpec("test/any", Precision.FP32, dimension=2, max_tokens=256)
    vector = np.array([1, 0], np.float32)
    request = SearchRequest(
        question="wings built from light metal",
        compiled=CompiledQuery(
            terms=tuple(Term(word, ()) for word in ("wing", "build", "light", "metal")),
            languages=("en",),
            question_phrase=None,
            scope=Scope({}),
        ),
        question_vectors=[
            QuestionVector(IndexedModel(ModelId(1), spec, ModelState.ACTIVE), vector),
            QuestionVector(IndexedModel(ModelId(2), spec, ModelState.MULTILINGUAL), vector),
        ],
        limit=10,
        copy_rules=CopyRules(),
        languages=QuestionLanguages(frozenset({"en"})),
    )

    def weight(*, english: Cosines) -> float:
        texts = [(english, "en"), ((None, 0.5), "de"), ((None, 0.5), "de")]
        candidates = [
            Candidate(
                ChunkId(number), 0.0, frozenset(), has_phrase=False, documents=((language, "text/plain"),), cosines=c
            )
            for number, (c, language) in enumerate(texts)
        ]
        return measure_candidates(request, QuestionWords({}, {}), candidates).scale.meaning

    assert weight(english=(0.5, None)) < weight(english=(0.5, 0.5)) == weight(english=(None, None))
