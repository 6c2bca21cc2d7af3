"""The vectors of tokens that the multilingual model gives beside those of texts."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from magicfs.domain.models import StoredModel
from magicfs.domain.token_vectors import DIMENSION, unpack_signs
from magicfs.embedding import manifest as manifests
from magicfs.embedding.embedder import LONGEST_QUESTION, FastembedEmbedder
from magicfs.models.catalog import MULTILINGUAL_MODEL
from magicfs.models.store import ModelStore
from magicfs.search.token_matches import matches_of_texts

TEXTS = {
    "de": "Die Wäscherei öffnet um sieben. Hemden kosten zwei Euro, und Vorhänge brauchen drei Tage.",
    "zh": "洗衣店七点开门。衬衫每件两欧元,窗帘需要三天。",
    "ar": "تفتح المغسلة في السابعة. ثمن القميص يوروان، والستائر تحتاج إلى ثلاثة أيام.",
}
OTHERS = {
    "de": "Der Vulkan spuckte Asche, und alle Flüge nach Island fielen am Wochenende aus.",
    "zh": "火山喷出火山灰,周末飞往冰岛的航班全部取消。",
    "ar": "قذف البركان الرماد وألغيت كل الرحلات إلى أيسلندا في عطلة نهاية الأسبوع.",
}
QUESTIONS = {"de": "Wie lange brauchen Vorhänge?", "zh": "窗帘需要多久?", "ar": "كم تحتاج الستائر من الوقت؟"}


@pytest.fixture(scope="module")
def multilingual(stored_multilingual: StoredModel) -> FastembedEmbedder:
    return FastembedEmbedder.load(stored_multilingual.folder)


def test_tokens_of_a_question_find_those_of_its_answer_in_another_language(multilingual: FastembedEmbedder) -> None:
    for asked, text in QUESTIONS.items():
        tokens = multilingual.embed_question(text).tokens
        assert tokens is not None
        for language in TEXTS.keys() - {asked}:
            _, packed = multilingual.embed_chunks([TEXTS[language], OTHERS[language]])
            answer, other = matches_of_texts(tokens, list(map(unpack_signs, packed)))
            assert answer > other + 0.03


def test_a_text_has_signs_of_each_distinct_token_and_the_vector_of_before(multilingual: FastembedEmbedder) -> None:
    text = "rain rain rain"
    vectors, [packed, none] = multilingual.embed_chunks([text, ""])
    assert len(packed) == DIMENSION // 8
    assert none == b""
    assert (vectors == multilingual.embed_passages([text, ""])).all()


def test_a_long_question_has_its_heaviest_tokens(multilingual: FastembedEmbedder) -> None:
    long = multilingual.embed_question(" ".join(TEXTS.values()) * 4)
    assert long.tokens is not None
    assert len(long.tokens) == LONGEST_QUESTION
    assert np.linalg.norm(long.tokens, axis=1).min() > 0
    assert long.vector @ long.vector == pytest.approx(1, abs=1e-5)


def test_a_model_without_has_none(embedder: FastembedEmbedder) -> None:
    asked = embedder.embed_question("curtains")
    assert asked.tokens is not None
    assert len(asked.tokens) == 0
    assert embedder.embed_chunks(["curtains"])[1] == [b""]


def test_a_copy_without_them_is_an_older_form_of_another_model(
    stored_multilingual: StoredModel, tmp_path: Path
) -> None:
    folder = tmp_path / stored_multilingual.folder.name
    shutil.copytree(stored_multilingual.folder, folder)
    present = manifests.read(folder)
    older = manifests.with_digest(replace(present, pooling=manifests.SIF))
    manifests.write(folder, older)
    store = ModelStore(tmp_path)
    assert not store.has_present_form(store.find(MULTILINGUAL_MODEL))
    assert not older.spec.is_model(stored_multilingual.spec)
    assert manifests.is_better_form_of(present, older.spec)
    assert not manifests.is_better_form_of(older, stored_multilingual.spec)
