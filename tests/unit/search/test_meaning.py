"""What the meaning of candidates says of a question as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from magicfs.domain.chunks import Cosines
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.search.meaning import QuestionVector, meaning_for, second_share
from magicfs.text.question_language import QuestionLanguages

SPEC = ModelSpec("test/any", Precision.FP32, dimension=2, max_tokens=256)
ACTIVE = IndexedModel(ModelId(1), SPEC, ModelState.ACTIVE)
SECOND = IndexedModel(ModelId(2), SPEC, ModelState.MULTILINGUAL)
VECTOR = np.array([1, 0], np.float32)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([], 0.0),
        ([(0.5, None)], 0.0),
        ([(0.5, None)] * 3 + [(None, 0.5)], 0.25),
        ([(0.5, None), (0.5, 0.4)], 0.5),
        ([(0.5, 0.4), (None, 0.4)], 1.0),
    ],
)
def test_second_vectors_count_by_the_share_of_embedded_candidates(candidates: list[Cosines], expected: float) -> None:
    questions = [QuestionVector(ACTIVE, VECTOR), QuestionVector(SECOND, VECTOR)]
    assert second_share(candidates, questions) == expected
    assert second_share(candidates, questions[:1]) == 0.0


def test_a_text_is_in_another_language_if_all_its_documents_are_in_others_alone() -> None:
    meaning_of = meaning_for([QuestionVector(ACTIVE, VECTOR)], QuestionLanguages(frozenset({"de"})))
    kinds = {"other": (("zh", "text/plain"),), "own": (("zh", "text/plain"), ("de", "text/plain")), "unknown": ()}
    meanings = {kind: meaning_of((0.5,), documents) for kind, documents in kinds.items()}
    assert [kind for kind, meaning in meanings.items() if meaning is not None and meaning.is_across] == ["other"]
