"""Scores mean the same for every model: checked on texts that calibration has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models.calibration import Scale, calibrate, question_centres
from magicfs.models.question_forms import FORMS
from magicfs.models.store import ModelStore
from tests.fakes.embedder import FakeEmbedder
from tests.plugins.models import MODEL

PASSAGES = {
    "volcano eruption ash cloud": (
        "The volcano had been quiet for ninety years when small earthquakes began in January. Three "
        "weeks later the eruption started with an ash cloud that rose nine kilometres high and closed "
        "the airports of two countries. The ash cloud drifted north-east and fell on farms and glaciers."
        " Geologists on the island measured how much sulphur dioxide the eruption set free, and mapped "
        "the lava as it ran down to the sea. Villages at the foot of the volcano were emptied within a "
        "night. People came back in April and swept their roofs."
    ),
    "rental contract notice period": (
        "This rental contract is made between the owner and the tenant of the flat on the second floor. "
        "The rent is due on the third working day of each month. The notice period is three months to "
        "the end of a month, for both sides, and notice must be given in writing. A deposit of two "
        "monthly rents is kept on a separate account. Small repairs up to eighty euros are paid by the "
        "tenant. The rental contract ends without notice when the building can no longer be lived in. "
        "Pets need the owner's consent, which may be refused only for a good reason."
    ),
    "training a neural network with dropout": (
        "Overfitting shows when the loss on the training set keeps falling while the loss on unseen data"
        " rises. One remedy is training a neural network with dropout: in each step a random share of "
        "the units is switched off, so that no unit can rely on the others. At test time all units are "
        "on and their weights are scaled. Together with early stopping and weight decay, dropout made "
        "the classifier four points better on our images. The learning rate had to be raised a little, "
        "because dropout makes the gradients noisier and the network learns more slowly."
    ),
}


def test_unrelated_is_about_zero_and_the_very_words_about_one(embedder: FastembedEmbedder) -> None:
    vectors = embedder.embed_passages(list(PASSAGES.values()))
    scores = np.array(
        [[embedder.spec.similarity(cosine) for cosine in vectors @ embedder.embed_query(query)] for query in PASSAGES]
    )
    scores = np.clip(scores, 0.0, 1.0)
    related = np.diag(scores)
    unrelated = scores[~np.eye(len(scores), dtype=bool)]
    assert related.min() >= 0.9
    assert unrelated.mean() < 0.1
    assert unrelated.max() < 0.25


def test_int8_and_fp32_have_nearly_the_same_scale(model_store: ModelStore) -> None:
    int8, fp32 = (model_store.pull(MODEL, precision=precision).spec for precision in ("int8", "fp32"))
    assert int8.floor == pytest.approx(fp32.floor, abs=0.05)
    assert int8.ceiling == pytest.approx(fp32.ceiling, abs=0.05)
    assert int8.floor < int8.ceiling


def test_measuring_again_gives_what_was_stored(embedder: FastembedEmbedder) -> None:
    assert calibrate(embedder) == Scale(embedder.spec.floor, embedder.spec.ceiling)


def test_a_model_that_tells_nothing_apart_has_no_scale() -> None:
    class Indifferent(FakeEmbedder):
        def embed_query(self, text: str) -> np.ndarray:
            return super().embed_query(text[:0])

    assert calibrate(Indifferent()) is None


def _named(name: str) -> np.ndarray:
    return FakeEmbedder().embed_query(name)


class Cone(FakeEmbedder):
    """All its vectors have much in common, questions of one form in one language even more."""

    def embed_query(self, text: str) -> np.ndarray:
        vector = super().embed_query(text) + 2.0 * super().embed_query("all alike") + super().embed_query(form_of(text))
        return vector / np.linalg.norm(vector)


def form_of(text: str) -> str:
    for forms in FORMS:
        if text in forms.sentences:
            return f"sentence {forms.language}"
        if text in forms.words:
            return f"word {forms.language}"
    return "another"


def test_what_questions_of_a_form_have_in_common_is_measured_where_it_is_much() -> None:
    centres = np.array(question_centres(Cone()))
    assert len(centres) == 2 * len(FORMS)
    expected = [f"{form} {forms.language}" for forms in FORMS for form in ("sentence", "word")]
    for centre, name in zip(centres, expected, strict=True):
        common = 2.0 * _named("all alike") + _named(name)
        assert centre @ common / np.linalg.norm(centre) / np.linalg.norm(common) > 0.95
        assert 0.2 < np.linalg.norm(centre) < 0.6
    assert question_centres(FakeEmbedder()) == []


def test_a_model_that_does_not_read_the_samples_has_no_centre(embedder: FastembedEmbedder) -> None:
    assert question_centres(embedder) == []


def test_forms_are_the_same_in_all_languages() -> None:
    assert len({(len(forms.sentences), len(forms.words)) for forms in FORMS}) == 1
    assert len({forms.language for forms in FORMS}) == len(FORMS)
