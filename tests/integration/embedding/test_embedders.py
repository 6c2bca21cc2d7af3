"""What every embedder must do, the fake one for other tests too."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from magicfs.domain.models import StoredModel
from magicfs.embedding import manifest as manifests
from magicfs.embedding.embedder import Embedder, FastembedEmbedder, open_engine
from magicfs.errors import LanguageUnread, ModelCorrupt, ModelError, ModelMissing
from magicfs.models.store import ModelStore
from tests.fakes.embedder import FakeEmbedder
from tests.integration.models.tiny import write_tiny_model


@pytest.fixture(params=["real", "fake"])
def any_embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "fake":
        return FakeEmbedder()
    real: FastembedEmbedder = request.getfixturevalue("embedder")
    return real


TEXTS = ["bake a loaf of bread", "", "naïve café 東京", "line\nbreak\ttab", "x" * 5000, "lone \udcff surrogate", "\0"]


def test_vectors_have_the_shape_of_the_spec_and_length_one(any_embedder: Embedder) -> None:
    vectors = any_embedder.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), any_embedder.spec.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_a_query_is_one_vector(any_embedder: Embedder) -> None:
    for text in filter(any_embedder.reads, TEXTS):
        vector = any_embedder.embed_query(text)
        assert vector.shape == (any_embedder.spec.dimension,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


def test_a_query_in_an_unread_language_has_no_vector(any_embedder: Embedder) -> None:
    assert any_embedder.reads("bake a loaf of bread")
    assert not any_embedder.reads("\N{HEDGEHOG}")
    with pytest.raises(LanguageUnread, match=re.escape(any_embedder.spec.label)):
        any_embedder.embed_query("\N{HEDGEHOG}")


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("An invoice for roses.", True),
        ("Grüße aus Łódź, très bientôt", True),
        ("Tiếng Việt", True),
        ("12306", True),
        ("the Tiananmen (天安门) is a gate", True),
        ("番茄钟", False),
        ("今天天气很好,我们去公园散步。", False),
        ("日本語の文章を書きます", False),
        ("พรุ่งนี้ต้องไปจ่ายค่าไฟฟ้า", False),
        ("ذهب الولد إلى المدرسة صباحا", False),
        ("Привет, как дела?", False),
        ("שלום עולם", False),
        ("안녕하세요 세계", False),
        ("x" * 5000, False),
    ],
)
def test_an_english_model_reads_latin_words(embedder: FastembedEmbedder, text: str, is_read: bool) -> None:
    assert embedder.reads(text) == is_read


def test_no_texts_are_no_vectors(any_embedder: Embedder) -> None:
    assert any_embedder.embed_passages([]).shape == (0, any_embedder.spec.dimension)


def test_a_text_has_one_vector_whatever_stands_beside_it(any_embedder: Embedder) -> None:
    alone = any_embedder.embed_passages(["bake a loaf of bread"])[0]
    among = any_embedder.embed_passages(["short", "bake a loaf of bread", "a much longer text " * 20])[1]
    assert np.array_equal(alone, among)


def test_what_belongs_together_is_nearer(any_embedder: Embedder) -> None:
    bread, index = any_embedder.embed_passages(["bake a loaf of sourdough bread", "the index of the database table"])
    query = any_embedder.embed_query("sourdough bread")
    assert query @ bread > query @ index + 0.2


def test_a_folder_without_model_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        FastembedEmbedder.load(tmp_path / "none")


def test_a_model_that_does_not_load_is_corrupt(tmp_path: Path) -> None:
    model = ModelStore(tmp_path / "store").pull(str(write_tiny_model(tmp_path / "tiny")))
    data = bytearray((model.folder / "model.onnx").read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    (model.folder / "model.onnx").write_bytes(data)
    with pytest.raises(ModelCorrupt, match="magicfs model pull"):
        FastembedEmbedder.load(model.folder)


def test_two_threads_in_one_model_are_refused(stored_model: StoredModel, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = manifests.read(stored_model.folder)
    engine = open_engine(stored_model.folder, manifest)
    embedder = FastembedEmbedder(engine, manifest)
    embed, refused = engine.query_embed, []

    def intrude() -> None:
        with pytest.raises(ModelError, match="two threads"):
            embedder.embed_query("me too")
        refused.append(True)

    def embed_beside_another(texts: list[str], **options: Any) -> Iterable[Any]:
        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()
        return embed(texts, **options)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "query_embed", embed_beside_another)
        assert embedder.embed_query("the first").shape == (384,)
    assert refused
    assert embedder.embed_query("alone again").shape == (384,)


@pytest.mark.parametrize("numbers", [float("nan"), float("inf"), 0.0])
def test_a_model_whose_vectors_point_nowhere_never_enters_the_store(tmp_path: Path, numbers: float) -> None:
    store = ModelStore(tmp_path / "store")
    with pytest.raises(ModelError, match="vector"):
        store.pull(str(write_tiny_model(tmp_path / "tiny", numbers=numbers)))
    assert store.list() == ()


def test_a_question_has_the_words_that_the_model_has_learned(embedder: FastembedEmbedder) -> None:
    def known(text: str) -> set[str]:
        return set(embedder.embed_question(text).known_words)

    assert known("Salmon recieve PASSPORT, 2024!") == {"Salmon", "PASSPORT"}
    assert known("") == known("2024") == set()
    assert known("salmon " * 8) == {"salmon"}
    assert known("salmon " * 9) == known("salmon " * 100_000) == set()


def test_a_model_of_all_languages_knows_words_with_and_without_a_capital(stored_multilingual: StoredModel) -> None:
    multilingual = FastembedEmbedder.load(stored_multilingual.folder)
    text = "Rechnung rechnung Rechnnung тесто 発票"
    assert multilingual.embed_question(text).known_words >= {"Rechnung", "rechnung"}
    assert "Rechnnung" not in multilingual.embed_question(text).known_words


def test_an_embedder_says_whether_it_reads_a_text_to_its_end(embedder: FastembedEmbedder) -> None:
    words = embedder.spec.max_tokens - 2
    assert embedder.reads_whole("word " * words)
    assert not embedder.reads_whole("word " * (words + 1))


def test_asking_whether_a_text_is_read_to_its_end_changes_no_vector(embedder: FastembedEmbedder) -> None:
    texts = ["bake a loaf of sourdough bread", "the index of the database table", "bread " * embedder.spec.max_tokens]
    vectors = embedder.embed_passages(texts)
    assert [embedder.reads_whole(text) for text in texts] == [True, True, False]
    assert np.array_equal(embedder.embed_passages(texts), vectors)


def test_what_questions_of_a_form_have_in_common_is_taken_from_each_and_not_from_passages(
    embedder: FastembedEmbedder, stored_model: StoredModel
) -> None:
    manifest = manifests.read(stored_model.folder)
    assert manifest.question_centres == []
    bread = embedder.embed_query("bread")
    near, far = 0.4 * embedder.embed_query("a loaf of bread"), 0.6 * embedder.embed_query("when was it?")
    centres = [far.tolist(), near.tolist()]
    centred = FastembedEmbedder(open_engine(stored_model.folder, manifest), replace(manifest, question_centres=centres))
    assert np.allclose(centred.embed_passages(["bread"]), embedder.embed_passages(["bread"]))
    expected = (bread - near) / np.linalg.norm(bread - near)
    assert np.allclose(centred.embed_query("bread"), expected, atol=1e-5)


def test_a_model_that_an_older_version_prepared_keeps_its_one_centre(stored_model: StoredModel, tmp_path: Path) -> None:
    manifest = manifests.read(stored_model.folder)
    manifests.write(tmp_path, manifest)
    older = json.loads((tmp_path / manifests.FILE_NAME).read_text())
    for stored, expected in ((0.25, [[0.25] * 384]), (None, [])):
        older.pop("question_centres", None)
        older["question_centre"] = [] if stored is None else [stored] * 384
        (tmp_path / manifests.FILE_NAME).write_text(json.dumps(older))
        assert manifests.read(tmp_path).question_centres == expected
    del older["question_centre"]
    (tmp_path / manifests.FILE_NAME).write_text(json.dumps(older))
    assert manifests.read(tmp_path).question_centres == []
