"""What the meaning of candidates says of a question as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.search.meaning import QuestionVector, meaning_for
from magicfs.search.question_vectors import has_meaning
from magicfs.text.question_language import QuestionLanguages

SPEC = ModelSpec("test/any", Precision.FP32, dimension=2, max_tokens=256)
ACTIVE = IndexedModel(ModelId(1), SPEC, ModelState.ACTIVE)
VECTOR = np.array([1, 0], np.float32)


def test_a_text_is_in_another_language_if_all_its_documents_are_in_others_alone() -> None:
    meaning_of = meaning_for([QuestionVector(ACTIVE, VECTOR)], QuestionLanguages(frozenset({"de"})))
    kinds = {"other": (("zh", "text/plain"),), "own": (("zh", "text/plain"), ("de", "text/plain")), "unknown": ()}
    meanings = {kind: meaning_of((0.5,), documents) for kind, documents in kinds.items()}
    assert [kind for kind, meaning in meanings.items() if meaning is not None and meaning.is_across] == ["other"]


@pytest.mark.parametrize(
    ("question", "has"),
    [
        ("https://doi.org/10.5194/esurf-11-233", False),
        ("mailto:ada@example.org", False),
        ("ada@example.org", False),
        ("what is at https://example.org", True),
        ("os.path", True),
        ("@property", True),
        ("ada@example.", True),
        ("ada@.org", True),
        ("ada@box@example.org", False),
        ("@." * 1900 + "x word", True),
        ("3 March 2025", False),
        ("60s", False),
        ("tax 2024", True),
    ],
)
def test_an_address_or_a_number_names_something_and_has_no_vector(question: str, *, has: bool) -> None:
    assert has_meaning(question) == has
