"""What the meaning of candidates says of a question as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from magicfs.domain.chunks import Cosines
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.search.meaning import QuestionVector, has_second_vectors, meaning_for
from magicfs.text.question_language import QuestionLanguages

SPEC = ModelSpec("test/any", Precision.FP32, dimension=2, max_tokens=256)
ACTIVE = IndexedModel(ModelId(1), SPEC, ModelState.ACTIVE)
SECOND = IndexedModel(ModelId(2), SPEC, ModelState.MULTILINGUAL)
VECTOR = np.array([1, 0], np.float32)


@pytest.mark.parametrize(("candidates", "expected"), [([], False), ([(0.5, None)], False)])
def test_without_a_second_vector_the_active_model_counts_alone(candidates: list[Cosines], expected: bool) -> None:
    questions = [QuestionVector(ACTIVE, VECTOR), QuestionVector(SECOND, VECTOR)]
    assert has_second_vectors(candidates, questions) is expected


def test_one_second_vector_among_many_is_enough() -> None:
    """Otherwise an answer in another language would rise from search to search while the others are made."""
    questions = [QuestionVector(ACTIVE, VECTOR), QuestionVector(SECOND, VECTOR)]
    candidates = [(0.5, None)] * 20 + [(None, 0.5)]
    assert has_second_vectors(candidates, questions)
    assert not has_second_vectors(candidates, questions[:1])


def test_a_text_is_in_another_language_if_all_its_documents_are_in_others_alone() -> None:
    meaning_of = meaning_for([QuestionVector(ACTIVE, VECTOR)], QuestionLanguages(frozenset({"de"})))
    kinds = {"other": (("zh", "text/plain"),), "own": (("zh", "text/plain"), ("de", "text/plain")), "unknown": ()}
    meanings = {kind: meaning_of((0.5,), documents) for kind, documents in kinds.items()}
    assert [kind for kind, meaning in meanings.items() if meaning is not None and meaning.is_across] == ["other"]
