from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from magicfs.domain.models import Precision, StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.errors import ModelCorrupt, ModelError, ModelMismatch, ModelMissing
from magicfs.models import prepare
from magicfs.models.catalog import DEFAULT_MODEL, FALLBACK_MODEL, automatic_precision, prefixes_of
from magicfs.models.store import ModelStore
from tests.integration.models.tiny import write_tiny_model


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def filled(store: ModelStore, stored_model: StoredModel) -> StoredModel:
    """A copy of the real model in a store that the test may damage."""
    shutil.copytree(stored_model.folder, store.directory / stored_model.folder.name)
    return store.find(FALLBACK_MODEL)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def leftovers(store: ModelStore) -> list[str]:
    return [path.name for path in store.directory.iterdir() if path.name.startswith((".building", ".discarded"))]


def test_an_empty_store_has_nothing_and_says_what_to_do(store: ModelStore) -> None:
    assert store.list() == ()
    with pytest.raises(ModelMissing, match="magicfs model pull BAAI/bge"):
        store.find(DEFAULT_MODEL)


def test_a_stored_model_is_listed_and_found(store: ModelStore, filled: StoredModel) -> None:
    assert store.list() == (filled,)
    assert filled.spec.label == f"{FALLBACK_MODEL} (int8)"
    assert store.find(FALLBACK_MODEL, "int8") == filled
    assert store.find(FALLBACK_MODEL.lower()) == filled
    assert filled.tokenizer_path.is_file()
    with pytest.raises(ModelMissing):
        store.find(FALLBACK_MODEL, "fp32")
    store.verify(filled, full=True)


def test_an_unknown_precision_is_an_error(store: ModelStore) -> None:
    for ask in (store.find, lambda name, precision: store.pull(name, precision=precision)):
        with pytest.raises(ModelError, match="auto, int8 or fp32"):
            ask(FALLBACK_MODEL, "int4")


def test_the_fallback_replaces_the_default_and_says_so(store: ModelStore, filled: StoredModel, offline: None) -> None:
    said: list[str] = []
    model = store.pull(DEFAULT_MODEL, report=said.append)
    assert model.spec == filled.spec
    assert FALLBACK_MODEL in model.notice
    assert DEFAULT_MODEL in model.notice
    assert "HF_HUB_OFFLINE" in model.notice
    assert model.notice in said
    assert store.find_or_fallback(DEFAULT_MODEL) == model
    assert not store.find_or_fallback(FALLBACK_MODEL).notice
    with pytest.raises(ModelMissing):
        store.find(DEFAULT_MODEL)


def test_a_fallback_recorded_under_the_former_name_is_kept(
    store: ModelStore, filled: StoredModel, offline: None
) -> None:
    (store.directory / "stand-ins.json").write_text(json.dumps({DEFAULT_MODEL: "the hub was away"}))
    model = store.find_or_fallback(DEFAULT_MODEL)
    assert (model.spec, model.notice) == (filled.spec, "the hub was away")
    pulled = store.pull(DEFAULT_MODEL)
    assert "HF_HUB_OFFLINE" in pulled.notice
    assert store.find_or_fallback(DEFAULT_MODEL) == pulled


def test_another_model_has_no_fallback(store: ModelStore, filled: StoredModel, offline: None) -> None:
    with pytest.raises(ModelError, match="cannot be pulled") as caught:
        store.pull("snowflake/snowflake-arctic-embed-xs")
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="not a model that fastembed knows"):
        store.pull("nobody/nothing")
    assert leftovers(store) == []


def test_a_damaged_model_is_detected_and_rebuilt(store: ModelStore, filled: StoredModel) -> None:
    with (filled.folder / "model.onnx").open("r+b") as file:
        file.seek(10_000_000)
        file.write(b"damage")
    assert store.find(FALLBACK_MODEL) == filled, "sizes are right, so the quick check sees nothing"
    with pytest.raises(ModelCorrupt):
        store.verify(filled, full=True)
    said: list[str] = []
    assert store.pull(FALLBACK_MODEL, report=said.append).spec == filled.spec
    assert any("preparing it again" in message for message in said)
    store.verify(store.find(FALLBACK_MODEL), full=True)
    assert leftovers(store) == []


def test_a_whole_model_is_not_built_again(store: ModelStore, tiny: Path) -> None:
    first = store.pull(str(tiny))
    inode = (first.folder / "model.onnx").stat().st_ino
    said: list[str] = []
    assert store.pull(str(tiny), report=said.append) == first
    assert said == []
    assert (first.folder / "model.onnx").stat().st_ino == inode


@pytest.mark.parametrize("harm", ["truncate", "no manifest", "no tokenizer"])
def test_a_half_written_model_is_corrupt_until_it_is_pulled_again(store: ModelStore, tiny: Path, harm: str) -> None:
    model = store.pull(str(tiny))
    if harm == "truncate":
        os.truncate(model.folder / "model.onnx", 100)
    else:
        (model.folder / {"no manifest": "model.json", "no tokenizer": "tokenizer.json"}[harm]).unlink()
    with pytest.raises((ModelCorrupt, ModelMissing), match="magicfs model pull"):
        store.find(str(tiny))
    assert store.pull(str(tiny)) == model
    store.verify(model, full=True)


def test_what_an_interrupted_pull_left_is_no_model_and_goes(store: ModelStore, tiny: Path) -> None:
    model = store.pull(str(tiny))
    for name in (".building-1", ".discarded-1"):
        shutil.copytree(model.folder, store.directory / name)
    assert store.list() == (model,)
    store.pull(str(tiny))
    assert leftovers(store) == []


def test_a_second_pull_waits_for_the_first(store: ModelStore, tiny: Path) -> None:
    store.directory.mkdir()
    waiting, results = threading.Event(), []
    lock = os.open(store.directory / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)

    def pull() -> None:
        results.append(store.pull(str(tiny), report=lambda message: waiting.set() if "waiting" in message else None))

    thread = threading.Thread(target=pull)
    thread.start()
    assert waiting.wait(60)
    assert store.list() == ()
    os.close(lock)
    thread.join(60)
    assert results == [store.find(str(tiny))]


@pytest.mark.parametrize("pooled", [True, False])
def test_a_local_folder_is_a_model(store: ModelStore, tmp_path: Path, pooled: bool) -> None:
    folder = write_tiny_model(tmp_path / "my models" / "tiny", pooled=pooled)
    model = store.pull(str(folder))
    assert model.spec.name == str(folder)
    assert (model.spec.precision, model.spec.dimension, model.spec.max_tokens) == (Precision.FP32, 128, 512)
    assert 0 < model.spec.floor < model.spec.ceiling
    vectors = FastembedEmbedder.load(model.folder).embed_passages(["bread", "bread bread", "sourdough loaf"])
    assert np.allclose(vectors[0], vectors[1], atol=1e-6)


def test_a_local_folder_may_be_named_by_a_relative_path(
    store: ModelStore, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    assert store.pull("tiny") == store.find("./tiny") == store.find(str(tiny))


def test_a_changed_folder_is_another_model_and_a_vanished_one_is_kept(store: ModelStore, tiny: Path) -> None:
    before = store.pull(str(tiny))
    write_tiny_model(tiny, seed=8)
    after = store.pull(str(tiny))
    assert after.folder != before.folder
    assert after.origin != before.origin
    assert after.spec.digest != before.spec.digest
    assert store.find_spec(before.spec) == before, "the one that an index may use is untouched"
    store.verify(before, full=True)
    assert store.find_digest(str(tiny), "auto", before.spec.digest[:12]) == before
    shutil.rmtree(tiny)
    assert store.pull(str(tiny)) == after == store.find(str(tiny))


@pytest.mark.parametrize("name", ["tokenizer.json", "config_sentence_transformers.json"])
def test_a_changed_tokenizer_or_setting_is_another_model(store: ModelStore, tiny: Path, name: str) -> None:
    (tiny / "config_sentence_transformers.json").write_text('{"prompts": {"query": "invoice "}}')
    before = store.pull(str(tiny))
    text = (tiny / name).read_text()
    (tiny / name).write_text(text.replace("invoice", "voice"))
    after = store.pull(str(tiny))
    assert after.spec.digest != before.spec.digest
    assert len(store.list()) == 2


def test_a_folder_that_is_changed_back_is_the_model_that_it_was(store: ModelStore, tiny: Path) -> None:
    first = store.pull(str(tiny))
    write_tiny_model(tiny, seed=8)
    assert store.pull(str(tiny)) != first
    write_tiny_model(tiny)
    said: list[str] = []
    assert store.pull(str(tiny), report=said.append) == first
    assert said == []
    assert store.find(str(tiny)) == first
    assert len(store.list()) == 2


def test_a_model_has_one_digest_however_often_it_is_prepared(store: ModelStore, tiny: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny, tmp_path / "copy")
    for precision in Precision:
        model = store.pull(str(tiny), precision=precision)
        other = ModelStore(tmp_path / "other").pull(str(tiny), precision=precision)
        assert other.spec == model.spec
        assert store.pull(str(copy), precision=precision).spec.digest == model.spec.digest


def test_a_model_is_found_by_its_digest_under_another_name(store: ModelStore, tiny: Path, tmp_path: Path) -> None:
    model = store.pull(str(shutil.copytree(tiny, tmp_path / "copy")))
    assert store.find_spec(replace(model.spec, name=str(tiny))) == model
    with pytest.raises(ModelMissing, match="magicfs model pull"):
        store.find_spec(replace(model.spec, name=str(tiny), digest="0" * 64, former_digest=""))
    with pytest.raises(ModelMismatch, match="magicfs model use"):
        store.find_spec(replace(model.spec, digest="0" * 64, former_digest=""))
    with pytest.raises(ModelMissing, match="magicfs model list"):
        store.find_digest(model.spec.name, "auto", "0000")


def test_a_damaged_model_whose_folder_has_changed_goes(store: ModelStore, tiny: Path) -> None:
    damaged = store.pull(str(tiny))
    (damaged.folder / "tokenizer.json").write_text("")
    write_tiny_model(tiny, seed=8)
    assert store.list() == (damaged,)
    model = store.pull(str(tiny))
    assert store.list() == (model,)
    with pytest.raises(ModelMismatch):
        store.find_spec(damaged.spec)


def test_a_folder_of_the_version_before_stays_where_it_is(store: ModelStore, tiny: Path) -> None:
    """Its name has no digest, its origin is the model's hash alone."""
    model = store.pull(str(tiny))
    folder = model.folder.rename(model.folder.with_name("--".join(model.folder.name.split("--")[:2])))
    manifest = json.loads((folder / "model.json").read_text())
    del manifest["spec"]["digest"]
    manifest["origin"] = f"folder {tiny}, model {'0' * 16}"
    (folder / "model.json").write_text(json.dumps(manifest))
    assert store.find(str(tiny)).spec == model.spec
    write_tiny_model(tiny, seed=8)
    changed = store.pull(str(tiny))
    assert store.find_spec(replace(model.spec, digest="")).folder == folder
    assert store.find_spec(model.spec).folder == folder
    assert store.find(str(tiny)) == changed
    write_tiny_model(tiny)
    assert store.pull(str(tiny)).folder == folder


def test_a_local_folder_says_how_it_pools_and_what_it_wants_before_a_question(
    store: ModelStore, tmp_path: Path
) -> None:
    folder = write_tiny_model(tmp_path / "tiny", pooled=False)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "invoice "}}')
    model = store.pull(str(folder))
    assert model.spec.query_prefix == "invoice "
    embedder = FastembedEmbedder.load(model.folder)
    first, both = embedder.embed_passages(["invoice", "invoice bread"])
    assert np.array_equal(first, both), "the first token's vector is the text's"
    assert np.array_equal(embedder.embed_query("bread"), first)


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_no_model(store: ModelStore, tiny: Path, missing: str) -> None:
    (tiny / missing).unlink()
    with pytest.raises(ModelError, match=missing):
        store.pull(str(tiny))
    assert leftovers(store) == []


def test_int8_that_cannot_be_had_becomes_fp32(store: ModelStore, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.pull(str(tiny), precision="int8").spec.precision is Precision.INT8

    def refuse(source: Path, target: Path) -> None:
        raise ModelError("not this one")

    monkeypatch.setattr(prepare, "quantize", refuse)
    shutil.rmtree(store.directory)
    said: list[str] = []
    assert store.pull(str(tiny), precision="int8", report=said.append).spec.precision is Precision.FP32
    assert any("stays at fp32" in message for message in said)


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot store a model.*make room"):
        ModelStore(tmp_path / "file" / "models").pull(str(tiny))


def test_what_is_known_by_name() -> None:
    assert automatic_precision(FALLBACK_MODEL) is Precision.INT8
    assert automatic_precision(DEFAULT_MODEL) is Precision.FP32
    assert prefixes_of(DEFAULT_MODEL).query.startswith("Represent this sentence")
    assert prefixes_of("snowflake/snowflake-arctic-embed-xs").query
    assert not prefixes_of(FALLBACK_MODEL).query
    assert prefixes_of("intfloat/multilingual-e5-large").passage == "passage: "
